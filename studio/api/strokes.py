"""Where a browser sends the strokes that it keeps; they are its user's, and on the disk once this has answered."""

from __future__ import annotations

import json
import sys
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.annotation import log
from studio.api.answers import for_members
from studio.canvas.reports import reported
from studio.errors import Forbidden, StudioError
from studio.images.library import image_in


async def strokes(request: Request) -> Response:
    """POST: add a canvas' strokes, those that the log lacks; JSON as in `reported`, and `user`, whose they are.

    Answers {strokes}, how many of the canvas are on the disk now. 400, 403, 404, 413: they are refused, and why.
    503: the disk does not take them now.
    """
    request.state.report = await request.body()
    return await _add(request)


@for_members()
def _add(request: Request) -> Response:
    try:
        given: Any = json.loads(request.state.report)
    except (ValueError, RecursionError) as error:
        raise StudioError("strokes come as JSON") from error
    user, image = request.state.user, image_in(request.path_params["project"], request.path_params["image"])
    if not isinstance(given, dict) or given.get("user") != user.id:
        raise Forbidden(f"somebody else drew them, and {user.name} is signed in now")
    found = reported(given, image)
    try:
        log.append(image.id, request.state.who, found)
    except SQLAlchemyError as error:
        print(f"strokes cannot be written: {error}", file=sys.stderr)
        return JSONResponse({"error": "the studio's disk does not take them now"}, 503)
    return JSONResponse({"strokes": len(found)})


ROUTES = [Route("/files/{project:int}/images/{image:int}/strokes", strokes, methods=["POST"])]
