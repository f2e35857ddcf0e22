"""Where a photograph has dark lines, and how bold they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np


class Ridges(NamedTuple):
    """Dark lines of a photograph, each float32 (height, width).

    `strength`: 0 where there is none, else in grey levels; `scale`: the sigma, in pixels, that answered most: about
    half the line's width.
    """

    strength: np.ndarray
    scale: np.ndarray


def grey(image: np.ndarray) -> np.ndarray:
    """Grey levels 0..255, float32 (height, width), of an RGB photograph, uint8 (height, width, 3)."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def ridges(level: np.ndarray, sigmas: Sequence[float]) -> Ridges:
    """The dark lines of grey levels, float32 (height, width), looked for at each blur `sigma`, in pixels.

    The filter of Sato et al., "Three-dimensional multi-scale line filter", Medical Image Analysis 1998, in the plane:
    sigma squared times the larger eigenvalue of the blurred picture's Hessian, where that is positive; of all sigmas
    the largest. scikit-image's `sato` is the same, but slower: it works in double precision, for any dimension.
    """
    strength, scale = np.zeros(level.shape, np.float32), np.full(level.shape, sigmas[0], np.float32)
    for sigma in sigmas:
        blurred = cv2.GaussianBlur(level, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        xx, yy, xy = (cv2.Sobel(blurred, -1, *order, ksize=3, borderType=cv2.BORDER_REPLICATE)
                      for order in ((2, 0), (0, 2), (1, 1)))  # each weighs its differences four times  # fmt: skip
        eigenvalue = ((xx + yy) / 2 + np.hypot((xx - yy) / 2, xy)) / 4
        answer = eigenvalue * np.float32(sigma * sigma)
        more = answer > strength
        strength[more], scale[more] = answer[more], sigma
    return Ridges(strength, scale)
