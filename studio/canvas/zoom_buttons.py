"""The buttons that move what a tab sees of an image, shared by the ways to draw."""

from __future__ import annotations

from typing import Any

import streamlit as st

from studio.canvas import tab_state
from studio.store.tables import Image


def looks(image: Image) -> Any:
    """Draw them, with their keys, in a row; the row, for more."""
    bar = st.container(horizontal=True, gap="small", vertical_alignment="center")
    buttons: tuple[tuple[str, str, str, Any, tuple[Any, ...]], ...] = (
        ("zoom_in", "Closer", "i", tab_state.zoom, (image, 2.0)),
        ("zoom_out", "Farther", "o", tab_state.zoom, (image, 0.5)),
        ("fit_screen", "Whole image", "f", tab_state.zoom, (image, None)),
        ("arrow_back", "Left", "left", tab_state.pan, (image, -1, 0)),
        ("arrow_forward", "Right", "right", tab_state.pan, (image, 1, 0)),
        ("arrow_upward", "Up", "up", tab_state.pan, (image, 0, -1)),
        ("arrow_downward", "Down", "down", tab_state.pan, (image, 0, 1)),
    )
    for icon, text, key, action, arguments in buttons:
        bar.button("", icon=f":material/{icon}:", key=f"view-{icon}", help=text, shortcut=key, on_click=action,
                   args=arguments)  # fmt: skip
    bar.caption(f"{tab_state.place(image)['zoom']:.0f} ×")
    return bar
