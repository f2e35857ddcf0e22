"""Large photographs in tiles of the size that a network was trained on. Pure arithmetic on pixels."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

SIDE = 256
"""A tile's side where nothing is known of the photographs that the network was trained on."""

MOST = 400
"""Larger tiles are taken where there would be more, so that the base, too, answers within a minute or two."""

LARGE = 2
"""A photograph is tiled if a side is at least so many tiles long."""


class Tile(NamedTuple):
    """A part of a photograph, in pixels; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int


def cut(width: int, height: int, side: int) -> list[Tile]:
    """Square tiles of `side` pixels, row by row, that cover every pixel; none if the photograph is not large.

    As few as cover it, spread evenly: neighbours overlap by less than a tile, and none reaches over the edge. Where the
    photograph is less high or wide than a tile, so are they. There are at most `MOST`: else they are larger.
    """
    if max(width, height) < LARGE * side:
        return []
    while ceil(width / side) * ceil(height / side) > MOST:
        side = ceil(1.1 * side)
    return [
        Tile(left, top, min(left + side, width), min(top + side, height))
        for top in _starts(height, side)
        for left in _starts(width, side)
    ]


def _starts(length: int, side: int) -> list[int]:
    count = ceil(length / side)
    return [round(index * (length - side) / max(1, count - 1)) for index in range(count)] if count > 1 else [0]


def usual_side(sizes: Iterable[tuple[int, int]]) -> int:
    """The side for tiles: the median of the shorter sides of the photographs (width, height) trained on, or `SIDE`."""
    sides = sorted(min(size) for size in sizes)
    return sides[len(sides) // 2] if sides else SIDE
