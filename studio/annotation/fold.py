"""From strokes to the mask: a pure function, the same on every machine.

Geometry, all in pixels of the upright image, (0, 0) the corner of the first pixel:
  brush, erase  {"points": [[x, y], ...], "width": w}   round pen of w pixels along the points
  polygon       {"points": [[x, y], ...]}               filled, even-odd
  rectangle     {"box": [x, y, width, height]}          filled
  region        {"counts": [...], "size": [h, w]}       run lengths, column by column, beginning outside (COCO's)
  undo, redo    {"stroke": id}                          of the same author's stroke

A region of class 0 erases. Any shape may carry "over": false: it then leaves pixels of other classes alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

KINDS = ("brush", "erase", "polygon", "rectangle", "region", "undo", "redo")


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
        box, where = cover(stroke, mask.shape[0], mask.shape[1])
        part = mask[box]
        if not stroke.geometry.get("over", True):
            where = where & (part == 0)
        part[where] = number


Box = tuple[slice, slice]
"""Rows and columns of an image."""


def cover(stroke: Drawn, height: int, width: int) -> tuple[Box, np.ndarray]:
    """The pixels that a stroke covers: a box of the image, and which of its pixels, bool."""
    geometry = stroke.geometry
    if stroke.kind == "region":
        return (slice(0, height), slice(0, width)), decode(geometry["counts"], height, width)
    if stroke.kind == "rectangle":
        x, y, w, h = geometry["box"]
        box = _box(round(x), round(y), round(x + w), round(y + h), height, width)
        return box, np.ones(_size(box), bool)
    points = np.asarray(geometry["points"], float).reshape(-1, 2)
    reach = max(float(geometry.get("width", 0)), 1.0) / 2
    (left, top), (right, bottom) = points.min(0) - reach, points.max(0) + reach
    box = _box(int(left) - 1, int(top) - 1, int(right) + 2, int(bottom) + 2, height, width)
    local = points - (box[1].start, box[0].start)
    if stroke.kind == "polygon":
        return box, _inside(_size(box), local)
    return box, _pen(_size(box), local, reach)


def _box(left: int, top: int, right: int, bottom: int, height: int, width: int) -> Box:
    """Rows and columns of a box, cut to the image."""
    rows = slice(min(max(0, top), height), min(max(0, bottom), height))
    columns = slice(min(max(0, left), width), min(max(0, right), width))
    return rows, columns


def _size(box: Box) -> tuple[int, int]:
    return max(0, box[0].stop - box[0].start), max(0, box[1].stop - box[1].start)


def _inside(size: tuple[int, int], points: np.ndarray) -> np.ndarray:
    """Pixels whose centre lies inside the polygon, even-odd: each edge turns all that is right of it."""
    turns = np.zeros((size[0], size[1] + 1), np.int32)
    rows = np.arange(size[0])
    for (x0, y0), (x1, y1) in pairwise([*points, points[0]]):
        crossed = rows[(y0 > rows + 0.5) != (y1 > rows + 0.5)]
        if len(crossed):
            at = (x1 - x0) * (crossed + 0.5 - y0) / (y1 - y0) + x0
            np.add.at(turns, (crossed, np.clip(np.floor(at + 0.5), 0, size[1]).astype(int)), 1)
    return turns.cumsum(axis=1)[:, :-1] % 2 == 1


def _pen(size: tuple[int, int], points: np.ndarray, radius: float) -> np.ndarray:
    """Pixels whose centre is within the radius of the polyline."""
    where = np.zeros(size, bool)
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
    for (x0, y0), (x1, y1) in pairwise(points):
        left, right = max(0, int(min(x0, x1) - radius)), min(size[1], int(max(x0, x1) + radius) + 2)
        top, bottom = max(0, int(min(y0, y1) - radius)), min(size[0], int(max(y0, y1) + radius) + 2)
        if left >= right or top >= bottom:
            continue
        x, y = np.arange(left, right) + 0.5 - x0, (np.arange(top, bottom) + 0.5 - y0)[:, None]
        dx, dy = x1 - x0, y1 - y0
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        where[top:bottom, left:right] |= (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius
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
