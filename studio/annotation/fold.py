"""From strokes to the mask: a pure function, the same on every machine.

Geometry, all in pixels of the upright image, (0, 0) the corner of the first pixel:
  brush, erase  {"points": [[x, y], ...], "width": w}   round pen of w pixels along the points
  polygon       {"points": [[x, y], ...]}               filled, even-odd
  rectangle     {"box": [x, y, width, height]}          filled
  region        {"counts": [...], "size": [h, w]}       run lengths, column by column, beginning outside (COCO's)
  undo, redo    {"stroke": id}                          of the same author's stroke

A region, and any shape, may carry "over": false: it then leaves pixels of other classes alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np

KINDS = ("brush", "erase", "polygon", "rectangle", "region", "undo", "redo")

_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel


class Drawn(NamedTuple):
    """What the fold needs of a stroke."""

    id: str
    kind: str
    class_number: int
    geometry: dict[str, Any]
    author_id: int


def visible(strokes: Sequence[Drawn]) -> list[Drawn]:
    """The strokes that count, in order: those whose last undo or redo, by their own author, is none or a redo."""
    authors = {stroke.id: stroke.author_id for stroke in strokes}
    hidden: dict[str, bool] = {}
    for stroke in strokes:
        if stroke.kind in ("undo", "redo"):
            target = stroke.geometry["stroke"]
            if authors.get(target) == stroke.author_id:
                hidden[target] = stroke.kind == "undo"
    return [one for one in strokes if one.kind not in ("undo", "redo") and not hidden.get(one.id, False)]


def fold(strokes: Sequence[Drawn], height: int, width: int) -> np.ndarray:
    """The index mask, uint8 (height, width): 0 where nothing is drawn, else the class's number."""
    mask = np.zeros((height, width), np.uint8)
    paint(mask, visible(strokes))
    return mask


def paint(mask: np.ndarray, strokes: Iterable[Drawn]) -> None:
    """Draw visible strokes on an index mask, in order."""
    for stroke in strokes:
        number = 0 if stroke.kind == "erase" else stroke.class_number
        where = cover(stroke, mask.shape[0], mask.shape[1])
        if not stroke.geometry.get("over", True):
            where &= mask == 0
        mask[where] = number


def cover(stroke: Drawn, height: int, width: int) -> np.ndarray:
    """The pixels that a stroke covers, bool (height, width)."""
    geometry = stroke.geometry
    if stroke.kind == "region":
        return decode(geometry["counts"], height, width)
    canvas = np.zeros((height, width), np.uint8)
    if stroke.kind == "rectangle":
        x, y, w, h = geometry["box"]
        left, top, right, bottom = (round(value) for value in (x, y, x + w, y + h))
        canvas[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 1
        return canvas.astype(bool)
    points = np.asarray(geometry["points"], float).reshape(-1, 2)
    # a pixel's centre is at half coordinates, OpenCV's at whole ones
    fixed = np.round((points - 0.5) * (1 << _SHIFT)).astype(np.int32)
    if stroke.kind == "polygon":
        cv2.fillPoly(canvas, [fixed], 1, cv2.LINE_8, _SHIFT)
        return canvas.astype(bool)
    return _pen(canvas, points, float(geometry["width"]))


def _pen(canvas: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """Pixels whose centre is within half a width of the polyline: exact, where OpenCV's thick lines are not."""
    height, across = canvas.shape
    radius = max(width, 1.0) / 2
    where = canvas.astype(bool)
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
    for (x0, y0), (x1, y1) in pairwise(points):
        left, right = max(0, int(min(x0, x1) - radius)), min(across, int(max(x0, x1) + radius) + 2)
        top, bottom = max(0, int(min(y0, y1) - radius)), min(height, int(max(y0, y1) + radius) + 2)
        if left >= right or top >= bottom:
            continue
        x, y = np.arange(left, right) + 0.5 - x0, (np.arange(top, bottom) + 0.5 - y0)[:, None]
        dx, dy = x1 - x0, y1 - y0
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        near = (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius
        where[top:bottom, left:right] |= near
    return where


def encode(where: np.ndarray) -> list[int]:
    """Run lengths of a bool mask, column by column, beginning with those outside: COCO's uncompressed form."""
    flat = np.asarray(where, bool).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *counts] if flat.size and flat[0] else counts


def decode(counts: Sequence[int], height: int, width: int) -> np.ndarray:
    """The bool mask (height, width) of run lengths."""
    values = np.arange(len(counts)) % 2 == 1
    flat = np.repeat(values, counts)
    return flat.reshape((height, width), order="F")
