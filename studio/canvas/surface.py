"""The canvas as its package draws it, but for one thing: its reports pass through this browser's keep, see `unsent`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_NAME = "streamlit-drawable-canvas.streamlit_drawable_canvas"


def surface(**arguments: Any) -> Any:
    """Draw the canvas; arguments and result are those of `streamlit_drawable_canvas.st_canvas`."""
    import streamlit_drawable_canvas as package  # cannot be imported outside of a Streamlit run

    package.out = _draw  # type: ignore[assignment]
    return package.st_canvas(**arguments)


def _draw(*, data: dict[str, Any], key: str, **rest: Any) -> Any:
    component, script = _component()
    return component(data=data | {"mount": key, "script": script}, key=key, **rest)


@cache
def _component() -> tuple[Callable[..., Any], str]:
    """The component, and the address of the package's own script."""
    import streamlit_drawable_canvas as package

    built = Path(package.__file__).parent / "frontend" / "build"
    (style,), (script,) = built.glob("index-*.css"), built.glob("index-*.js")
    component = st.components.v2.component(
        "surface",
        html='<div class="canvas-root">\n</div>',
        css=style.read_text(encoding="utf-8"),
        js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    )
    return component, f"/_stcore/bidi-components/{_NAME}/{script.name}"
