"""What a reviewer looks at: each annotator's mask, where they differ, and what would become of it."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from studio.ui import pictures

DISPUTED = "#ff00c8"
"""The colour of what is left open."""

_MOST = (520, 420)
_OPEN = 255  # classes are 1..254
_HEAT: np.ndarray = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]


def masked(photo: np.ndarray, mask: np.ndarray, colours: Mapping[int, str], opened: np.ndarray | None = None) -> bytes:
    """A mask over its photograph, as JPEG.

    `photo`: RGB uint8 (height, width, 3); `mask`: index mask; `colours`: "#rrggbb" by class number; `opened`: bool
    (height, width), what is shown in `DISPUTED`. What is thinner than a pixel of the picture is shown too.
    """
    side = _shrunk(photo)
    mask = np.where(mask == 0, _thick(mask, side), mask)
    if opened is not None:
        wide = _thick(opened.astype(np.uint8), 2 * side)
        mask = np.where(wide > 0, _OPEN, mask).astype(np.uint8)
        colours = {**colours, _OPEN: DISPUTED}
    return pictures.encode(pictures.masked(photo, mask, colours, _MOST, 0.6))


def heat(photo: np.ndarray, disagreement: np.ndarray) -> bytes:
    """Disagreement, float32 (height, width), 0..1, glowing over its photograph in grey, as JPEG; the most shines most.

    What is thinner than a pixel of the picture is shown too.
    """
    small = pictures.masked(photo, np.zeros(photo.shape[:2], np.uint8), {}, _MOST)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)[..., None]
    thick = _thick(disagreement, 2 * _shrunk(photo))
    sampled = cv2.resize(thick, small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    shown = np.asarray(sampled / max(float(disagreement.max()), 1e-9))
    glow = _HEAT[(55 + 200 * shown).astype(np.uint8)]  # the darkest colours would only look like shadow
    strength = (0.85 * np.sqrt(shown))[..., None]
    return pictures.encode((grey * (1 - strength) + glow * strength).astype(np.uint8))


def areas(where: np.ndarray, most: int = 10) -> list[dict[str, int]]:
    """The largest connected areas of a bool mask, largest first: "x" and "y", a pixel of each, and its "pixels"."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8), connectivity=8)
    largest = sorted(range(1, count), key=lambda one: -int(stats[one, cv2.CC_STAT_AREA]))[:most]
    found = []
    for one in largest:
        left, top, width, height, pixels = map(int, stats[one])
        rows, columns = np.nonzero(labels[top : top + height, left : left + width] == one)
        middle = len(rows) // 2  # the centre of a bent area lies outside of it
        found.append({"x": left + int(columns[middle]), "y": top + int(rows[middle]), "pixels": pixels})
    return found


def _shrunk(photo: np.ndarray) -> float:
    """How many pixels of a photograph a side of a pixel of its picture is."""
    width, height = pictures.fitted(photo, _MOST)
    return 1 / min(width / photo.shape[1], height / photo.shape[0])


def _thick(values: np.ndarray, side: float) -> np.ndarray:
    """Values widened to squares of this side, so that none falls between the pixels of a smaller picture."""
    whole = int(np.ceil(side))
    return cv2.dilate(values, np.ones((whole, whole), np.uint8)) if whole > 1 else values
