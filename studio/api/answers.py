"""What the routes share: who asks, what may be answered, and errors as sentences."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any, NoReturn

from fastapi import Depends, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ftl.errors import FtlError
from studio.accounts import COOKIE
from studio.accounts.rights import SignedIn
from studio.api.schemas import LARGEST_ID, Id, Refusal
from studio.errors import Forbidden, Missing, StudioError
from studio.projects.members import require
from studio.store.tables import User

Answer = Callable[[Request], Awaitable[Response]]

SIGNED_IN = [
    Security(HTTPBearer(scheme_name="bearer", auto_error=False, description="an API token, or a session's")),
    Security(APIKeyCookie(name=COOKIE, scheme_name="cookie", auto_error=False, description="a browser's session")),
]
"""Either of these; the gate, which every request meets first, has looked at them."""

_REFUSALS = {
    400: "something in the request cannot be",
    401: "nobody is signed in",
    403: "not allowed, or not in this project",
    404: "there is no such thing",
    413: "the request is larger than the studio takes",
    429: "too many requests: `Retry-After` tells after how many seconds to go on",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI tells of the errors that a route can answer, beside those that every route can (400, 413, 429)."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 400, 413, 429}):
        responses[status] = {"description": _REFUSALS[status], "model": Refusal}
    seconds = {"schema": {"type": "integer", "minimum": 1}, "description": "seconds to wait", "required": True}
    responses[429] |= {"headers": {"Retry-After": seconds}}
    return responses


def sent(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI tells of a route that answers a file to save."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    headers = {"Content-Disposition": {"schema": {"type": "string"}}}
    return {200: {"description": what, "content": content, "headers": headers}}


def refusal(error: Exception) -> JSONResponse:
    """An error that is shown to users, as its sentence: 403 not allowed, 404 not there, else 400."""
    status = 403 if isinstance(error, Forbidden) else 404 if isinstance(error, Missing) else 400
    return JSONResponse({"error": str(error)}, status)


def asking(request: Request) -> User:
    """Who asks: the gate found out."""
    user: User = request.state.user
    return user


Asking = Annotated[User, Depends(asking)]


def changer(request: Request) -> SignedIn:
    """Who asks, for what changes something: their session is asked for again in the transaction that changes."""
    who: SignedIn = request.state.who
    return who


Changing = Annotated[SignedIn, Depends(changer)]


def _member(role: str) -> Callable[[int, User], int]:
    def member(project: Id, user: Asking) -> int:
        require(user.id, project, role)
        return project

    return member


Annotators = Annotated[int, Depends(_member("annotator"))]
"""The project of the address, if the user is in it."""
Admins = Annotated[int, Depends(_member("admin"))]
"""The project of the address, if the user is its admin."""


def for_members(role: str = "annotator") -> Callable[[Callable[..., Any]], Answer]:
    """Make a route of a plain function (request) -> Response, for members of the path's `{project}` with that role.

    It runs in a thread; `request.state` then has the body, where there is one, as `body` and the user's role in the
    project as `role`. Who is not allowed gets 403; a `StudioError` is answered as its sentence, with 400; numbers in
    the path that are too large for a key get 404.
    """

    def wrap(function: Callable[[Request], Response]) -> Answer:
        @wraps(function)
        async def route(request: Request) -> Response:
            keys = [request.path_params[name] for name in ("project", "image") if name in request.path_params]
            if any(not 1 <= key <= LARGEST_ID for key in keys):
                return JSONResponse({"error": "there is nothing with this number"}, 404)
            try:
                request.state.body = await request.body()
            except ClientDisconnect:  # nobody is there any more to read the answer
                return Response(status_code=400)

            def run() -> Response:
                request.state.role = require(request.state.user.id, request.path_params["project"], role)
                return function(request)

            try:
                return await run_in_threadpool(run)
            except (StudioError, FtlError) as error:
                return refusal(error)

        return route

    return wrap


def given(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises `StudioError` for anything else; its numbers are finite, or too large."""
    try:
        found = json.loads(request.state.body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StudioError("this is no JSON that can be read") from error
    if not isinstance(found, dict):
        raise StudioError("a JSON object is expected here")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
