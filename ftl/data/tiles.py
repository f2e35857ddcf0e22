"""Tiles of large photographs: where they lie, which class each shows, which are trained on, and what they say together.

Pure arithmetic. The same tiles are trained on and inspected, so that a network meets defects at one scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

LARGE = 2
"""A photograph is inspected in tiles if a side is at least so many tiles long; trained on in tiles, if both are."""

NEAR = 1 / 8
"""So far around a tile, as a share of its side, nothing may be drawn if it is to show the background."""

MOST = 32
"""Tiles of a photograph that show the same defect and are used, at most."""

BACKGROUND = 2
"""Tiles of the background that are used for each one with a defect, at most."""


class Tile(NamedTuple):
    """A part of a photograph, in pixels; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int


def cut(width: int, height: int, side: int) -> list[Tile]:
    """Square tiles of `side` pixels, row by row, that cover every pixel; none where no side is `LARGE` tiles long.

    As few as cover it, spread evenly: neighbours overlap by less than a tile, and none reaches over the edge. Where the
    photograph is less high or wide than a tile, so are they.
    """
    if max(width, height) < LARGE * side:
        return []
    return [
        Tile(left, top, min(left + side, width), min(top + side, height))
        for top in _starts(height, side)
        for left in _starts(width, side)
    ]


def _starts(length: int, side: int) -> list[int]:
    count = ceil(length / side)
    return [round(index * (length - side) / max(1, count - 1)) for index in range(count)] if count > 1 else [0]


def shown(mask: np.ndarray, tiles: Sequence[Tile], classes: Sequence[int]) -> list[int | None]:
    """What each tile shows by the mask (class numbers, uint8 (height, width)): a class's number, or 0, the background.

    A class is shown by as many pixels as the tile is wide: a hairline from edge to edge. Of several, the one with most
    pixels counts. The background is where no pixel of `classes` is within the tile or `NEAR` it. None: neither.
    """
    told_apart = np.isin(np.arange(256), classes)
    found: list[int | None] = []
    for left, top, right, bottom in tiles:
        counts = np.bincount(mask[top:bottom, left:right].ravel(), minlength=256) * told_apart
        near = round(NEAR * (right - left))
        around = mask[max(0, top - near) : bottom + near, max(0, left - near) : right + near]
        most = int(counts.argmax())
        found.append(most if counts[most] >= right - left else None if told_apart[around].any() else 0)
    return found


def used(photographs: Sequence[Sequence[int | None]], seed: int) -> list[list[int]]:
    """Indices of the tiles of each photograph that are used, of those that `shown` gives; drawn by the seed.

    Of each class at most `MOST` of a photograph; of the background at most `BACKGROUND` times as many as of all others,
    spread over the photographs as evenly as they allow.
    """
    rng = np.random.default_rng(seed)
    chosen: list[list[int]] = []
    for labels in photographs:
        classes = sorted({label for label in labels if label})
        chosen.append([index for label in classes for index in _drawn(rng, labels, label, MOST)])
    most = BACKGROUND * sum(map(len, chosen))
    there = [list(labels).count(0) for labels in photographs]
    each = max(cap for cap in range(max(there, default=0) + 1) if sum(min(count, cap) for count in there) <= most)
    return [
        sorted([*with_defects, *_drawn(rng, labels, 0, each)])
        for with_defects, labels in zip(chosen, photographs, strict=True)
    ]


def _drawn(rng: np.random.Generator, labels: Sequence[int | None], label: int, most: int) -> list[int]:
    """At most so many indices of a label, at random."""
    return rng.permutation([index for index, own in enumerate(labels) if own == label])[:most].tolist()


def together(chances: np.ndarray, looked_for: int) -> tuple[int, float]:
    """The class of a photograph and its probability, by those of its tiles, (tiles, classes).

    It is the class looked for as soon as a tile shows it, with the highest probability there; else the one that is most
    probable in the mean.
    """
    highest = float(chances[:, looked_for].max())
    if highest > 0.5:
        return looked_for, highest
    mean = chances.mean(0)
    return int(mean.argmax()), float(mean.max())


def sentence(side: int) -> str:
    """What the figures of networks that were trained on tiles are of."""
    return (
        f"Large photographs were cut into tiles of {side} x {side} pixels: accuracies are of tiles, not of whole "
        "photographs, and as tiles of one photograph are alike, less certain than their intervals say."
    )
