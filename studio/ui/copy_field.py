"""A text to take away, shown whole, with a button that copies it; and a link, which says where it does not lead."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from studio import ui

_ONLY_HERE = (
    ":material/computer: This link opens on this computer only, because the studio was reached as localhost. For "
    "others, first open the studio to them (docs/deploy.md, *Open to others, with TLS*), then make a new link."
)


@cache
def _component() -> Callable[..., Any]:
    here = Path(__file__).parent
    return st.components.v2.component(
        "copy_field",
        html='<div class="copy-field"></div>',
        css=(here / "copy_field.css").read_text(encoding="utf-8"),
        js=(here / "copy_field.js").read_text(encoding="utf-8"),
    )


def show(text: str, key: str) -> None:
    """Draw a text, in as many lines as it needs, and its button."""
    _component()(key=key, data={"text": text})


def link(path: str, key: str) -> None:
    """Draw the whole address of a path of this site, as this browser reaches it, for somebody else to open."""
    address = ui.link(path)
    show(address, key)
    if only_here(address):
        st.caption(_ONLY_HERE)


def only_here(address: str) -> bool:
    """Whether an address leads every computer to itself, as http://localhost:8501 does."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
