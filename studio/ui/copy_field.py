"""A text to take away, shown whole, with a button that copies it; and a link, which says where it does not lead."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st

from studio import ui
from studio.ui import component

_ONLY_HERE = (
    ":material/computer: This link opens on this computer only, because the studio was reached as localhost. For "
    "others, first open the studio to them (docs/deploy.md, *Open to others, with TLS*), then make a new link."
)


def show(text: str, key: str) -> None:
    """Draw a text, in as many lines as it needs, and its button."""
    component.beside(__file__, '<div class="copy-field"></div>')(key=key, data={"text": text})


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
