"""Shapes as pixels, by rules of our own: the same on every machine. A pixel is covered if its centre is.

Points are x and y in pixels of the image, (0, 0) the corner of the first one; a size is (height, width).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

Box = tuple[slice, slice]
"""Rows and columns of an image."""

_AT_ONCE = 3_000_000  # rows of segments under a pen


def box_within(left: int, top: int, right: int, bottom: int, height: int, width: int) -> Box:
    """Rows and columns of a box, cut to the image."""
    rows = slice(min(max(0, top), height), min(max(0, bottom), height))
    columns = slice(min(max(0, left), width), min(max(0, right), width))
    return rows, columns


def size_of(box: Box) -> tuple[int, int]:
    """Height and width of a box."""
    return max(0, box[0].stop - box[0].start), max(0, box[1].stop - box[1].start)


def in_polygon(size: tuple[int, int], points: np.ndarray) -> np.ndarray:
    """The pixels inside a polygon (corners, 2), even-odd, bool: each edge turns all that is right of it."""
    turns = np.zeros((size[0], size[1] + 1), np.int32)
    rows = np.arange(size[0])
    for (x0, y0), (x1, y1) in pairwise([*points, points[0]]):
        crossed = rows[(y0 > rows + 0.5) != (y1 > rows + 0.5)]
        if len(crossed):
            at = (x1 - x0) * (crossed + 0.5 - y0) / (y1 - y0) + x0
            np.add.at(turns, (crossed, np.clip(np.floor(at + 0.5), 0, size[1]).astype(int)), 1)
    return turns.cumsum(axis=1)[:, :-1] % 2 == 1


def under_pen(size: tuple[int, int], points: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """The pixels within the radius of a line through points (n, 2), bool. `radius`: one, or (n - 1) of the segments.

    What a segment covers of a row is an interval, for its shape is convex; those of many segments are found at once.
    """
    height, width = size
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
    radius = np.broadcast_to(radius, len(points) - 1)
    top = np.clip(np.floor(np.minimum(points[:-1, 1], points[1:, 1]) - radius), 0, height).astype(int)
    bottom = np.clip(np.floor(np.maximum(points[:-1, 1], points[1:, 1]) + radius) + 2, 0, height).astype(int)
    rows = np.maximum(bottom - top, 0)
    turns = np.zeros(height * (width + 1), np.int32)
    for part in _parts(rows):
        left, right = _spans(points, radius, top, rows, part, width)
        turns += np.bincount(left, minlength=turns.size) - np.bincount(right, minlength=turns.size)
    return turns.reshape(height, width + 1).cumsum(axis=1)[:, :-1] > 0


def _parts(rows: np.ndarray) -> Iterator[slice]:
    """Segments in groups of about `_AT_ONCE` rows: a long scribble on a large photograph would take all the memory."""
    ends = np.cumsum(rows)
    start = 0
    while start < len(rows):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop


def _spans(
    points: np.ndarray, radius: np.ndarray, top: np.ndarray, rows: np.ndarray, part: slice, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the spans of some segments begin and end, as positions in an image whose rows have one pixel more."""
    top, rows = top[part], rows[part]
    segment = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(segment)) - np.repeat(np.cumsum(rows) - rows - top, rows)
    segment += part.start
    x0, y0, x1, y1 = *points[segment].T, *points[segment + 1].T
    radius = radius[segment]
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
    return (row * (width + 1) + left)[some], (row * (width + 1) + right)[some]


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


def runs(values: np.ndarray) -> dict[str, list[int]]:
    """An index mask, uint8 (height, width), column by column: {"counts": run lengths, "values": of each run}."""
    flat = np.asarray(values).ravel(order="F")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1]) if flat.size else np.zeros(0, int)
    return {"counts": np.diff(starts, append=flat.size).tolist(), "values": flat[starts].tolist()}
