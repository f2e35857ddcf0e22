"""The shapes of strokes as pixels, by rules of our own: the same on every machine.

Geometry, all in pixels of the upright image, (0, 0) the corner of the first pixel:
  brush, erase  {"points": [[x, y], ...], "width": w}   round pen of w pixels along the points
  polygon       {"points": [[x, y], ...]}               filled, even-odd
  rectangle     {"box": [x, y, width, height]}          filled
  region        {"counts": [...], "size": [h, w]}       run lengths, column by column, beginning outside (COCO's)
  revision      {"counts": [...], "values": [...]}      the whole mask: run lengths, by columns, each with its class
  undo, redo    {"stroke": id}                          of the same author's stroke

A region of class 0 erases. Any shape may carry "over": false: it then leaves pixels of other classes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from studio.errors import StudioError

KINDS = ("brush", "erase", "polygon", "rectangle", "region", "revision", "undo", "redo")


class Drawn(NamedTuple):
    """What the fold needs of a stroke."""

    id: str
    kind: str
    class_number: int
    geometry: dict[str, Any]
    author_id: int


def check(stroke: Drawn, numbers: set[int], height: int, width: int) -> None:
    """Raise `StudioError` for a stroke that is malformed, or of a class that is not among these `numbers`."""
    geometry = stroke.geometry
    paints = stroke.kind in ("brush", "polygon", "rectangle", "region")
    if stroke.kind not in KINDS or not 1 <= len(stroke.id) <= 100:
        raise StudioError("a stroke is of no known kind")
    erases = stroke.kind == "region" and stroke.class_number == 0
    if paints and not erases and stroke.class_number not in numbers:
        raise StudioError("a stroke is of a class that this project has not")
    try:
        if stroke.kind in ("undo", "redo"):
            fits = isinstance(geometry["stroke"], str)
        elif stroke.kind == "region":
            counts = geometry["counts"]
            fits = all(isinstance(one, int) and one >= 0 for one in counts) and sum(counts) == height * width
        elif stroke.kind == "revision":
            counts, values = geometry["counts"], geometry["values"]
            fits = all(isinstance(one, int) and one > 0 for one in counts) and sum(counts) == height * width
            fits = fits and len(counts) == len(values) and set(values) <= numbers | {0}
        elif stroke.kind == "rectangle":
            fits = len(geometry["box"]) == 4 and all(map(isfinite, geometry["box"])) and min(geometry["box"][2:]) >= 0
        else:
            points = geometry["points"]
            fits = 1 <= len(points) <= 100_000 and all(len(one) == 2 and all(map(isfinite, one)) for one in points)
            fits = fits and (stroke.kind == "polygon" or 0 < geometry["width"] <= 10_000)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StudioError("a stroke has no usable geometry") from error
    if not fits:
        raise StudioError("a stroke has no usable geometry")


Box = tuple[slice, slice]
"""Rows and columns of an image."""


def extent(stroke: Drawn, height: int, width: int) -> Box:
    """A box of the image that holds all that a stroke covers."""
    geometry = stroke.geometry
    if stroke.kind == "revision":
        return slice(0, height), slice(0, width)
    if stroke.kind == "region":
        ends = np.cumsum(geometry["counts"])[1::2]
        starts = np.cumsum(geometry["counts"])[: 2 * len(ends) : 2]
        if len(ends) == 0:
            return slice(0, 0), slice(0, 0)
        return slice(0, height), slice(int(starts[0]) // height, -(-int(ends[-1]) // height))
    if stroke.kind == "rectangle":
        x, y, w, h = geometry["box"]
        return _box(round(x), round(y), round(x + w), round(y + h), height, width)
    points = np.asarray(geometry["points"], float).reshape(-1, 2)
    reach = max(float(geometry.get("width", 0)), 1.0) / 2
    (left, top), (right, bottom) = points.min(0) - reach, points.max(0) + reach
    return _box(int(left) - 1, int(top) - 1, int(right) + 2, int(bottom) + 2, height, width)


def cover(stroke: Drawn, height: int, width: int) -> tuple[Box, np.ndarray]:
    """The pixels that a stroke covers: a box of the image, and which of its pixels, bool."""
    box = extent(stroke, height, width)
    size = _size(box)
    if stroke.kind == "region":
        columns = box[1]
        flat = np.concatenate([[0], np.cumsum(stroke.geometry["counts"])])
        inside = np.clip(flat, columns.start * height, columns.stop * height) - columns.start * height
        return box, decode(np.diff(inside), *size)
    if stroke.kind in ("rectangle", "revision"):
        return box, np.ones(size, bool)
    points = np.asarray(stroke.geometry["points"], float).reshape(-1, 2) - (box[1].start, box[0].start)
    if stroke.kind == "polygon":
        return box, _inside(size, points)
    return box, _pen(size, points, max(float(stroke.geometry["width"]), 1.0) / 2)


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
    """Pixels whose centre is within the radius of the polyline.

    What a segment covers of a row is an interval, for its shape is convex; those of all segments are found at once.
    """
    height, width = size
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
    top = np.clip(np.floor(np.minimum(points[:-1, 1], points[1:, 1]) - radius), 0, height).astype(int)
    bottom = np.clip(np.floor(np.maximum(points[:-1, 1], points[1:, 1]) + radius) + 2, 0, height).astype(int)
    rows = np.maximum(bottom - top, 0)
    segment = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(segment)) - np.repeat(np.cumsum(rows) - rows - top, rows)
    x0, y0, x1, y1 = *points[segment].T, *points[segment + 1].T
    dx, dy, below = x1 - x0, y1 - y0, row + 0.5 - y0
    length = np.maximum(dx * dx + dy * dy, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where there is no such bound
        # the round ends
        first = np.sqrt(radius * radius - below**2)
        last = np.sqrt(radius * radius - (below - dy) ** 2)
        # the straight part: within the radius of the line, and beside the segment
        reach = radius * np.sqrt(length)
        middle, reach = x0 + below * dx / dy, np.abs(reach / dy)
        sides = [middle - reach, middle + reach]
        one = x0 - below * dy / dx
        other = one + length / dx
        caps = [np.minimum(one, other), np.maximum(one, other)]
        level, upright = np.abs(dy) < 1e-9, np.abs(dx) < 1e-9  # a division by less says nothing
        for bounds, free in ((sides, level), (caps, upright)):
            bounds[0][free], bounds[1][free] = -np.inf, np.inf
        begin, end = np.maximum(sides[0], caps[0]), np.minimum(sides[1], caps[1])
        aside = (level & (upright | (np.abs(below) > radius))) | (upright & ((below * dy < 0) | (below * dy > length)))
        aside |= begin > end
        begin[aside], end[aside] = np.nan, np.nan
        begin = np.fmin(np.fmin(x0 - first, x1 - last), begin)
        end = np.fmax(np.fmax(x0 + first, x1 + last), end)
    begin[np.isnan(begin)], end[np.isnan(end)] = np.inf, -np.inf  # rows that the segment does not meet
    left = np.clip(np.ceil(begin - 0.5), 0, width).astype(int)
    right = np.clip(np.floor(end + 0.5), 0, width).astype(int)
    some = left < right
    turns = np.bincount((row * (width + 1) + left)[some], minlength=height * (width + 1)).astype(np.int32)
    turns -= np.bincount((row * (width + 1) + right)[some], minlength=height * (width + 1)).astype(np.int32)
    return turns.reshape(height, width + 1).cumsum(axis=1)[:, :-1] > 0


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
