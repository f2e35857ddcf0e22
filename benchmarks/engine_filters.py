"""Which filters would stay if another engine computed the maps that they are scored on (`ftl.models.engines`).

    python -m benchmarks.engine_filters [--keep FRACTION ...] [--networks NAME ...]

Scoring is PyTorch's in float32, whatever runs the networks afterwards. Here networks are scored layer by layer on 12
masonry walls by each engine, and what it would keep is held against what `ftl prune` keeps. Needs ../shared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from benchmarks._material import SHARED, head_line, pairs
from benchmarks.engines import NETWORKS
from ftl import Backbone, PruneConfig, load_masks
from ftl.models.backbone import blocks
from ftl.models.engines import batch_of, engines, forward
from ftl.models.graph import walk
from ftl.pruning.choose import choose_filters
from ftl.pruning.coupling import coupling_groups
from ftl.pruning.criteria import criterion
from ftl.pruning.scoring import ScoringSet, Tally
from ftl.pruning.selection import pick
from ftl.pruning.surgery import prune

Kept = dict[str, list[int]]
"""Indices of filters by the name of their layer, or of the first of those that are coupled."""


class ScoredMaps(nn.Module):
    """A network up to the maps that a layer's filters are scored on: those, each (N, C, H, W)."""

    def __init__(self, network: Backbone, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Of (N, 3, size, size)."""
        if not self.network.is_chain:
            features: torch.fx.GraphModule = self.network.features  # type: ignore[assignment]
            return tuple(maps.clone() for _, maps in walk(features, x, self.names))
        for block in blocks(self.network):
            x = block.run(x)
            if block.name in self.names:
                return (x,)
            x = block.tail(x)
        raise AssertionError(f"no {self.names}")


def layers(network: Backbone) -> dict[str, tuple[str, ...]]:
    """What is scored, in order, and the names of the maps of each."""
    if network.is_chain:
        return {block.name: (block.name,) for block in blocks(network)}
    return {group.name: group.after for group in coupling_groups(network)}


@torch.inference_mode()
def scores(network: Backbone, names: Sequence[str], scoring_set: ScoringSet, engine: str) -> dict[str, np.ndarray]:
    """Scores (C,) of a layer's filters by group, from maps that an engine computes."""
    config = PruneConfig()
    ranking, run = criterion(config.criterion), forward(ScoredMaps(network, names), network.preprocess, engine)
    tallies = dict[int, Tally]()
    for start in range(0, len(scoring_set), batch_of(engine)):
        where = slice(start, min(start + batch_of(engine), len(scoring_set)))
        for number, maps in enumerate(run(scoring_set.images[where])):
            seen = scoring_set.maps(maps.contiguous(memory_format=torch.channels_last), where, None, wrap=False)
            tally = tallies.setdefault(number, Tally(len(scoring_set), maps.shape[1]))
            tally.add(where, ranking.function(seen))
    parts = [tally.by_group(scoring_set.groups, ranking.pooled) for tally in tallies.values()]
    return {group: np.mean([part[group] for part in parts], axis=0) for group in parts[0]}


def kept_by(network: Backbone, scoring_set: ScoringSet, keep: float, engine: str) -> Kept:
    """The filters that stay, layer by layer, if an engine computes the maps."""
    kept: Kept = {}
    for name, names in layers(network).items():
        with torch.inference_mode(False):
            cut = prune(network, kept)
        kept[name] = pick(scores(cut, names, scoring_set, engine), "fraction", keep).kept
    return kept


def main() -> None:
    if not SHARED.is_dir():
        sys.exit("needs ../shared")
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", nargs="+", type=float, default=[0.2, 0.5])
    parser.add_argument("--networks", nargs="+", metavar="NAME", default=["VGG16", "MobileNetV2", "AlexNet published"])
    given = parser.parse_args()
    head_line("engines: filters kept if they scored")
    folders = pairs(12)
    for title in given.networks:
        network = NETWORKS[title]()
        masks = load_masks(*folders, size=network.preprocess.size)
        for keep in given.keep:
            ((_, chosen),) = choose_filters(network, masks, [keep])
            expected = {choice.name: choice.kept for choice in chosen}
            total = sum(map(len, expected.values()))
            for engine in engines():
                found = kept_by(network, ScoringSet(masks), keep, engine)
                others = {name: len({*found[name]} - {*kept}) for name, kept in expected.items()}
                print(
                    f"  {title:18}{keep:5}  {engine:20}{sum(others.values()):5} of {total} others, in "
                    f"{sum(map(bool, others.values()))} of {len(others)} layers",
                    flush=True,
                )


if __name__ == "__main__":
    main()
