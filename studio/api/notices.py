"""What any open page asks every few seconds: which of its user's jobs have ended."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from studio.jobs.notices import claim


def notices(request: Request) -> JSONResponse:
    """{notices: those of `studio.jobs.notices.claim`}, given out once: whoever asks shows them."""
    return JSONResponse({"notices": claim(request.state.user.id)}, headers={"Cache-Control": "no-store"})


ROUTES = [Route("/files/notices", notices, methods=["POST"])]
