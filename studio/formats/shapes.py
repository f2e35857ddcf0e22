"""Shapes as pixels: what the formats share.

A shape covers a part of the image and, within it, some pixels (bool). One that has no area, or another size, raises
`StudioError`; a damaged one whatever its values lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

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
    """A told height and width as numbers. Raises `StudioError` for sizes of no image that is taken."""
    height, width = int(height), int(width)
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise StudioError(f"an image of {width} x {height} pixels is none")
    return height, width


def whole(where: np.ndarray) -> Covered:
    """A bool mask of the image's size as the part that is the whole image."""
    return (slice(0, where.shape[0]), slice(0, where.shape[1])), where


def polygon(points: Any, height: int, width: int) -> Covered:
    """The pixels of a polygon as pycocotools has them, in the part of the image that it reaches.

    Its grid of fifths of a pixel is laid here, where the polygon is still in its place on the image.
    """
    found = corners(points, height, width)
    fifths = np.trunc(5 * found + 0.5)
    size = np.array([width, height])
    low = np.clip(np.floor(found.min(0)).astype(int) - 1, 0, size - 1)
    high = np.clip(np.ceil(found.max(0)).astype(int) + 2, low + 1, size)
    own = fifths - 5 * low
    own = (own + np.where(own < 0, -0.75, -0.25)) / 5  # which it turns into the same fifths again
    packed = coco_mask.frPyObjects([own.ravel().tolist()], int(high[1] - low[1]), int(high[0] - low[0]))
    box = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    return box, coco_mask.decode(packed[0]).astype(bool)


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
