"""Where a browser sends the strokes that it keeps; they are its user's, and on the disk once this has answered."""

from __future__ import annotations

import sys

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.api import rows
from studio.api.answers import for_members, given
from studio.api.live import answer, news, position
from studio.errors import StudioError
from studio.images.library import image_in

_MOST = 5000


@for_members()
def strokes(request: Request) -> Response:
    """Add rows {id, kind, class_number, geometry} to the log, those that it lacks: {user, after, rows} is sent.

    `user`: whose they are. `after`: see `live`, whose answer this is, with the ids of the rows as `taken`. An undo or
    redo with the geometry {} is of the user's last stroke; one that finds none changes nothing. 400, 403, 404, 413:
    all are refused, and why. 409: not as long as somebody else is signed in. 503: the disk does not take them now.
    """
    sent, user = given(request), request.state.user
    image, after, new = (
        image_in(request.path_params["project"], request.path_params["image"]),
        position(sent),
        sent.get("rows"),
    )
    if sent.get("user") != user.id:
        return JSONResponse({"error": f"somebody else drew them, and {user.name} is signed in now"}, 409)
    if not isinstance(new, list) or not len(new) <= _MOST:
        raise StudioError(f"rows are a list of at most {_MOST:,}")
    found = [rows.parsed(row) for row in new]
    try:
        log.append(image.id, request.state.who, found)
    except SQLAlchemyError as error:
        print(f"strokes cannot be written: {error}", file=sys.stderr)
        return JSONResponse({"error": "the studio's disk does not take them now"}, 503)
    image = image_in(image.project_id, image.id)  # as it is now
    return answer(news(image, user, request.state.role, after) | {"taken": [stroke.id for stroke in found]})


ROUTES = [Route("/files/{project:int}/images/{image:int}/strokes", strokes, methods=["POST"])]
