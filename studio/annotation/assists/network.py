"""What a network that draws masks sees on a photograph: its mask, and the areas of it, at any threshold."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ftl.evaluation.segmentation import LEVELS, level_of, likeliest_of
from studio.annotation.threshold import Component, components

if TYPE_CHECKING:
    from ftl.models.segmenter import Segmenter


class Seen(NamedTuple):
    """What a network sees on a photograph, uint8 (height, width) each.

    `level`: how probable a defect is, in 256ths, rounded down. `likeliest`: the number of the likeliest class, from 1;
    None where the network knows only one. `ms`: the time that it took.
    """

    level: np.ndarray
    likeliest: np.ndarray | None
    ms: float

    @property
    def bytes(self) -> int:
        """Its size in memory."""
        return self.level.nbytes * (1 if self.likeliest is None else 2)

    def defects(self, threshold: float) -> np.ndarray:
        """Where there is a defect by a threshold, 0..1: bool (height, width)."""
        return self.level >= max(1, math.ceil(threshold * LEVELS))

    def mask(self, threshold: float) -> np.ndarray:
        """The mask of class numbers at a threshold, 0..1, as `ftl.models.segmenter.drawn` draws it at whole 256ths."""
        return np.where(self.defects(threshold), np.uint8(1) if self.likeliest is None else self.likeliest, np.uint8(0))


def look(model: Segmenter, photo: np.ndarray) -> Seen:
    """Run a network over a photograph, RGB uint8 (height, width, 3)."""
    from ftl.models.tiling import segment

    begin = time.perf_counter()
    probabilities = segment(model, photo)
    ms = 1000 * (time.perf_counter() - begin)
    return Seen(level_of(probabilities), likeliest_of(probabilities) if len(model.classes) > 1 else None, ms)


def areas(seen: Seen, threshold: float, least: int, free: np.ndarray | None = None) -> list[tuple[Component, int]]:
    """Connected areas of a class that are defects by a threshold, 0..1, with the class's number; largest first.

    `least`: pixels of the smallest. `free`: where alone they may be, bool (height, width); None: anywhere.
    """
    where = seen.defects(threshold)
    if free is not None:
        where &= free
    if seen.likeliest is None:
        return [(component, 1) for component in components(where, least)]
    numbers = [int(number) for number in np.unique(seen.likeliest[where])]
    found = [(part, number) for number in numbers for part in components(where & (seen.likeliest == number), least)]
    return sorted(found, key=lambda pair: -pair[0].area)
