"""Strokes stay in the browser until they are on the studio's disk, whatever restarts meanwhile: tab, studio, sign-in.

The browser keeps what the canvas reports, by user, image and canvas, and sends it to `studio.api.strokes`, again and
again, until that has answered. A line below the canvas says what is saved and what is not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from studio.canvas.tab_state import Mount
from studio.store.tables import Image, User


@cache
def _component() -> Callable[..., Any]:
    here = Path(__file__)
    return st.components.v2.component(
        "unsent",
        html='<div class="unsent" role="status">\n</div>',
        css=here.with_suffix(".css").read_text(encoding="utf-8"),
        js=here.with_suffix(".js").read_text(encoding="utf-8"),
    )


def unsent(image: Image, user: User, on: Mount | None = None) -> None:
    """Have this tab keep and send the user's strokes, and say how they stand. `on`: the canvas, where there is one."""
    place = {"user": user.id, "name": user.name, "project": image.project_id, "image": image.id, "file": image.name}
    canvas = None if on is None else place | {"mount": on.key, "view": list(on.view), "pens": on.pens}
    _component()(key="unsent", height="content", data={"place": place, "canvas": canvas})
