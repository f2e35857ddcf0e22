"""What lies at a place of an image: the stroke that shows there, and the area that it is part of."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.annotation.patches import area
from studio.annotation.rasterise import topmost
from studio.annotation.strokes import Revision
from studio.api import rows
from studio.api.answers import for_members
from studio.collaboration.annotator_masks import names
from studio.collaboration.assignment import draws_blind
from studio.errors import StudioError
from studio.images.library import image_in


@for_members()
def at_place(request: Request) -> Response:
    """{stroke, area} at the pixel `?x=&y=`, each null where nothing is drawn.

    `stroke`: its row, the `name` of its author, when it was drawn (`at`, seconds since 1970), and whether it is one's
    own (`mine`); an earlier mask that was made the image's again has no geometry. `area`: its `class_number`, and the
    pixels about it that are of that class. Who draws blind sees their own strokes alone.
    """
    image, user = image_in(request.path_params["project"], request.path_params["image"]), request.state.user
    try:
        x, y = (int(request.query_params.get(name, "")) for name in ("x", "y"))
    except ValueError:
        raise StudioError("x and y are a pixel of the image, whole numbers") from None
    if not (0 <= x < image.width and 0 <= y < image.height):
        raise StudioError("this place is not on the image")
    author = user.id if draws_blind(image.project_id, user.id) else None
    mask = log.mask(image, author_id=author)
    number = int(mask[y, x])
    if number == 0:
        return _answer(None, None)
    log_rows = {row.id: row for row in log.read(image.id, author_id=author)}
    found = topmost([log.drawn(row) for row in log_rows.values()], image.height, image.width, x, y)
    stroke: dict[str, Any] | None = None
    if found is not None:
        row = log_rows[found.id]
        stroke = rows.as_json(row) | {"name": names([row.author_id])[row.author_id], "at": row.at}
        stroke |= {"mine": row.author_id == user.id} | ({"geometry": {}} if isinstance(found, Revision) else {})
    return _answer(stroke, {"class_number": number, **_connected(mask, x, y)})


def _answer(stroke: dict[str, Any] | None, about: dict[str, Any] | None) -> Response:
    return JSONResponse({"stroke": stroke, "area": about}, headers={"Cache-Control": "no-store"})


def _connected(mask: np.ndarray, x: int, y: int) -> dict[str, Any]:
    """The 8-connected pixels about a place that have its value."""
    marked = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    _, _, _, (left, top, width, height) = cv2.floodFill(mask, marked, (x, y), 0, 0, 0, 8 | cv2.FLOODFILL_MASK_ONLY)
    box = slice(top, top + height), slice(left, left + width)
    return area(box, marked[1:-1, 1:-1][box] > 0)


ROUTES = [Route("/files/{project:int}/images/{image:int}/object", at_place)]
