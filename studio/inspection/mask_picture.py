"""A photograph with what a network that draws masks sees: heat, the mask, outlines, and numbers at the cracks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np

from ftl.evaluation.overlays import OUTLINE, fitted, heat_over, outlined, resized_mask, thickness_for, tinted
from ftl.evaluation.segmentation import LEVELS
from studio.annotation.assists.network import Seen
from studio.inspection.masks import Crack

HEAT, MASK, OUTLINES, NUMBERS = "Heat", "Mask", "Outlines", "Numbers"
LAYERS = (HEAT, MASK, OUTLINES, NUMBERS)

COLOURS = (OUTLINE, (250, 204, 21), (236, 72, 153), (74, 222, 128), (251, 146, 60), (196, 181, 253))
"""Of classes, in order; they begin again after the last."""

_NUMBERED = 30
_SHADOW, _PAPER = (20, 12, 6), (255, 255, 255)


def mask_picture(
    photo: np.ndarray,
    seen: Seen,
    threshold: float,
    cracks: Sequence[Crack],
    layers: Collection[str],
    longest: int = 1400,
) -> np.ndarray:
    """The photograph as `fitted` shows it, RGB uint8, with some of the `LAYERS` over it.

    `cracks`: those that are numbered, the first 30 at most.
    """
    picture = fitted(photo, longest)
    height, width = picture.shape[:2]
    if HEAT in layers:
        picture = heat_over(picture, cv2.resize(seen.level, (width, height), interpolation=cv2.INTER_AREA) / LEVELS)
    mask = seen.mask(threshold)
    for number in np.unique(mask[mask > 0]).tolist():
        part, colour = resized_mask(mask == number, width, height), COLOURS[(number - 1) % len(COLOURS)]
        if MASK in layers:
            picture = tinted(picture, part, colour)
        elif OUTLINES in layers:
            picture = outlined(picture, part.astype(np.uint8) * 255, colour, thickness_for(picture))
    if NUMBERS in layers:
        for number, (row, column) in enumerate(_places(mask, cracks[:_NUMBERED]), 1):
            _write(picture, number, round(row * height / len(mask)), round(column * width / mask.shape[1]))
    return picture


def _places(mask: np.ndarray, cracks: Sequence[Crack]) -> list[tuple[int, int]]:
    """Row and column of a pixel of each crack, halfway down."""
    _, areas = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    places = []
    for crack in cracks:
        left, top, width, height = crack.size.box
        part = areas[top : top + height, left : left + width]
        spans = part[0][part[0] > 0][:1]  # one that touches the box's upper edge: the crack itself, or one it meets
        row, column = np.argwhere(part == spans)[np.count_nonzero(part == spans) // 2]
        places.append((top + int(row), left + int(column)))
    return places


def _write(picture: np.ndarray, number: int, row: int, column: int) -> None:
    """Write a crack's number beside a pixel of it, inside the picture."""
    size = max(0.45, picture.shape[1] / 1700)
    place = (
        min(column + round(8 * size), picture.shape[1] - round(44 * size)),
        max(round(24 * size), row - round(8 * size)),
    )
    for colour, thickness in ((_SHADOW, 5), (_PAPER, 2 if size > 0.7 else 1)):
        cv2.putText(picture, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA)
