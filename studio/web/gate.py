"""Nobody gets in without a cookie: the first thing that every request and websocket meets."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.accounts import COOKIE
from studio.accounts.sessions import signed_in

_OPEN = ("/account/", "/_stcore/health", "/_stcore/script-health-check", "/api/session", "/favicon")
_PROVIDER = ("/auth/", "/oauth2callback", "/static/", "/_stcore/stream", "/_stcore/host-config")
"""Open as well where people sign in through Streamlit; its pages then ask for the studio's cookie themselves."""
_SAFE = ("GET", "HEAD", "OPTIONS")


def credentials(connection: HTTPConnection) -> str | None:
    """The session of a request: its cookie's or, for programs, its bearer token's value."""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else connection.cookies.get(COOKIE)


def _foreign(headers: Headers) -> bool:
    """Whether another site's page sent this."""
    origin = headers.get("origin")
    return headers.get("sec-fetch-site") == "cross-site" or (
        origin is not None and urlsplit(origin).netloc != headers.get("host")
    )


class Gate:
    """Lets through who is signed in; sends browsers to the sign-in page; answers 401 to all else.

    `provider`: people may sign in through OIDC, so Streamlit's start page is open.
    """

    def __init__(self, app: ASGIApp, provider: bool = False) -> None:
        self._app = app
        self._open = (*_OPEN, *_PROVIDER) if provider else _OPEN
        self._start = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or websocket through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        connection = HTTPConnection(scope)
        path = scope["path"]
        web = scope["type"] == "http"
        if _foreign(connection.headers) and (not web or scope["method"] not in _SAFE):
            return await self._refuse(scope, receive, send, 403, "this came from another site's page")
        if path.startswith(self._open) or (self._start and path == "/"):
            return await self._app(scope, receive, send)
        found = await run_in_threadpool(signed_in, credentials(connection))
        if found is not None:
            scope.setdefault("state", {}).update(user=found[0], who=found[1])
            return await self._app(scope, receive, send)
        page = web and scope["method"] == "GET" and "text/html" in connection.headers.get("accept", "")
        if page and not path.startswith(("/api/", "/files/")):
            query = scope["query_string"].decode("latin-1")
            target = quote(path + (f"?{query}" if query else ""), safe="")
            return await RedirectResponse(f"/account/sign-in?next={target}", 303)(scope, receive, send)
        return await self._refuse(scope, receive, send, 401, "sign in first")

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": why})
        else:
            await JSONResponse({"error": why}, status)(scope, receive, send)
