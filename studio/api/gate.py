"""Nobody gets in without a cookie: the first thing that every request and websocket meets."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import ceil
from time import monotonic
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.accounts import COOKIE
from studio.accounts.settings import recent
from studio.accounts.tokens import Caller, caller, note_use
from studio.api.forms import FONTS, address
from studio.api.rate_limit import Buckets
from studio.store.database import reading
from studio.store.tables import ApiToken, Session

_OPEN = ("/account/", "/_stcore/health", "/_stcore/script-health-check", "/api/session", "/favicon", "/canvas/", *FONTS)
_PROVIDER = ("/auth/", "/oauth2callback", "/static/", "/_stcore/stream", "/_stcore/host-config")
"""Open as well where people sign in through Streamlit; its pages then ask for the studio's cookie themselves."""
_FREE = ("/static/", "/canvas/", "/_stcore/health", "/favicon")
"""What is not counted: files of the front end, which browsers keep, and who looks whether the studio is up."""
_APART = (
    ("its tabs", re.compile(r"/files/\d+/(images/\d+/live|present)"), 3000),
    ("its photographs", re.compile(r"/files/\d+/images/\d+/([0-9a-f]{64}/[a-z0-9-]+\.jpg|mask-[a-z]+\.png)"), 12_000),
)
"""What is counted apart, and how often a minute it may be asked for at least: an image in company asks three times a
second for what is new, and a look around a large photograph fetches hundreds of tiles, which browsers keep."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_IN_PROJECT = re.compile(r"/(?:api/projects|files)/([0-9]{1,18})(?:/|$)")
_NOTES = ThreadPoolExecutor(1, "seen")  # nobody waits for these


def credentials(connection: HTTPConnection) -> str | None:
    """The credential of a request: its cookie or, for programs, its bearer's token, of a session or of the API."""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else connection.cookies.get(COOKIE)


def _foreign(headers: Headers) -> bool:
    """Whether another site's page sent this."""
    origin = headers.get("origin")
    return headers.get("sec-fetch-site") == "cross-site" or (
        origin is not None and urlsplit(origin).netloc != headers.get("host")
    )


def _caller(credential: str | None) -> Caller | None:
    with reading() as db:
        found = caller(db, credential)
    if found is not None:
        _NOTES.submit(_note, found.by)
    return found


def _note(by: Session | ApiToken) -> None:
    with suppress(SQLAlchemyError):  # it is only when they were last seen, and not worth a failed request
        note_use(by)


def _beyond(token: ApiToken, scope: Scope) -> str | None:
    """Why a token does not reach that far; None if it does. A route's method says whether it reads or writes."""
    path = scope["path"]
    if scope["type"] != "http" or not path.startswith(("/api/", "/files/")):
        return "a token is for /api/ and /files/ only"
    if token.scope != "write" and scope["method"] not in _SAFE:
        return "this token may only read: make one with the scope write"
    here = _IN_PROJECT.match(path)
    if token.project_id is not None and (here is None or int(here[1]) != token.project_id):
        return f"this token is for project {token.project_id} only"
    return None


class Gate:
    """Lets through who is signed in; sends browsers to the sign-in page; answers 401 to all else, 429 to too much.

    `provider`: people may sign in through OIDC, so Streamlit's start page is open.
    """

    def __init__(self, app: ASGIApp, provider: bool = False) -> None:
        self._app = app
        self._open = (*_OPEN, *_PROVIDER) if provider else _OPEN
        self._start = provider
        self._buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or websocket through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        connection = HTTPConnection(scope)
        path = scope["path"]
        web = scope["type"] == "http"
        if _foreign(connection.headers) and (not web or scope["method"] not in _SAFE):
            return await self._refuse(scope, receive, send, 403, "this came from another site's page")
        is_open = path.startswith(self._open) or (self._start and path == "/")
        found = None if is_open else await run_in_threadpool(_caller, credentials(connection))
        if web and not path.startswith(_FREE) and (seconds := await self._wait(connection, found and found.who)):
            return await self._later(seconds)(scope, receive, send)
        if is_open:
            return await self._app(scope, receive, send)
        if found is not None:
            beyond = _beyond(found.by, scope) if isinstance(found.by, ApiToken) else None
            if beyond:
                return await self._refuse(scope, receive, send, 403, beyond)
            scope.setdefault("state", {}).update(user=found.user, who=found.who)
            return await self._app(scope, receive, send)
        page = web and scope["method"] == "GET" and "text/html" in connection.headers.get("accept", "")
        if page and not path.startswith(("/api/", "/files/")):
            query = scope["query_string"].decode("latin-1")
            target = quote(path + (f"?{query}" if query else ""), safe="")
            return await RedirectResponse(f"/account/sign-in?next={target}", 303)(scope, receive, send)
        return await self._refuse(scope, receive, send, 401, "sign in first")

    async def _wait(self, connection: HTTPConnection, who: int | None) -> float:
        """How many seconds whoever this is has to wait before the next request."""
        whose = f"user {who}" if who else f"address {address(connection)}"
        most, path = (await run_in_threadpool(recent)).most_requests, connection.scope["path"]
        for what, addresses, least in _APART:
            if who and addresses.fullmatch(path):
                whose, most = f"{whose}, {what}", max(most, least)
        return self._buckets.take(whose, most, monotonic())

    def _later(self, seconds: float) -> JSONResponse:
        whole = ceil(seconds)
        answer = {"error": f"these are too many requests within a minute: go on in {whole} s"}
        return JSONResponse(answer, 429, {"Retry-After": str(whole)})

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": why})
        else:
            await JSONResponse({"error": why}, status)(scope, receive, send)
