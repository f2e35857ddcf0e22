"""The pen: streamlit-drawable-canvas, of which this module and js/pen.js know all that the studio knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

_NAME = "streamlit-drawable-canvas.streamlit_drawable_canvas"
_LOCK = Lock()


@cache
def pen(width: int, height: int) -> dict[str, Any]:
    """{script, data}: the address of the package's script, and what it draws a canvas of this size from.

    `width`, `height`: CSS pixels. Strokes are drawn by hand, and cannot be seen.
    """
    import streamlit_drawable_canvas as package  # cannot be imported outside of a Streamlit run

    given: dict[str, Any] = {}

    def draw(*, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        given.update(data)
        return {}

    with _LOCK:
        package.out, own = draw, package.out  # type: ignore[assignment]
        try:
            package.st_canvas(stroke_width=1, stroke_color="#00000000", width=width, height=height, key="pen")
        finally:
            package.out = own
    (script,) = _built().glob("index-*.js")
    return {"script": f"/_stcore/bidi-components/{_NAME}/{script.name}", "data": given}


def style() -> str:
    """The package's own CSS."""
    (file,) = _built().glob("index-*.css")
    return file.read_text(encoding="utf-8")


def _built() -> Path:
    import streamlit_drawable_canvas as package

    return Path(package.__file__).parent / "frontend" / "build"
