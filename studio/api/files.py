"""Photographs, masks and networks as files, for those who are in their project."""

from __future__ import annotations

import cv2
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.api.answers import for_members
from studio.collaboration.assignment import draws_blind
from studio.errors import StudioError
from studio.images.library import image_in
from studio.projects.classes import classes_of
from studio.store import files, tiles

_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Bytes under their own hash never change."""
_SIZES = {"thumbnail": files.thumbnail, "preview": files.preview, "view": files.view}


@for_members()
def photograph(request: Request) -> Response:
    """A photograph as JPEG: `thumbnail`, `preview` or `view` (full size).

    The address holds its hash, so it is cached for good.
    """
    image = image_in(request.path_params["project"], request.path_params["image"])
    size = request.path_params["size"]
    if size not in _SIZES or request.path_params["sha256"] != image.sha256:
        raise StudioError("there is no such file")
    shown = f"{image.name.rpartition('.')[0] or 'photograph'}.jpg"
    return FileResponse(
        _SIZES[size](image.sha256), 200, _FOREVER, "image/jpeg", filename=shown, content_disposition_type="inline"
    )


@for_members()
def tile(request: Request) -> Response:
    """A tile of the photograph as JPEG, see `studio.store.tiles`; cached for good as well."""
    image = image_in(request.path_params["project"], request.path_params["image"])
    if request.path_params["sha256"] != image.sha256:
        raise StudioError("there is no such file")
    level, column, row = (request.path_params[name] for name in ("level", "column", "row"))
    return Response(tiles.tile(image.sha256, level, column, row), 200, _FOREVER, "image/jpeg")


@for_members()
def mask(request: Request) -> Response:
    """The index mask as PNG: 0 where nothing is drawn, else the class's number; `?class=N`: 255 where that class is.

    Who draws blind gets their own layer.
    """
    project_id, user = request.path_params["project"], request.state.user
    image = image_in(project_id, request.path_params["image"])
    author = user.id if draws_blind(project_id, user.id) else None
    position = log.position(image.id)
    shown = "".join(f"{one.number:02x}" for one in classes_of(project_id))
    tag = f'"{position}-{author or 0}-{shown}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    values = log.mask(image, author_id=author)
    if "class" in request.query_params:
        try:
            values = (values == int(request.query_params["class"])).astype("uint8") * 255
        except ValueError:
            raise StudioError("class is the number of a class") from None
    encoded = cv2.imencode(".png", values)[1].tobytes()
    stem = image.name.rsplit(".", 1)[0].encode("ascii", "ignore").decode().replace('"', "") or "mask"
    headers["Content-Disposition"] = f'inline; filename="{stem}.png"'
    return Response(encoded, media_type="image/png", headers=headers)


ROUTES = [
    Route("/files/{project:int}/images/{image:int}/{sha256}/tile-{level:int}-{column:int}-{row:int}.jpg", tile),
    Route("/files/{project:int}/images/{image:int}/{sha256}/{size}.jpg", photograph),
    Route("/files/{project:int}/images/{image:int}/mask.png", mask),
]
