"""A button that fetches a file from the studio and says beside it when there is none, and why.

Streamlit's own download button swallows the sentence of a file that cannot be made, and shows nothing after five
seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st


@cache
def _component() -> Callable[..., Any]:
    here = Path(__file__).parent
    return st.components.v2.component(
        "save",
        html='<div class="save"></div>',
        css=(here / "save_button.css").read_text(encoding="utf-8"),
        js=(here / "save_button.js").read_text(encoding="utf-8"),
    )


def button(label: str, address: str, name: str, key: str, hint: str = "") -> None:
    """Draw a button for a file that takes the studio some time to make; browsers keep large ones on disk meanwhile.

    `address`: of the studio itself; it answers the file, or JSON with an `error`. `name`: what the file is saved as.
    """
    _component()(key=key, data={"label": label, "address": address, "name": name, "hint": hint}, width="content")
