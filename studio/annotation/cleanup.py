"""Fill holes and drop specks of a mask: what would change, as strokes."""

from __future__ import annotations

import hashlib
from secrets import token_hex

import cv2
import numpy as np

from studio.annotation.strokes import Region


def holes(mask: np.ndarray) -> list[Region]:
    """Regions that fill what each class encloses and nothing else covers."""
    found = []
    for number in sorted(set(np.unique(mask)) - {0}):
        own = (mask == number).astype(np.uint8)
        contours, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = cv2.drawContours(np.zeros_like(own), contours, -1, 1, cv2.FILLED)
        inside = (filled > 0) & (mask == 0)
        if inside.any():
            found.append(_region(inside, int(number)))
    return found


def specks(mask: np.ndarray, least: int) -> list[Region]:
    """Regions that erase the areas of each class that are smaller than `least` pixels."""
    small = np.zeros(mask.shape, bool)
    for number in sorted(set(np.unique(mask)) - {0}):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == number).astype(np.uint8), connectivity=8)
        few = stats[:, cv2.CC_STAT_AREA] < least
        few[0] = False
        small |= few[labels]
    return [_region(small, 0)] if small.any() else []


def _region(where: np.ndarray, number: int) -> Region:
    """A region with an id of its own: every wish to tidy up is a stroke, also after an undo."""
    content = hashlib.sha256(np.packbits(where).tobytes()).hexdigest()[:8]
    return Region.of(where, number, f"tidy-{content}-{token_hex(6)}")
