"""What lists of images ask for: masks over small photographs, and who has which image open."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from threading import Lock

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log, mask_picture
from studio.api.answers import for_members
from studio.collaboration.assignment import draws_blind
from studio.collaboration.presence import in_project
from studio.errors import StudioError
from studio.images.library import image_in
from studio.projects.classes import classes_of
from studio.store import files
from studio.store.home import home

_SIDES = {"thumbnail": files.THUMBNAIL, "preview": files.PREVIEW}
_MOST_ASKED = 200
_ONE_AT_A_TIME = Lock()  # each takes as much memory as a whole photograph


@for_members()
def mask(request: Request) -> Response:
    """The mask as a PNG in its classes' colours, transparent elsewhere, to lie over the photograph of that `size`.

    `?v=` names all that it shows (`studio.annotation.mask_picture.version`): as long as that is so, browsers keep it
    for good. Who draws blind gets their own layer.
    """
    project_id, user = request.path_params["project"], request.state.user
    image = image_in(project_id, request.path_params["image"])
    size = request.path_params["size"]
    if size not in _SIDES:
        raise StudioError("there is no such file")
    author = user.id if draws_blind(project_id, user.id) else None
    now = mask_picture.version(image, classes_of(project_id), author)
    keep = "max-age=31536000, immutable" if request.query_params.get("v") == now else "no-cache"
    headers = {"ETag": f'"{now}"', "Cache-Control": f"private, {keep}"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(_picture(home(), project_id, image.id, author, _SIDES[size], now), 200, headers, "image/png")


@lru_cache(maxsize=4096)
def _picture(_: Path, project_id: int, image_id: int, author_id: int | None, side: int, version: str) -> bytes:
    """The PNG; `version` only tells apart what was made before."""
    with _ONE_AT_A_TIME:
        small = mask_picture.shrunk(log.mask(image_in(project_id, image_id), author_id=author_id), side)
    return mask_picture.encode(small, {one.number: one.colour for one in classes_of(project_id)})


@for_members()
def present(request: Request) -> Response:
    """Who else has which of `?images=` open, ids with commas between: {image's id: [{id, name}]}.

    Those who draw blind see nobody else.
    """
    project_id, user = request.path_params["project"], request.state.user
    asked = request.query_params.get("images", "").split(",")
    if len(asked) > _MOST_ASKED or not all(re.fullmatch("[1-9][0-9]{0,17}", one) for one in asked):
        raise StudioError(f"images are 1 to {_MOST_ASKED} ids with commas between")
    found: dict[int, list[dict[str, object]]] = {}
    people = [] if draws_blind(project_id, user.id) else in_project(project_id, [int(one) for one in asked])
    for person, image in people:
        if person.id != user.id:
            found.setdefault(image.id, []).append({"id": person.id, "name": person.name})
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/files/{project:int}/images/{image:int}/mask-{size}.png", mask),
    Route("/files/{project:int}/present", present),
]
