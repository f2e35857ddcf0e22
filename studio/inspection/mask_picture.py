"""A photograph with what a network that draws masks sees: heat, the mask, outlines, and numbers at the cracks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np

from ftl.evaluation.overlays import OUTLINE, heat_over, outlined, shrunk, tinted
from studio.inspection.masks import LEVELS, Crack, Seen

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
    """The photograph at most `longest` pixels long, RGB uint8, with some of the `LAYERS` over it.

    `cracks`: those that are numbered, the first 30 at most.
    """
    scale = min(1.0, longest / max(photo.shape[:2]))
    width, height = (max(1, round(scale * side)) for side in photo.shape[1::-1])
    picture = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    if HEAT in layers:
        picture = heat_over(picture, cv2.resize(seen.level, (width, height), interpolation=cv2.INTER_AREA) / LEVELS)
    mask = seen.mask(threshold)
    for number in np.unique(mask[mask > 0]).tolist():
        part, colour = shrunk(mask == number, width, height), COLOURS[(number - 1) % len(COLOURS)]
        if MASK in layers:
            picture = tinted(picture, part, colour)
        elif OUTLINES in layers:
            picture = outlined(picture, part.astype(np.uint8) * 255, colour)
    if NUMBERS in layers:
        for number, crack in enumerate(cracks[:_NUMBERED], 1):
            _number(picture, number, crack, scale)
    return picture


def _number(picture: np.ndarray, number: int, crack: Crack, scale: float) -> None:
    """Write a crack's number beside the upper left corner of its box, inside the picture."""
    left, top, _, _ = (round(scale * side) for side in crack.size.box)
    size = max(0.45, picture.shape[1] / 1800)
    place = (min(left, picture.shape[1] - round(24 * size)), max(round(22 * size), top - 3))
    for colour, thickness in ((_SHADOW, 4), (_PAPER, 1)):
        cv2.putText(picture, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA)
