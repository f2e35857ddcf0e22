"""Where a network disagrees with a person's mask, by more than some pixels: masks to look at again."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

UNDRAWN, UNSEEN = "undrawn", "unseen"
"""The network sees a defect where nothing is drawn; something is drawn where the network sees nothing."""

TOLERANCE = 5
"""Pixels by which an edge may be off before it counts."""

LEAST = 30
"""Pixels of the smallest area."""


class Suspicion(NamedTuple):
    """An area of a mask to look at again. `box`: x, y, width and height in pixels; `pixels`: how large it is.

    `kind`: `UNDRAWN` or `UNSEEN`. `weight`: its pixels, each times how sure the network is of it (0..1): what is
    largest and surest comes first.
    """

    kind: str
    box: tuple[int, int, int, int]
    pixels: int
    weight: float


def suspicions(
    defect: np.ndarray, mask: np.ndarray, threshold: float = 0.5, tolerance: int = TOLERANCE, least: int = LEAST
) -> list[Suspicion]:
    """The connected areas in which a network and a person disagree, the weightiest first.

    `defect`: how probable a defect is, float (H, W), by a network that was not trained on this photograph; `mask`: bool
    (H, W), what a person drew. The network sees a defect at or above `threshold` (0..1). What lies within `tolerance`
    pixels of what the other has drawn is no disagreement, nor are areas below `least` pixels.
    """
    seen = defect >= threshold
    undrawn, unseen = seen & ~_widened(mask, tolerance), mask & ~_widened(seen, tolerance)
    found = _areas(UNDRAWN, undrawn, defect, least) + _areas(UNSEEN, unseen, 1 - defect, least)
    return sorted(found, key=lambda area: -area.weight)


def _widened(mask: np.ndarray, pixels: int) -> np.ndarray:
    side = 2 * pixels + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0


def _areas(kind: str, where: np.ndarray, sure: np.ndarray, least: int) -> list[Suspicion]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8), connectivity=8)
    weights = np.bincount(labels.ravel(), sure.ravel(), count)
    found = []
    for label in range(1, count):
        x, y, width, height, pixels = (int(value) for value in stats[label])
        if pixels >= least:
            found.append(Suspicion(kind, (x, y, width, height), pixels, float(weights[label])))
    return found
