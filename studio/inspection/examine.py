"""What a network says of a photograph: class, probability, where that comes from, and which tiles show the class."""

from __future__ import annotations

import time
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np

from ftl.data.tiles import Tile, cut, together
from ftl.evaluation.explain import telling_heat
from ftl.models.classifier import Model
from ftl.progress import Report, silent

MOST = 400
"""Larger tiles are taken where there would be more, so that the unpruned network, too, answers within a minute or two.

Those of a network that was trained on tiles are never larger than these: it would meet defects at another scale.
"""

_BATCH = 4
_SHOWN = 0.5  # a tile shows the class that is more probable than this
_NONE = np.zeros((1, 1), np.float32)
_FAINT = 0.05  # a photograph in which the class is less probable has no heat, which would be as faint
_SIDE = 32  # pixels that heat is kept at, of tiles by the hundred


class Finding(NamedTuple):
    """A network's answer. `label` and `probability` 0..1 are of the whole photograph, as `ftl predict` gives them.

    `looked_for`: that class's probability there. `ms`: time of the whole photograph. `heat`: where it speaks for the
    class looked for, float32 (H, W), 0..1, as the page Understand shows it; nowhere where the class is improbable. Of a
    large photograph also `tiles`, the class's probability in each, `chances`, `tile_heats` of those that show it, and
    `tiles_ms`, the time of all without heat. `by_tiles`: `label` and `probability` are those of the tiles.
    """

    label: str
    probability: float
    looked_for: float
    ms: float
    heat: np.ndarray
    tiles: tuple[Tile, ...] = ()
    chances: tuple[float, ...] = ()
    tile_heats: tuple[np.ndarray, ...] = ()
    tiles_ms: float = 0.0
    by_tiles: bool = False

    @property
    def found(self) -> list[tuple[Tile, float]]:
        """The tiles that show the class looked for, with its probability."""
        return [(tile, chance) for tile, chance in zip(self.tiles, self.chances, strict=True) if chance > _SHOWN]


def examine(
    model: Model, photo: np.ndarray, looked_for: str, side: int, report: Report = silent, *, heat: bool = True
) -> Finding:
    """Look at a photograph, RGB uint8 (height, width, 3), whole and, where it is large, in tiles.

    `side`: of tiles that look like the photographs that the network was trained on, where these were no tiles. `heat`:
    also find out where the class is seen, which takes a tile that shows it some three times as long again.
    """
    at = model.classes.index(looked_for)
    model.probabilities([photo])  # wakes torch's threads, which would be counted below
    begin = time.perf_counter()
    (probabilities,) = model.probabilities([photo])
    ms = 1000 * (time.perf_counter() - begin)
    best, probability = int(probabilities.argmax()), float(probabilities.max())
    tiles = _tiles(photo, side) if model.tile is None else cut(photo.shape[1], photo.shape[0], model.tile)
    answers: list[np.ndarray] = []
    begin = time.perf_counter()
    for start in range(0, len(tiles), _BATCH):
        report(start, len(tiles), "tile")
        parts = [photo[one.top : one.bottom, one.left : one.right] for one in tiles[start : start + _BATCH]]
        answers += [*model.probabilities(parts)]
    tiles_ms = 1000 * (time.perf_counter() - begin) if tiles else 0.0
    by_tiles = bool(tiles) and model.tile is not None
    if by_tiles:
        best, probability = together(np.stack(answers), at)
    tile_heats = []
    for number, (one, chances) in enumerate(zip(tiles, answers, strict=True)):
        report(number, len(tiles), "heat of tile")
        shows = heat and chances[at] > _SHOWN
        part = photo[one.top : one.bottom, one.left : one.right]
        tile_heats.append(_heat(model, part, looked_for) if shows else _NONE)
    return Finding(
        label=model.classes[best],
        probability=probability,
        looked_for=float(probabilities[at]),
        ms=ms,
        heat=_heat(model, photo, looked_for) if heat and not tiles and probabilities[at] >= _FAINT else _NONE,
        tiles=tuple(tiles),
        chances=tuple(float(chances[at]) for chances in answers),
        tile_heats=tuple(tile_heats),
        tiles_ms=tiles_ms,
        by_tiles=by_tiles,
    )


def _heat(model: Model, image: np.ndarray, label: str) -> np.ndarray:
    """Heat (H, W), 0..1, of an image: where it speaks for a class."""
    _, heat = telling_heat(model, image, label)
    return cv2.resize(heat, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _tiles(photo: np.ndarray, side: int) -> list[Tile]:
    """Tiles of `side` pixels, or larger where there would be more than `MOST`."""
    tiles = cut(photo.shape[1], photo.shape[0], side)
    while len(tiles) > MOST:
        side = ceil(1.1 * side)
        tiles = cut(photo.shape[1], photo.shape[0], side)
    return tiles
