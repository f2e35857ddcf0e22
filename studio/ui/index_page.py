"""What a browser opens first, for every page: Streamlit's HTML, with the studio's name, styles and `history.js` in it.

Styles that a script run sends come after the first paint: all that was drawn by then would jump.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from studio.api.headers import policy, streamlit_index
from studio.ui import history, page_file

_ADDRESSES = ("/", "/profile", *(f"/{file.stem}" for file in Path(page_file("home")).parent.glob("*.py")))


@cache
def html() -> str:
    """The page."""
    names = {"ground": "backgroundColor", "side": "secondaryBackgroundColor", "accent": "primaryColor"}
    colours = "; ".join(f"--{name}: {_colour(part)}" for name, part in names.items())
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    named = streamlit_index().replace("<title>Streamlit</title>", "<title>FTL studio</title>")
    # within :root, so that it counts for more than Streamlit's own styles, which come later
    return named.replace(
        "</head>", f"<style>:root {{ {colours};\n{style} }}</style><script>{history.SCRIPT}</script></head>"
    )


def _colour(part: str) -> str:
    """A colour of the theme in CSS, for light and dark."""
    return "light-dark({}, {})".format(*(st.get_option(f"theme.{theme}.{part}") for theme in ("light", "dark")))


async def index_page(request: Request) -> HTMLResponse:
    """Answer with the page."""
    allowed = policy(request.url.path, history.SCRIPT)
    # no-store: by no-cache alone, Back may show it from the cache, empty, to who has signed out
    return HTMLResponse(html(), headers={"Cache-Control": "no-store", "Content-Security-Policy": allowed})


ROUTES = [Route(address, index_page) for address in _ADDRESSES]
