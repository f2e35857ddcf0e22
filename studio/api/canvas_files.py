"""The drawing surface's scripts and styles, for everybody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.canvas import modules


def canvas_file(request: Request) -> Response:
    """One of them, to be kept for good: its address names its content."""
    found = modules.content(request.path_params["version"], request.path_params["name"])
    if found is None:
        return JSONResponse({"error": "there is no such file: reload the page"}, 404)
    body, media_type = found
    return Response(body, 200, {"Cache-Control": "public, max-age=31536000, immutable"}, media_type)


ROUTES = [Route("/canvas/{version}/{name:path}", canvas_file)]
