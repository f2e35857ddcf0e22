"""Features of images: the last maps of a network, computed in batches by an engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ftl.data.photographs import in_batches, photographs_of
from ftl.models.backbone import Backbone, placed
from ftl.models.engines import FLOAT32, LOOKED_AT, batch_of, begin
from ftl.models.head import features_from
from ftl.models.preprocess import Preprocess


def outputs_of(
    module: nn.Module, preprocess: Preprocess, paths: Sequence[Path], engine: str = FLOAT32
) -> tuple[str, Iterator[list[torch.Tensor]]]:
    """The engine that runs a module on images (`ftl.models.engines.begin`), and what it gives, in order, in batches."""
    photographs = photographs_of(paths, preprocess.size)
    engine, run = begin(module, preprocess, engine, photographs(np.arange(min(LOOKED_AT, len(paths)))))
    return engine, map(run, in_batches(photographs, len(paths), batch_of(engine)))


def features_of(
    network: Backbone, paths: Sequence[Path], *, pooled: bool = False, engine: str = FLOAT32
) -> Iterator[np.ndarray]:
    """Features of images in order, in batches: float32 (n, d) as `features_from` makes them.

    `engine`: what runs the network (`ftl.models.engines`), in float32 if its maps of the first images are others.
    """
    if not paths:
        return
    _, outputs = outputs_of(placed(network), network.preprocess, paths, engine)
    for (maps,) in outputs:
        yield features_from(maps, pooled=pooled)
