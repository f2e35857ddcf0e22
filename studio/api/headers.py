"""What every answer tells browsers about itself: what its page may load, and that nobody else may frame it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FILE = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""Photographs, masks, exports, answers of the API: opened by themselves, they run and load nothing."""

_FORM = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The studio's own pages of plain HTML: sign-in, and the API's description."""

_FORMS = ("/account/", "/api/")
_FILES = ("/files/", "/media/", "/api/projects", "/api/session", "/api/openapi.json")


def streamlit_static() -> Path:
    """The folder of Streamlit's front end, as it is installed."""
    package = find_spec("streamlit")
    assert package
    assert package.origin
    return Path(package.origin).parent / "static"


def streamlit_index() -> str:
    """The HTML of Streamlit's front end."""
    return (streamlit_static() / "index.html").read_text(encoding="utf-8")


@cache
def _page(*own: str) -> str:
    """Streamlit's front end: its own files, modules of components (`blob:`), numbers in WebAssembly, its own styles."""
    scripts = [*re.findall(r"<script>(.*?)</script>", streamlit_index(), re.DOTALL), *own]
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    inline = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval' {inline}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def policy(path: str, *scripts: str) -> str:
    """The Content-Security-Policy of what lies at an address. `scripts`: the studio's own in a page's HTML."""
    if path.startswith(_FILES):
        return _FILE
    return _FORM if path.startswith(_FORMS) else _page(*scripts)


class Headers:
    """Adds them to every answer, refusals included, unless a route has said its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_ALWAYS, "Content-Security-Policy": policy(scope["path"])}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)
