"""Keys, clicks and strokes keep their order, however quick the hand is.

The canvas sends a stroke 200 ms after mouse-up, and drops it when it is taken off before. So what may take it off is
held back in the browser while a stroke is under the mouse or on its way, and then done in its order. The other way
round, a stroke that begins before the canvas has the class or tool just chosen is drawn when it has; one that begins on
a canvas about to be taken off is not drawn at all, rather than seen and lost.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import streamlit as st

_WIDEST = 780  # a canvas' width, in CSS pixels


def hold() -> None:
    """Have this browser tab keep keys, clicks and strokes in their order; call it in every run of the page."""
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    component = st.components.v2.component("studio_hold", js=script)
    told = {"run": secrets.token_hex(4), "room": room()}
    component(key="hold", height=0, data=told, on_room_change=_remember)


def _remember() -> None:
    """Keep the room while the user is on other pages."""
    st.session_state["room"] = st.session_state["hold"].get("room")


def room() -> int:
    """The width that the window has for a canvas, in CSS pixels."""
    return min(int(st.session_state.get("room") or _WIDEST), _WIDEST)
