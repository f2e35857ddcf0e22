"""Shapes as pixels: what the formats share.

A shape covers a part of the image and, within it, some pixels (bool). One that has no area, or another size, raises
`StudioError`; a damaged one whatever its values lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ftl.data.images import MAX_PIXELS
from studio.annotation.pixels import Box
from studio.errors import StudioError
from studio.formats.format import BROKEN, Drawing

Covered = tuple[Box, np.ndarray]


def draw_shapes(
    shapes: dict[str, list[Any]], draw_shape: Callable[[Any, int, int], Covered], height: int, width: int
) -> Drawing:
    """One mask a class, of all its shapes that can be drawn."""
    for label, own in shapes.items():
        where = np.zeros((height, width), bool)
        problems = 0
        for shape in own:
            try:
                box, part = draw_shape(shape, height, width)
                where[box] |= part
            except StudioError as error:
                problems += 1
                yield StudioError(f"a shape of {label[:60]}: {error}")
            except BROKEN as error:
                problems += 1
                yield StudioError(f"a shape of {label[:60]} is damaged ({error!r:.100})")
        if problems < len(own):
            yield label, where


def check_size(height: Any, width: Any) -> tuple[int, int]:
    """A file's height and width as numbers. Raises `StudioError` for sizes of no image that is taken."""
    height, width = int(height), int(width)
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise StudioError(f"an image of {width} x {height} pixels is none")
    return height, width


def whole(where: np.ndarray) -> Covered:
    """A bool mask of the image's size as the part that is the whole image."""
    return (slice(0, where.shape[0]), slice(0, where.shape[1])), where


def polygon(points: Any, height: int, width: int) -> Covered:
    """The pixels of a polygon as pycocotools has them, in the part of the image that it reaches.

    As `rleFrPoly` of pycocotools' maskApi.c, which draws on the whole image: its edges are lines on a grid of fifths of
    a pixel, and where they pass the middle of a column, that column changes between in and out. Drawn in a part, with
    other coordinates, the edges would be rounded otherwise now and then.
    """
    found = corners(points, height, width)
    u, v = _edges(np.trunc(5 * found + 0.5))
    back = u[1:] < u[:-1]
    columns = (np.where(back, u[1:], u[1:] - 1) + 0.5) / 5 - 0.5
    rows = np.ceil(np.clip((np.minimum(v[1:], v[:-1]) + 0.5) / 5 - 0.5, 0, height)).astype(int)
    passed = (u[1:] != u[:-1]) & (columns == np.floor(columns)) & (columns >= 0) & (columns <= width - 1)
    if not passed.any():
        return (slice(0, 1), slice(0, 1)), np.zeros((1, 1), bool)
    columns, rows = columns[passed].astype(int), rows[passed]
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, max(rows.max(), rows.min() + 1)
    changes = np.zeros((bottom - top + 1, right - left), bool)
    np.logical_xor.at(changes, (rows - top, columns - left), True)
    inside = np.logical_xor.accumulate(changes, axis=0)[:-1]
    kept = slice(int(top), int(min(bottom, height))), slice(int(left), int(right))
    return kept, inside[: kept[0].stop - kept[0].start]


def _edges(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points along a closed polygon's edges, float (n,) each: a step in the longer direction, rounded in the other.

    `corners`: whole numbers, float (n, 2).
    """
    across, down = [], []
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = abs(x1 - x0), abs(y1 - y0)
        flip = (dx >= dy and x0 > x1) or (dx < dy and y0 > y1)
        xs, ys, xe, ye = (x1, y1, x0, y0) if flip else (x0, y0, x1, y1)
        steps = np.arange(max(dx, dy) + 1)
        steps = steps[::-1] if flip else steps
        if dx >= dy:
            slope = (ye - ys) / dx if dx else 0.0
            across.append(steps + xs)
            down.append(np.trunc(ys + slope * steps + 0.5))
        else:
            slope = (xe - xs) / dy
            down.append(steps + ys)
            across.append(np.trunc(xs + slope * steps + 0.5))
    return np.concatenate(across), np.concatenate(down)


def corners(points: Any, height: int, width: int) -> np.ndarray:
    """A polygon's corners, float (n, 2). Raises `StudioError` for one that reaches far out of the image."""
    found = np.asarray(points, float).reshape(-1, 2)
    if len(found) < 3:
        raise ValueError("a polygon has three corners at least")
    return near(found, height, width)


def near(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """The points, if none is farther out of the image than twice its longer side: they are drawn at that cost."""
    if not np.isfinite(points).all():
        raise ValueError("a corner is no number")
    most = 3 * max(height, width)
    if np.abs(points).max() > most:
        raise StudioError(f"it reaches far out of the image: corners are from 0, 0 to {width}, {height}")
    return points


def no_area(kind: object) -> StudioError:
    """The sentence about a shape of a kind that covers no pixels."""
    return StudioError(f"it is a {str(kind)[:20]}, which has no area: draw it as a polygon")
