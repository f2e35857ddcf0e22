"""What was drawn on the canvas of an assist: clicks, wide strokes and rectangles, in image pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from studio.annotation.assists.gated_brush import gate
from studio.annotation.assists.grabcut import grab
from studio.annotation.assists.trace import trace
from studio.annotation.strokes import Brush, Rectangle, Shape
from studio.canvas.adapter import strokes
from studio.canvas.viewport import Viewport

PEN = "#ff2bd6"  # a colour that no wall has
_ORIGIN = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


class Click(NamedTuple):
    """A place, in image pixels."""

    x: float
    y: float


def marks(objects: Sequence[Mapping[str, Any]], view: Viewport, width: int, height: int) -> list[Click | Shape]:
    """The canvas' objects in their order: clicks, kept inside the photograph, and strokes without an id."""
    found: list[Click | Shape] = []
    for one in objects:
        if one.get("type") == "Circle":
            point = _centre(one, view)
            if point is not None:
                inside = np.clip(point, 0, (width - 1e-3, height - 1e-3))
                found.append(Click(*inside.round(3).tolist()))
        else:
            found += [replace(mark, id="") for mark in strokes([one], "assist", view, {1: PEN})]
    return found


def _centre(one: Mapping[str, Any], view: Viewport) -> np.ndarray | None:
    """A circle's centre, in image pixels; Fabric tells a side of it, with the line around it."""
    try:
        across = 2 * one["radius"] + one["strokeWidth"]
        x = one["left"] + (0.5 - _ORIGIN[one["originX"]]) * across * one.get("scaleX", 1)
        y = one["top"] + (0.5 - _ORIGIN[one["originY"]]) * across * one.get("scaleY", 1)
        return view.to_image(np.array([[x, y]], float))[0]
    except (KeyError, TypeError, ValueError):
        return None


def outcome(
    assist: str, image: np.ndarray, given: Sequence[Click | Shape], width: float | None = None, offset: float = 0.0
) -> np.ndarray:
    """What an assist makes of the marks: bool (height, width). `image`: RGB, uint8 (height, width, 3).

    `width`: of a traced crack, see `trace`; `offset`: of the brush's threshold, see `gate`. Marks of another assist
    count for nothing. Raises `StudioError` where the assist does.
    """
    height, wide = image.shape[:2]
    whole = np.zeros((height, wide), bool)
    if assist == "trace":
        clicks = [mark for mark in given if isinstance(mark, Click)]
        return trace(image, np.array(clicks), width) if len(clicks) > 1 else whole
    for mark in given:
        if assist == "gate" and isinstance(mark, Brush):
            box, covered = mark.cover(height, wide)
            inside = np.zeros((height, wide), bool)
            inside[box] = covered
            whole |= gate(image, inside, offset)
        elif assist == "grab" and isinstance(mark, Rectangle):
            whole |= grab(image, tuple(mark.geometry["box"]))
    return whole
