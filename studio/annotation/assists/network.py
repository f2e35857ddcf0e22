"""What a network that draws masks sees on a photograph, and the areas of it at a threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from studio.annotation.threshold import Component, components

LEVELS = 255
"""Steps of a probability in a `Seen`."""


class Seen(NamedTuple):
    """How probable a defect is at each pixel, in `LEVELS`, and the number of the likeliest class, from 1 on.

    Both uint8 (height, width); `classes`: None where the network knows only one.
    """

    defect: np.ndarray
    classes: np.ndarray | None

    @property
    def bytes(self) -> int:
        """Its size in memory."""
        return self.defect.nbytes * (1 if self.classes is None else 2)


def seen(probabilities: np.ndarray) -> Seen:
    """What stands in class probabilities, float (classes + 1, height, width), the background first."""
    defect = np.rint((1 - probabilities[0]) * LEVELS).astype(np.uint8)
    return Seen(defect, probabilities[1:].argmax(0).astype(np.uint8) + 1 if len(probabilities) > 2 else None)


def areas(looked: Seen, threshold: float, least: int, free: np.ndarray | None = None) -> list[tuple[Component, int]]:
    """Connected areas of a class that are defects by a threshold, 0..1, with the class's number; largest first.

    `least`: pixels of the smallest. `free`: where alone they may be, bool (height, width); None: anywhere.
    """
    where = looked.defect >= max(1, round(threshold * LEVELS))
    if free is not None:
        where &= free
    if looked.classes is None:
        return [(component, 1) for component in components(where, least)]
    numbers = [int(number) for number in np.unique(looked.classes[where])]
    found = [(part, number) for number in numbers for part in components(where & (looked.classes == number), least)]
    return sorted(found, key=lambda pair: -pair[0].area)
