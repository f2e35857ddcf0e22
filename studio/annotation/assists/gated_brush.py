"""Gated brush: of what was brushed over, the dark pixels alone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from studio.annotation.strokes import Brush


def gate(image: np.ndarray, brushed: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """The dark pixels of one stroke: bool (height, width).

    `image`: RGB, uint8 (height, width, 3). `brushed`: the stroke's pixels, bool (height, width). `offset`: added to the
    threshold, in grey levels 0..255; more takes more.

    The threshold is the stroke's own, so that a shadow elsewhere says nothing: Otsu, "A threshold selection method from
    gray-level histograms", IEEE Trans. SMC 1979, over the grey levels within. A stroke of one grey level gives nothing.
    """
    rows, columns = np.flatnonzero(brushed.any(1)), np.flatnonzero(brushed.any(0))
    where = np.zeros(brushed.shape, bool)
    if not len(rows):
        return where
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    level, inside = cv2.cvtColor(image[box], cv2.COLOR_RGB2GRAY), brushed[box]
    values = level[inside]
    if values.min() == values.max():
        return where
    threshold, _ = cv2.threshold(values[:, None], 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    where[box] = inside & (level <= threshold + offset)
    return where


def gate_line(image: np.ndarray, points: Sequence[Sequence[float]], width: float, offset: float = 0.0) -> np.ndarray:
    """As `gate`, of what a pen of this width covers along points (x, y), in image pixels."""
    box, covered = Brush("", 1, {"points": points, "width": width}).cover(*image.shape[:2])
    brushed = np.zeros(image.shape[:2], bool)
    brushed[box] = covered
    return gate(image, brushed, offset)
