"""Bodies of requests: none is larger than its route allows, and JSON is JSON before anybody reads it."""

from __future__ import annotations

import json
import re

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.accounts.settings import recent

SMALL = 64 * 1024
"""Bytes of a body where no upload is expected: a form, or JSON."""

STROKES = 64 * 1024**2
"""Bytes of strokes that are sent at once, as after a while without the studio; about 3 KB each."""

ASSIST = 256 * 1024
"""Bytes of what an assist is asked for."""

_UPLOADS = re.compile(r"POST /api/projects/\d+/images|PUT /_stcore/upload_file/.*")
_ON_IMAGES = re.compile(r"POST /files/\d+/images/\d+/(strokes|assist)")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


def most_bytes(method: str, path: str) -> int:
    """The largest body that a route takes, in bytes: an upload may be as large as the settings allow."""
    if _UPLOADS.fullmatch(f"{method} {path}"):
        return recent().most_upload_mb * 1024**2 + SMALL  # a form's own lines around its files
    found = _ON_IMAGES.fullmatch(f"{method} {path}")
    return {"strokes": STROKES, "assist": ASSIST}[found[1]] if found else SMALL


class Bodies:
    """Answers 413 to a body that is too large as soon as that is known, and 400 to JSON that is none.

    Small bodies are read before the route is asked, so that nothing happens for half of one; large ones are counted
    while the route reads them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return await self._app(scope, receive, send)
        most = await run_in_threadpool(most_bytes, scope["method"], scope["path"])
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            return await _too_large(most)(scope, receive, send)
        if most > SMALL:
            return await self._count(most, scope, receive, send)
        body = await _read(most, receive)
        if body is None:
            return await _too_large(most)(scope, receive, send)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and scope["path"].startswith(("/api/", "/files/")) and kind not in _FORMS and not _is_json(body):
            return await JSONResponse({"error": "this is no JSON that can be read"}, 400)(scope, receive, send)
        return await self._app(scope, _replay(body, receive), send)

    async def _count(self, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route read; once it is too much, the route sees a lost connection, and the answer is 413."""
        taken, started = 0, False

        async def counted() -> Message:
            nonlocal taken
            if taken > most:
                return {"type": "http.disconnect"}
            message = await receive()
            taken += len(message.get("body", b""))
            return message if taken <= most else {"type": "http.disconnect"}

        async def answer(message: Message) -> None:
            nonlocal started
            if taken <= most or started:
                started = True
                await send(message)

        try:
            await self._app(scope, counted, answer)
        except Exception:
            if taken <= most:
                raise
        if taken > most and not started:
            await _too_large(most)(scope, receive, send)


async def _read(most: int, receive: Receive) -> bytes | None:
    """The whole body; None once it has more than `most` bytes. What a lost connection left of it is empty."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _is_json(body: bytes) -> bool:
    """Whether this is JSON, not nested without end, and every text of it can be encoded."""
    try:  # in this process: a child would take longer than a body of this size can
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        return False
    return True


def _too_large(most: int) -> JSONResponse:
    size = f"{most // 1024**2:,} MB" if most >= 1024**2 else f"{most // 1024} KB"
    return JSONResponse({"error": f"this is larger than the {size} that may be sent here"}, 413)
