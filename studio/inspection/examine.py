"""What a network says of a photograph: class, probability, where that comes from, and which tiles show the class."""

from __future__ import annotations

import time
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np

from ftl.data.tiles import Tile, cut, together
from ftl.evaluation.explain import explain, telling_layer
from ftl.models.classifier import Model
from ftl.progress import Report, silent

MOST = 400
"""Larger tiles are taken where there would be more, so that the unpruned network, too, answers within a minute or two.

Those of a network that was trained on tiles are never larger than these: it would meet defects at another scale.
"""

_BATCH = 4
_FAINT = 0.05  # less probable classes get no heat, which would be as faint
_SIDE = 32  # pixels that heat is kept at: maps of last layers are no finer


class Finding(NamedTuple):
    """A network's answer. `label` and `probability` 0..1 are of the whole photograph, as `ftl predict` gives them.

    `looked_for`: that class's probability there. `ms`: time of the whole photograph. `heat`: where it speaks for the
    class looked for, float32 (H, W), 0..1, as the page Understand shows it; nowhere where the class is improbable. Of a
    large photograph also `tiles`, the class's probability `chances` in each, `tile_heats`, and the time of all of them,
    `tiles_ms`, without their heat. `by_tiles`: `label` and `probability` are those of the tiles together.
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
        return [(tile, chance) for tile, chance in zip(self.tiles, self.chances, strict=True) if chance > 0.5]


def examine(
    model: Model, photo: np.ndarray, looked_for: str, side: int, report: Report = silent, *, heat: bool = True
) -> Finding:
    """Look at a photograph, RGB uint8 (height, width, 3), whole and, where it is large, in tiles.

    `side`: of tiles that look like the photographs that the network was trained on, where these were no tiles. `heat`:
    also find out where the class is seen, which takes about three times as long where there is something.
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
    return Finding(
        label=model.classes[best],
        probability=probability,
        looked_for=float(probabilities[at]),
        ms=ms,
        heat=_heat(model, photo, looked_for, float(probabilities[at]) if heat and not tiles else 0.0),
        tiles=tuple(tiles),
        chances=tuple(float(chances[at]) for chances in answers),
        tile_heats=tuple(
            _heat(model, photo[one.top : one.bottom, one.left : one.right], looked_for, chances[at] if heat else 0.0)
            for one, chances in zip(tiles, answers, strict=True)
        ),
        tiles_ms=tiles_ms,
        by_tiles=by_tiles,
    )


def _heat(model: Model, image: np.ndarray, label: str, chance: float) -> np.ndarray:
    """Heat (H, W), 0..1, of an image in which a class has this probability; nothing where that is too faint to see."""
    if chance < _FAINT:
        return np.zeros((1, 1), np.float32)
    heat, _ = explain(model, image, label, telling_layer(model, image, label))
    return cv2.resize(heat, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _tiles(photo: np.ndarray, side: int) -> list[Tile]:
    """Tiles of `side` pixels, or larger where there would be more than `MOST`."""
    tiles = cut(photo.shape[1], photo.shape[0], side)
    while len(tiles) > MOST:
        side = ceil(1.1 * side)
        tiles = cut(photo.shape[1], photo.shape[0], side)
    return tiles
