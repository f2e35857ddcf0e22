"""Features of images: the last maps of a network, computed in batches by an engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ftl.data.photographs import in_batches, photographs_of
from ftl.models.backbone import Backbone, placed
from ftl.models.engines import FLOAT32, LOOKED_AT, batch_of, begin
from ftl.models.head import features_from


def features_of(
    network: Backbone, paths: Sequence[Path], *, pooled: bool = False, engine: str = FLOAT32
) -> Iterator[np.ndarray]:
    """Features of images in order, in batches: float32 (n, d) as `features_from` makes them.

    `engine`: what runs the network (`ftl.models.engines`), in float32 if its maps of the first images are others.
    """
    if not paths:
        return
    photographs = photographs_of(paths, network.preprocess.size)
    some = photographs(np.arange(min(LOOKED_AT, len(paths))))
    engine, run = begin(placed(network), network.preprocess, engine, some)
    for images in in_batches(photographs, len(paths), batch_of(engine)):
        (maps,) = run(images)
        yield features_from(maps, pooled=pooled)
