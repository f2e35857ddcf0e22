"""Networks within a budget, of MACs or of time: their widths are searched layer by layer, not all the same.

A layer at depth d, from 0 for the first to 1 for the last, keeps the fraction min(1, k r^(d - 1/2)) of its filters:
r = 1 is the uniform fraction, r = 4 keeps four times as much of the last layer as of the first, where maps are large
and filters cost most. For each r, k is the largest that keeps within the budget; then the networks are fine-tuned for
a few epochs on images that are trained on, and that with the lowest loss on others of these wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from ftl.errors import FtlError
from ftl.latency.networks import measure_latency
from ftl.models.backbone import Backbone, macs
from ftl.models.classifier import Model
from ftl.models.head import Head, features_from
from ftl.models.layer_choice import LayerChoice
from ftl.models.layout import Budget
from ftl.pruning.selection import pick
from ftl.pruning.surgery import prune

RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
STEPS = 9  # of the search for k: to a hundredth


def widths(choices: list[LayerChoice], k: float, ratio: float) -> dict[str, float]:
    """The fraction that each choice keeps, by name."""
    last = max(1, len(choices) - 1)
    return {one.name: float(min(1.0, k * ratio ** (depth / last - 0.5))) for depth, one in enumerate(choices)}


def cut_to(choices: list[LayerChoice], fractions: Mapping[str, float]) -> list[LayerChoice]:
    """The choices with each layer's own fraction of its filters: the best by the scores of any group, as ever."""
    return [
        LayerChoice(one.name, one.scores, *pick(one.scores, "fraction", fractions[one.name]), members=one.members)
        for one in choices
    ]


def pruned_to(backbone: Backbone, choices: list[LayerChoice]) -> Backbone:
    """The network that choices leave."""
    return prune(backbone, {one.name: one.kept for one in choices})


def fitting(
    backbone: Backbone, choices: list[LayerChoice], ratio: float, cost: Callable[[Backbone], float], limit: float
) -> list[LayerChoice] | None:
    """The widest network of a shape whose cost keeps within the limit, None if none does.

    The cost of the unpruned network must be above the limit.
    """
    best = None
    low, high = np.log(1e-3), np.log(max(ratio, 1 / ratio))
    for _ in range(STEPS):
        middle = (low + high) / 2
        cut = cut_to(choices, widths(choices, float(np.exp(middle)), ratio))
        if cost(pruned_to(backbone, cut)) <= limit:
            best, low = cut, middle
        else:
            high = middle
    return best


def cost_of(
    backbone: Backbone, budget: Budget, classes: Sequence[str], threads: int | None
) -> Callable[[Backbone], float]:
    """What a network costs, in the budget's unit.

    A time is taken as any other, alone in a process of its own, but always on this machine: a sweep that takes its
    times on another finds out at the end what the network takes there. The head is that of the candidate `ms-5` itself,
    which is larger than that of `ms-5-tuned`.
    """
    size = backbone.preprocess.size
    if budget.unit == "macs":
        unpruned = macs(backbone.spec(), size)
        return lambda network: macs(network.spec(), size) / unpruned

    def milliseconds(network: Backbone) -> float:
        return float(measure_latency(Model(network, _blank_head(network, classes)), threads=threads)["median_ms"])

    return milliseconds


@torch.inference_mode()
def _blank_head(network: Backbone, classes: Sequence[str]) -> Head:
    """A linear head of the shape that a network gets in a sweep; how long it takes does not depend on its weights."""
    size = network.preprocess.size
    maps = network(network.inputs([np.zeros((size, size, 3), np.uint8)]))
    rows = 1 if len(classes) == 2 else len(classes)
    width = features_from(maps, pooled=False).shape[1]
    return Head(np.zeros((rows, width), np.float32), np.zeros(rows, np.float32), tuple(classes))


def search(
    backbone: Backbone,
    choices: list[LayerChoice],
    budget: Budget,
    classes: Sequence[str],
    loss: Callable[[Backbone], float],
    threads: int | None = None,
    hear: Callable[[float, float], None] = lambda ratio, loss: None,
) -> list[LayerChoice]:
    """What each layer keeps within the budget, of the shape whose network has the lowest loss; all, if all is within.

    `choices` hold the scores of all filters; `classes`: what the networks will distinguish. Raises `FtlError` when even
    one filter a layer is too much.
    """
    cost, tried = cost_of(backbone, budget, classes, threads), list[tuple[float, list[LayerChoice]]]()
    if cost(backbone) <= budget.limit:
        return cut_to(choices, widths(choices, np.inf, 1.0))
    for ratio in RATIOS:
        cut = fitting(backbone, choices, ratio, cost, budget.limit)
        if cut is None or any(cut == before for _, before in tried):
            continue
        tried.append((loss(pruned_to(backbone, cut)), cut))
        hear(ratio, tried[-1][0])
    if not tried:
        raise FtlError(f"no network of {backbone.name} keeps within {budget.name}: one filter a layer is too much")
    return min(tried, key=lambda one: one[0])[1]
