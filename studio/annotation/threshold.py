"""The original labeler's way: dark pixels by a threshold, then component after component into a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from studio.annotation.pixels import Box


class Component(NamedTuple):
    """A connected dark area: its box (x, y, width, height) and its pixels there, bool (height, width)."""

    box: tuple[int, int, int, int]
    inside: np.ndarray

    @property
    def area(self) -> int:
        """Pixels."""
        return int(self.inside.sum())

    @property
    def place(self) -> Box:
        """Its box as that of an array."""
        x, y, w, h = self.box
        return slice(y, y + h), slice(x, x + w)

    def on(self, height: int, width: int) -> np.ndarray:
        """The pixels on a whole image, bool (height, width)."""
        whole = np.zeros((height, width), bool)
        whole[self.place] = self.inside
        return whole


def dark(image: np.ndarray, threshold: int, covers: Sequence[Sequence[float]] = ()) -> np.ndarray:
    """Pixels whose channels all lie below the threshold, outside the covers (boxes x, y, w, h): bool (h, w)."""
    where = cv2.inRange(image, (0, 0, 0), (threshold - 1,) * 3) > 0
    for x, y, w, h in covers:
        where[max(0, round(y)) : max(0, round(y + h)), max(0, round(x)) : max(0, round(x + w))] = False
    return where


def components(where: np.ndarray, least: int = 1, fill: bool = False) -> list[Component]:
    """The 8-connected areas of at least `least` pixels, largest first; `fill`: with their holes, as the original."""
    found = []
    contours, _ = cv2.findContours(where.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        x, y, w, h = cv2.boundingRect(contour)
        if w * h < least:
            continue
        inside = np.zeros((h, w), np.uint8)
        cv2.drawContours(inside, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
        kept = inside.astype(bool) if fill else inside.astype(bool) & where[y : y + h, x : x + w]
        found.append(Component((x, y, w, h), kept))
    return sorted((one for one in found if one.area >= least), key=lambda one: -one.area)
