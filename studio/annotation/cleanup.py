"""Fill holes and drop specks of a mask: what would change, as strokes."""

from __future__ import annotations

import hashlib
from typing import Any

import cv2
import numpy as np

from studio.annotation.strokes import Drawn, encode


def holes(mask: np.ndarray) -> list[Drawn]:
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


def specks(mask: np.ndarray, least: int) -> list[Drawn]:
    """Regions that erase the areas of each class that are smaller than `least` pixels."""
    small = np.zeros(mask.shape, bool)
    for number in sorted(set(np.unique(mask)) - {0}):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == number).astype(np.uint8), connectivity=8)
        few = stats[:, cv2.CC_STAT_AREA] < least
        few[0] = False
        small |= few[labels]
    return [_region(small, 0)] if small.any() else []


def region(where: np.ndarray, number: int, name: str, *, over: bool = True) -> Drawn:
    """A stroke that gives pixels (bool) a class, or with 0 takes it from them; `name` makes its id.

    `over`: also those of other classes.
    """
    geometry: dict[str, Any] = {"counts": encode(where), "size": list(where.shape)}
    if not over:
        geometry["over"] = False
    return Drawn(name, "region", number, geometry, 0)


def _region(where: np.ndarray, number: int) -> Drawn:
    from secrets import token_hex  # every wish to tidy up is a stroke of its own, also after an undo

    content = hashlib.sha256(np.packbits(where).tobytes()).hexdigest()[:8]
    return region(where, number, f"tidy-{content}-{token_hex(6)}")
