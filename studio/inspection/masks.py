"""Masks that a network draws of new photographs: the sizes of the cracks in them, and what is taken home."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from ftl.evaluation.crack_size import CrackSize, crack_sizes
from ftl.tables import csv_text
from studio.errors import StudioError

MOST = 200
"""Cracks of a photograph that are measured: the largest. At a low threshold there are thousands of specks."""


def scale_of(first: tuple[float, float], second: tuple[float, float], millimetres: float) -> float:
    """Millimetres per pixel of a photograph in which two points, (x, y) in pixels, are so far apart."""
    pixels = math.dist(first, second)
    if not (pixels and millimetres > 0):
        raise StudioError("a scale needs two different points and the distance between them in millimetres")
    return millimetres / pixels


class Crack(NamedTuple):
    """A defect of a mask: its class, and its size."""

    label: str
    size: CrackSize


def measured(mask: np.ndarray, classes: Sequence[str], mm_per_pixel: float | None = None) -> tuple[list[Crack], int]:
    """The defects of a mask of class numbers (height, width), the longest first; and how many were too small.

    Only the `MOST` largest by area of each class are measured. Raises `FtlError` for a scale that is not above 0.
    """
    cracks, left_out = [], 0
    for number, label in enumerate(classes, 1):
        largest, more = _largest(mask == number)
        left_out += more
        cracks += [Crack(label, size) for size in crack_sizes(largest, mm_per_pixel)]
    return sorted(cracks, key=lambda crack: -crack.size.length), left_out


def _largest(mask: np.ndarray) -> tuple[np.ndarray, int]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count - 1 <= MOST:
        return mask, 0
    kept = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:MOST]
    return np.isin(labels, kept), count - 1 - MOST


def mask_png(mask: np.ndarray, classes: Sequence[str]) -> bytes:
    """A mask as PNG: 0 and 255 of one class, else class numbers, as `ftl predict` writes them."""
    out = io.BytesIO()
    Image.fromarray(mask * np.uint8(255) if len(classes) == 1 else mask).save(out, "PNG")
    return out.getvalue()


class Measured(NamedTuple):
    """A photograph's cracks at a threshold."""

    photograph: str
    threshold: float
    cracks: Sequence[Crack]


_COLUMNS = (
    "file", "network", "threshold", "crack", "class", "left", "top", "width", "height", "unit", "area", "length",
    "mean width", "largest width",
)  # fmt: skip


def cracks_csv(photographs: Sequence[Measured], network: str) -> str:
    """A line for each crack; widths are empty where it is too thin to measure. Boxes are in pixels."""
    lines: list[list[object]] = [[*_COLUMNS]]
    for photograph, threshold, cracks in photographs:
        for number, (label, size) in enumerate(cracks, 1):
            figures = (size.area, size.length, size.mean_width, size.largest_width)
            shown = ["" if figure is None else f"{figure:.2f}" for figure in figures]
            lines.append([photograph, network, f"{threshold:.6f}", number, label, *size.box, size.unit, *shown])
    return csv_text(lines)
