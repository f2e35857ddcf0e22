"""What a network says of a photograph: class, probability, where that comes from, and which tiles show the class."""

from __future__ import annotations

import time
from math import ceil
from typing import NamedTuple

import numpy as np

from ftl.data.tiles import Tile, cut, together
from ftl.models.classifier import Model
from ftl.progress import Report, silent

MOST = 400
"""Larger tiles are taken where there would be more, so that the unpruned network, too, answers within a minute or two.

Those of a network that was trained on tiles are never larger than these: it would meet defects at another scale.
"""

_BATCH = 4


class Finding(NamedTuple):
    """A network's answer. `label` and `probability` 0..1 are of the whole photograph, as `ftl predict` gives them.

    `looked_for`: that class's probability there. `ms`: time of the whole photograph. `evidence` (H, W): what each place
    adds to the class looked for (`Model.evidence`), beyond what a flat surface of the photograph's mean colour would.
    Of a large photograph also `tiles`, the class's probability `chances` in each, `tile_evidence` of each, and the time
    of all of them, `tiles_ms`. `by_tiles`: `label` and `probability` are those of the tiles together.
    """

    label: str
    probability: float
    looked_for: float
    ms: float
    evidence: np.ndarray
    tiles: tuple[Tile, ...] = ()
    chances: tuple[float, ...] = ()
    tile_evidence: tuple[np.ndarray, ...] = ()
    tiles_ms: float = 0.0
    by_tiles: bool = False

    @property
    def found(self) -> list[tuple[Tile, float]]:
        """The tiles that show the class looked for, with its probability."""
        return [(tile, chance) for tile, chance in zip(self.tiles, self.chances, strict=True) if chance > 0.5]


def examine(model: Model, photo: np.ndarray, looked_for: str, side: int, report: Report = silent) -> Finding:
    """Look at a photograph, RGB uint8 (height, width, 3), whole and, where it is large, in tiles.

    `side`: of tiles that look like the photographs that the network was trained on, where these were no tiles.
    """
    at = model.classes.index(looked_for)
    colour = photo.reshape(-1, 3).mean(0).astype(np.uint8)
    size = model.network.preprocess.size
    # a linear head weighs every place differently; what it makes of nothing at all is not the photograph's merit
    _, (flat,) = model.evidence([np.full((size, size, 3), colour, np.uint8)], looked_for)
    # and that first pass also wakes torch's threads, which would be counted below
    begin = time.perf_counter()
    (probabilities,), (evidence,) = model.evidence([photo], looked_for)
    ms = 1000 * (time.perf_counter() - begin)
    best, probability = int(probabilities.argmax()), float(probabilities.max())
    tiles = _tiles(photo, side) if model.tile is None else cut(photo.shape[1], photo.shape[0], model.tile)
    answers: list[np.ndarray] = []
    places: list[np.ndarray] = []
    begin = time.perf_counter()
    for start in range(0, len(tiles), _BATCH):
        report(start, len(tiles), "tile")
        parts = [photo[one.top : one.bottom, one.left : one.right] for one in tiles[start : start + _BATCH]]
        of_tiles, maps = model.evidence(parts, looked_for)
        answers += [*of_tiles]
        places += [one - flat for one in maps]
    by_tiles = bool(tiles) and model.tile is not None
    if by_tiles:
        best, probability = together(np.stack(answers), at)
    return Finding(
        label=model.classes[best],
        probability=probability,
        looked_for=float(probabilities[at]),
        ms=ms,
        evidence=evidence - flat,
        tiles=tuple(tiles),
        chances=tuple(float(chances[at]) for chances in answers),
        tile_evidence=tuple(places),
        tiles_ms=1000 * (time.perf_counter() - begin) if tiles else 0.0,
        by_tiles=by_tiles,
    )


def _tiles(photo: np.ndarray, side: int) -> list[Tile]:
    """Tiles of `side` pixels, or larger where there would be more than `MOST`."""
    tiles = cut(photo.shape[1], photo.shape[0], side)
    while len(tiles) > MOST:
        side = ceil(1.1 * side)
        tiles = cut(photo.shape[1], photo.shape[0], side)
    return tiles
