"""Comments that are pinned to a place of an image."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.api import rows
from studio.api.answers import for_members, given
from studio.collaboration.comments import comment
from studio.errors import StudioError
from studio.images.library import image_in


@for_members()
def pin(request: Request) -> Response:
    """Say something about a place: {x, y, text} is sent, in image pixels."""
    sent = given(request)
    place, text = rows.place(sent.get("x"), sent.get("y")), sent.get("text")
    if not isinstance(text, str):
        raise StudioError("a comment has a text")
    comment(image_in(request.path_params["project"], request.path_params["image"]), request.state.who, text, place)
    return JSONResponse({})


ROUTES = [Route("/files/{project:int}/images/{image:int}/comments", pin, methods=["POST"])]
