"""Propose: what on a photograph looks like a crack, to be accepted or refused piece by piece."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import skeletonize

from studio.annotation.assists.ridges import grey, ridges
from studio.annotation.threshold import Component, components

MOST = 4_000_000
"""Pixels that are searched; a larger photograph is made smaller to that."""

_SIGMAS = (1.0, 1.5, 2.0, 3.0)
_LOW, _HIGH = 3.5, 6.0  # of the strength of an ordinary ridge in this photograph, which is its grain
_WINDOW = 0.2  # of the shorter side: what is dark is judged against the wall about it
_DARKER = 1.2  # spreads of the grey levels


def thin(image: np.ndarray, least: int) -> list[Component]:
    """Thin dark lines of a length of at least `least` image pixels, largest first.

    `image`: RGB, uint8 (height, width, 3). Two thresholds on the strength of the ridges (Canny's hysteresis, IEEE PAMI
    1986): a line is one that is bold somewhere, and goes as far as it can still be seen. Both are multiples of the
    median ridge, so that a rough wall asks for more than a smooth one. The length is that of the skeleton.
    """
    level, factor = _searched(image)
    strength = ridges(level, _SIGMAS).strength
    ordinary = float(np.median(strength[strength > 0])) if (strength > 0).any() else 0.0
    if ordinary < 1e-3:  # rounding of a flat wall
        return []
    where = apply_hysteresis_threshold(strength, _LOW * ordinary, _HIGH * ordinary)
    _, labels = cv2.connectedComponents(where.astype(np.uint8), connectivity=8)
    lengths = np.bincount(labels[skeletonize(where)], minlength=labels.max() + 1)
    long = lengths >= max(1.0, least * factor)
    long[0] = False
    return components(_enlarged(long[labels].astype(np.uint8), image.shape, cv2.INTER_NEAREST) > 0)


def wide(image: np.ndarray, least: int) -> list[Component]:
    """Dark areas of at least `least` image pixels, largest first; for cracks that are wider than a line.

    `image`: RGB, uint8 (height, width, 3). A pixel is dark when it lies well below the mean about it (Niblack, "An
    introduction to digital image processing", 1986, with the spread of the whole photograph for that of the window).
    """
    level, _ = _searched(image)
    level = cv2.GaussianBlur(level, (0, 0), 1.0)
    side = max(3, int(min(level.shape) * _WINDOW) | 1)
    below = cv2.blur(level, (side, side), borderType=cv2.BORDER_REFLECT) - level
    spread = float(below.std())
    if spread < 1e-3:
        return []
    # enlarged before it is cut: what was cut first would have the smaller photograph's pixels as steps
    dark = _enlarged(below, image.shape, cv2.INTER_LINEAR) > _DARKER * spread
    return components(dark, max(1, least))


def _searched(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Grey levels of at most `MOST` pixels, and by how much they were made smaller (<= 1)."""
    level = grey(image)
    factor = min(1.0, float(np.sqrt(MOST / level.size)))
    if factor < 1:
        level = cv2.resize(level, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return level, factor


def _enlarged(level: np.ndarray, shape: tuple[int, ...], interpolation: int) -> np.ndarray:
    if level.shape == shape[:2]:
        return level
    return cv2.resize(level, shape[1::-1], interpolation=interpolation)
