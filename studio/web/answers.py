"""What the routes share: who asks, what may be answered, and errors as sentences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ftl.errors import FtlError
from studio.errors import Forbidden, StudioError
from studio.projects import require

Answer = Callable[[Request], Awaitable[Response]]


def for_members(role: str = "annotator") -> Callable[[Callable[..., Any]], Answer]:
    """Make a route of a plain function (request) -> Response, for members of the path's `{project}` with that role.

    It runs in a thread. Who is not allowed gets 403; a `StudioError` is answered as its sentence, with 400.
    """

    def wrap(function: Callable[[Request], Response]) -> Answer:
        @wraps(function)
        async def route(request: Request) -> Response:
            def run() -> Response:
                require(request.state.user.id, request.path_params["project"], role)
                return function(request)

            return await told(run)

        return route

    return wrap


async def told(run: Callable[[], Response]) -> Response:
    """Run in a thread; errors become sentences."""
    try:
        return await run_in_threadpool(run)
    except Forbidden as error:
        return JSONResponse({"error": str(error)}, 403)
    except (StudioError, FtlError) as error:
        return JSONResponse({"error": str(error)}, 400)
