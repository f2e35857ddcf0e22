"""What others draw on the same image, over the canvas: the browser asks `studio.api.live` every second.

It does not run the page again, so the stroke under the mouse is never touched. What cannot be shown on top, as an undo
of an old stroke, has the view drawn anew, once the user's hand rests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from studio.canvas.tab_state import Mount
from studio.images.addresses import live_address, photograph_address
from studio.store.tables import Image

_STAGE = """<style>
[class*=st-key-stage-] { position: relative }
[class*=st-key-stage-] > .st-key-overlay { position: absolute; top: 0; left: 0; height: 0 }
.st-key-overlay { z-index: 5; pointer-events: none }
</style>"""


@cache
def _component() -> Callable[..., Any]:
    here = Path(__file__)
    return st.components.v2.component(
        "overlay",
        html='<div class="overlay">\n</div>',
        css=here.with_suffix(".css").read_text(encoding="utf-8"),
        js=here.with_suffix(".js").read_text(encoding="utf-8"),
    )


def overlay(image: Image, on: Mount, opacity: float, anew: Callable[[], None]) -> None:
    """Draw the overlay, at the top of a container whose key begins with `stage-` and that holds the canvas.

    `anew` is called when the canvas must be mounted anew to show what others did.
    """
    st.html(_STAGE)
    _component()(
        key="overlay",
        data={
            "address": live_address(image.project_id, image.id),
            "photo": photograph_address(image.project_id, image.id, image.sha256, "view"),
            "mount": on.key,
            "position": on.position,
            "view": list(on.view),
            "width": image.width,
            "height": image.height,
            "opacity": opacity,
        },
        on_anew_change=anew,
    )
