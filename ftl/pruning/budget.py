"""Networks within a budget, of multiply-adds or of time: their widths are searched layer by layer, not all the same.

A layer at depth d, from 0 for the first to 1 for the last, keeps the fraction min(1, k r^(d - 1/2)) of its filters:
r = 1 is the uniform fraction, r = 4 keeps four times as much of the last layer as of the first, where maps are large
and filters dear. For each r, k is the largest that keeps within the budget; then the networks are fine-tuned for a few
epochs on images that are trained on, and that with the lowest loss on others of these wins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ftl.backbones.chain import Backbone, macs
from ftl.errors import FtlError
from ftl.head import Head
from ftl.model import write_head
from ftl.pruning.choice import LayerChoice
from ftl.pruning.names import Budget
from ftl.pruning.network import write_network
from ftl.pruning.rules import keep_fraction
from ftl.pruning.surgery import prune
from ftl.timing import time_network

RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_STEPS = 9  # of the search for k: to a hundredth


def widths(choices: list[LayerChoice], k: float, ratio: float) -> dict[str, float]:
    """The fraction that each choice keeps, by name."""
    last = max(1, len(choices) - 1)
    return {one.name: float(min(1.0, k * ratio ** (depth / last - 0.5))) for depth, one in enumerate(choices)}


def cut_to(backbone: Backbone, choices: list[LayerChoice], fractions: Mapping[str, float]) -> list[LayerChoice]:
    """The choices with each layer's own fraction of its filters: the best by the scores of any group, as ever."""
    cut = []
    for one in choices:
        kept = {index for scores in one.scores.values() for index in keep_fraction(scores, fractions[one.name])}
        cut.append(LayerChoice(one.name, one.scores, sorted(kept), members=one.members))
    return cut


def pruned_to(backbone: Backbone, choices: list[LayerChoice]) -> Backbone:
    """The network that choices leave."""
    return prune(backbone, {one.name: one.kept for one in choices})


def fitting(
    backbone: Backbone, choices: list[LayerChoice], ratio: float, cost: Callable[[Backbone], float], limit: float
) -> list[LayerChoice] | None:
    """The widest network of a shape whose cost keeps within the limit; None if none does."""
    if cost(backbone) <= limit:
        return cut_to(backbone, choices, widths(choices, np.inf, ratio))
    best = None
    low, high = np.log(1e-3), np.log(max(ratio, 1 / ratio))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        cut = cut_to(backbone, choices, widths(choices, float(np.exp(middle)), ratio))
        if cost(pruned_to(backbone, cut)) <= limit:
            best, low = cut, middle
        else:
            high = middle
    return best


def cost_of(backbone: Backbone, budget: Budget, threads: int | None) -> Callable[[Backbone], float]:
    """What a network costs, in the budget's unit; a time is taken as any other, alone in a process of its own."""
    size = backbone.preprocess.size
    if budget.unit == "macs":
        whole = macs(backbone.spec(), size)
        return lambda network: macs(network.spec(), size) / whole

    def milliseconds(network: Backbone) -> float:
        channels = network(network.preprocess([np.zeros((size, size, 3), np.uint8)])).shape[1]
        with tempfile.TemporaryDirectory(prefix="ftl-") as scratch:
            folder = Path(scratch) / "network"
            write_network(folder, network, [], None, {})
            write_head(
                folder, Head(np.zeros((1, channels), np.float32), np.zeros(1, np.float32), ("a", "b"), pooled=True)
            )
            return float(time_network(folder, threads)["median_ms"])

    return milliseconds


def search(
    backbone: Backbone,
    choices: list[LayerChoice],
    budget: Budget,
    loss: Callable[[Backbone], float],
    threads: int | None = None,
    hear: Callable[[float, float], None] = lambda ratio, loss: None,
) -> list[LayerChoice]:
    """What each layer keeps within the budget, of the shape whose network has the lowest loss.

    `choices` hold the scores of all filters. Raises `FtlError` when even one filter a layer is too much.
    """
    cost, tried = cost_of(backbone, budget, threads), list[tuple[float, list[LayerChoice]]]()
    for ratio in RATIOS:
        cut = fitting(backbone, choices, ratio, cost, budget.limit)
        if cut is None or any(cut == before for _, before in tried):
            continue
        tried.append((loss(pruned_to(backbone, cut)), cut))
        hear(ratio, tried[-1][0])
    if not tried:
        raise FtlError(f"no network of {backbone.name} keeps within {budget.name}: one filter a layer is too much")
    return min(tried, key=lambda one: one[0])[1]
