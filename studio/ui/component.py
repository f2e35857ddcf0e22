"""Parts of a page in HTML, CSS and JavaScript, whose files lie beside the module that draws them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st


@cache
def beside(module: str, html: str) -> Callable[..., Any]:
    """The component of a module, by its `__file__`: with the `.css` and `.js` of the same name, and begun as `html`."""
    path = Path(module)
    css, js = (path.with_suffix(ending).read_text(encoding="utf-8") for ending in (".css", ".js"))
    return st.components.v2.component(path.stem, html=html, css=css, js=js)
