"""Trace: the darkest way between clicks, and the crack about it."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from skimage.graph import route_through_array
from skimage.segmentation import random_walker

from studio.annotation.assists.ridges import grey, ridges
from studio.annotation.strokes import Brush
from studio.errors import StudioError

MOST = 500_000
"""Pixels in which a way is looked for; a larger box is made smaller to that."""

_SIGMAS = (1.0, 1.5, 2.0, 3.0, 4.0)
_WIDTHS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)  # half of them, that a crack is measured at
_PADDING = 0.25  # of the clicks' distance: how far a crack may leave the straight line, and at least 24 pixels
_FLOOR = 0.05  # cost is 1 / (this + strength): a way over bare wall costs 21 times one along the crack
_BETA, _SURE, _BLUR = 10.0, 0.4, 1.0
"""How much the walker shuns edges, how likely a pixel must be, and the blur against grain: chosen on the third of the
photographs that benchmarks/assists.py does not judge."""


class Near(NamedTuple):
    """The part of a photograph about the clicks: its columns and rows, and by how much it was made smaller (<= 1)."""

    left: int
    top: int
    width: int
    height: int
    factor: float
    level: np.ndarray


def trace(image: np.ndarray, points: np.ndarray, width: float | None = None) -> np.ndarray:
    """The crack through the clicks: bool (height, width).

    `image`: RGB, uint8 (height, width, 3). `points`: clicks in order, (n, 2) x and y in image pixels; two ends, and
    whatever lies between them. `width`: of the crack, in image pixels; None: found from the photograph, pixel by pixel.

    The way is the cheapest one (Dijkstra, scikit-image's `route_through_array`), where a pixel costs little on a dark
    line. It is looked for in a box about the clicks; one of more than `MOST` pixels is made smaller to that, so that
    the answer comes in about two seconds: a crack over the whole of a large photograph is then found to a few pixels,
    and it is better traced in pieces, closer.

    Raises `StudioError` for clicks outside, or fewer than two that differ.
    """
    height, wide = image.shape[:2]
    points = np.asarray(points, float).reshape(-1, 2)
    if not ((points >= 0) & (points < (wide, height))).all():
        raise StudioError("click inside the photograph")
    if len({(int(x), int(y)) for x, y in points}) < 2:
        raise StudioError("click two different ends of the crack")
    near = _near(image, points)
    way = _way(ridges(near.level, _SIGMAS).strength, (points - (near.left, near.top)) * near.factor)
    where = np.zeros((height, wide), bool)
    inside = where[near.top : near.top + near.height, near.left : near.left + near.width]
    half = 0.0 if width is not None else _half_width(near.level, way)
    chance = None if width is not None else _walk(near.level, way, half)
    if chance is None:
        line = (way[:, ::-1] + 0.5) / near.factor
        pen = width if width is not None else 2 * half / near.factor
        box, covered = Brush("", 1, {"points": line, "width": pen}).cover(near.height, near.width)
        inside[box] = covered
    else:
        # enlarged before it is cut: what was cut first would have the smaller picture's pixels as blocks
        inside[:] = cv2.resize(chance, (near.width, near.height), interpolation=cv2.INTER_LINEAR) > _SURE
    return where


def _near(image: np.ndarray, points: np.ndarray) -> Near:
    """The photograph about the clicks, with room for the crack to leave the straight line."""
    height, width = image.shape[:2]
    room = max(24.0, _PADDING * float(max(np.hypot(*(b - a)) for a, b in pairwise(points))))
    left, top = (max(0, int(one)) for one in points.min(0) - room)
    right, bottom = (min(most, int(one) + 1) for most, one in zip((width, height), points.max(0) + room, strict=True))
    level = grey(image[top:bottom, left:right])
    factor = min(1.0, float(np.sqrt(MOST / level.size)))
    if factor < 1:
        level = cv2.resize(level, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return Near(left, top, right - left, bottom - top, factor, level)


def _way(strength: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The cheapest way through the points, (n, 2) rows and columns. `points`: (n, 2) x and y."""
    high = float(np.percentile(strength, 99))
    cost = 1 / (_FLOOR + np.clip(strength / high, 0, 1)) if high > 0 else np.ones_like(strength)
    most = (strength.shape[0] - 1, strength.shape[1] - 1)
    stops = [tuple(np.minimum((int(y), int(x)), most)) for x, y in points]
    legs = [route_through_array(cost, a, b)[0] for a, b in pairwise(stops)]
    return np.array([one for leg in legs for one in leg])


def _half_width(level: np.ndarray, way: np.ndarray) -> float:
    """Half the crack's width, in pixels: the upper quartile along the way of the sigma that answers most."""
    scale = ridges(level, _WIDTHS).scale
    return float(np.percentile(scale[way[:, 0], way[:, 1]], 75))


def _walk(level: np.ndarray, way: np.ndarray, half: float) -> np.ndarray | None:
    """How likely each pixel belongs to the way rather than to the wall beside it, 0..1; None where nothing tells.

    Grady, "Random walks for image segmentation", IEEE PAMI 2006: a pixel belongs to the seed that a random walker, who
    shuns edges, reaches first. Seeds are the way, and the border of a band about it, as wide as the crack may be.
    """
    reach = 2 * half + 2
    rows, columns = (
        slice(max(0, int(way[:, axis].min() - reach) - 2), int(way[:, axis].max() + reach) + 3) for axis in (0, 1)
    )
    data = cv2.GaussianBlur(level[rows, columns], (0, 0), _BLUR)
    on = np.zeros(data.shape, bool)
    on[way[:, 0] - rows.start, way[:, 1] - columns.start] = True
    distance = cv2.distanceTransform((~on).astype(np.uint8), cv2.DIST_L2, 5)
    labels = np.zeros(data.shape, np.int32)
    labels[on] = 1
    labels[distance > reach] = 2
    labels[distance > reach + 1.5] = -1
    if not (labels == 0).any() or not (labels == 2).any() or float(np.ptp(data[labels >= 0])) == 0:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            chance = random_walker(data, labels, beta=_BETA, mode="bf", return_full_prob=True)[0]
    except (ValueError, ArithmeticError, RuntimeError, UserWarning):
        return None
    whole = np.zeros(level.shape, np.float32)
    whole[rows, columns] = chance
    return whole
