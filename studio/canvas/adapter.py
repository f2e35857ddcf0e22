"""Between the canvas and the log: Fabric's objects in, strokes out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studio.annotation.strokes import Brush, Drawn, Eraser, Polygon, Rectangle, Shape, Toggle, parse
from studio.canvas.viewport import Viewport

ERASER = "#fffffe"
"""The pen of the eraser; a class of that colour draws with a neighbouring one."""

_ORIGIN = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}
_CURVE = 6  # points on a curve between two mouse positions


def pens(colours: Mapping[int, str]) -> dict[int, str]:
    """A pen "#rrggbb" for each class: its colour, or the nearest one that no other pen has. The canvas returns nothing
    but the colour, so that must tell the class."""
    taken, result = {ERASER}, {}
    for number, colour in sorted(colours.items()):
        value = int(colour[1:], 16)
        while f"#{value:06x}" in taken:
            value = (value + 1) % 0x1000000
        result[number] = f"#{value:06x}"
        taken.add(result[number])
    return result


def strokes(
    objects: Sequence[Mapping[str, Any]], mount: str, view: Viewport, drawn_by: Mapping[int, str]
) -> list[Shape]:
    """The strokes of a canvas' objects, in image pixels. Objects that are none of ours are left out.

    A stroke's id comes out the same however often the reply arrives: it is made of the canvas' mount, the object's
    shape, and its turn among equal ones. `drawn_by`: pens by class number. The author is set by the log.
    """
    numbers = {colour: number for number, colour in drawn_by.items()} | {ERASER: 0}
    found: list[Shape] = []
    seen = Counter[str]()
    for one in objects:
        pen = str(one.get("stroke") or "")[:7].lower()
        shape = _shape(one, view)
        if pen not in numbers or shape is None:
            continue
        kind, geometry = shape
        if numbers[pen] == 0:
            if kind is not Brush:
                continue
            kind = Eraser
        text = json.dumps([kind.kind, numbers[pen], geometry], sort_keys=True)
        seen[text] += 1
        digest = hashlib.sha256(f"{text}{seen[text]}".encode()).hexdigest()[:20]
        found.append(kind(f"{mount}-{digest}", numbers[pen], geometry))
    return found


def toggle(kind: str, target: str, rows: Sequence[Drawn], author_id: int) -> Drawn:
    """The row that undoes or redoes a stroke; its id counts the toggles before it, so that doubles are one."""
    before = sum(isinstance(row, Toggle) and row.target == target for row in rows)
    digest = hashlib.sha256(f"{target}{before}".encode()).hexdigest()[:20]
    return parse(f"{kind}-{digest}", kind, 0, {"stroke": target}, author_id)


def _shape(one: Mapping[str, Any], view: Viewport) -> tuple[type[Shape], dict[str, Any]] | None:
    """Kind and geometry of an object; None for one that is broken or of another kind."""
    try:
        if one["type"] == "Path":
            points = view.to_image(_flatten(one["path"]))
            return Brush, {"points": _round(points), "width": round(view.length(float(one["strokeWidth"])), 3)}
        if one["type"] == "Polygon":
            corners = np.array([[point["x"], point["y"]] for point in one["points"]], float)
            return (Polygon, {"points": _round(view.to_image(corners))}) if len(corners) > 2 else None
        if one["type"] == "Rect":
            wide, high = one["width"] * one.get("scaleX", 1), one["height"] * one.get("scaleY", 1)
            left = one["left"] - _ORIGIN[one.get("originX", "left")] * wide
            top = one["top"] - _ORIGIN[one.get("originY", "top")] * high
            (x0, y0), (x1, y1) = view.to_image(np.array([[left, top], [left + wide, top + high]]))
            return Rectangle, {"box": [round(float(value), 3) for value in (x0, y0, x1 - x0, y1 - y0)]}
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return None


def _round(points: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 3), round(float(y), 3)] for x, y in points]


def _flatten(path: Sequence[Sequence[Any]]) -> np.ndarray:
    """Points (n, 2) along a path of M, L and Q commands; curves are cut into short lines."""
    points: list[tuple[float, float]] = []
    for command, *values in path:
        if command == "Q":
            (x0, y0), (cx, cy, x, y) = points[-1], values
            for step in range(1, _CURVE + 1):
                t = step / _CURVE
                a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
                points.append((a * x0 + b * cx + c * x, a * y0 + b * cy + c * y))
        else:
            points.append((float(values[-2]), float(values[-1])))
    if not np.isfinite(points).all() or not points:
        raise ValueError("a path without points")
    return np.array(points)
