"""What was drawn on the canvas of an assist: clicks, wide strokes and rectangles, in image pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studio.annotation.assists.gated_brush import gate
from studio.annotation.assists.grabcut import grab
from studio.annotation.assists.trace import trace
from studio.annotation.strokes import Drawn, cover
from studio.canvas.adapter import strokes
from studio.canvas.viewport import Viewport

PEN = "#ff2bd6"  # a colour that no wall has
_ORIGIN = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


def marks(objects: Sequence[Mapping[str, Any]], view: Viewport, width: int, height: int) -> list[Drawn]:
    """The canvas' objects in their order: strokes as ever, and clicks as kind "point", kept inside the photograph."""
    found = []
    for one in objects:
        if one.get("type") == "Circle":
            point = _centre(one, view)
            if point is not None:
                inside = np.clip(point, 0, (width - 1e-3, height - 1e-3))
                found.append(Drawn("", "point", 1, {"points": [inside.round(3).tolist()]}, 0))
        else:
            found += [mark._replace(id="") for mark in strokes([one], "assist", view, {1: PEN})]
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
    assist: str, image: np.ndarray, given: Sequence[Drawn], width: float | None = None, offset: float = 0.0
) -> np.ndarray:
    """What an assist makes of the marks: bool (height, width). `image`: RGB, uint8 (height, width, 3).

    `width`: of a traced crack, see `trace`; `offset`: of the brush's threshold, see `gate`. Marks of another assist
    count for nothing. Raises `StudioError` where the assist does.
    """
    height, wide = image.shape[:2]
    whole = np.zeros((height, wide), bool)
    if assist == "trace":
        clicks = [mark.geometry["points"][0] for mark in given if mark.kind == "point"]
        return trace(image, np.array(clicks), width) if len(clicks) > 1 else whole
    for mark in given:
        if assist == "gate" and mark.kind == "brush":
            box, covered = cover(mark, height, wide)
            inside = np.zeros((height, wide), bool)
            inside[box] = covered
            whole |= gate(image, inside, offset)
        elif assist == "grab" and mark.kind == "rectangle":
            whole |= grab(image, tuple(mark.geometry["box"]))
    return whole
