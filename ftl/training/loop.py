"""The training loop of a network with a small head: global mean of the last maps, then linear."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ftl.config import FineTuneConfig
from ftl.device import device_of, mixed_precision
from ftl.models.backbone import Backbone
from ftl.models.head import Head
from ftl.training.augment import augment
from ftl.training.epoch import Epoch
from ftl.training.norms import insert_norms

Photographs = Callable[[np.ndarray], np.ndarray]
"""Gives RGB uint8 images (n, S, S, 3), by their indices."""

LEAST_STEPS = 30
"""Steps of an epoch at least: with ten, 15 epochs on 150 images left networks where they began.

An epoch shows each image once, or as often as it takes to so many steps.
"""

_BATCH_TO_LOOK = 32


_SOFT = 2.0  # temperature of distillation

_WIDE = 1_000_000  # parameters

_NEW = 0.01
"""What each step adds to the mean of the weights, which is the network that is kept.

Narrow networks jump from step to step; their mean over some hundred is steadier, and better than most of them (Polyak
and Juditsky 1992).
"""


class Classifier(nn.Module):
    """A network and its head: (N, 3, size, size) to logits (N, classes)."""

    mean: torch.Tensor  # of the features, (d,)
    scale: torch.Tensor  # and their deviation

    def __init__(self, network: Backbone, features: int, classes: int) -> None:
        super().__init__()
        self.network = network
        self.linear = nn.Linear(features, classes)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 3, size, size) to logits (N, classes)."""
        return self.linear((self.network(x).mean((2, 3)) - self.mean) / self.scale)

    @torch.no_grad()
    def standardise(self, features: torch.Tensor) -> None:
        """Have the head see these features (N, d) with mean 0 and deviation 1: training begins at unit size."""
        self.mean.copy_(features.mean(0))
        self.scale.copy_(features.std(0).clamp(min=1e-3 * float(features.std()) + 1e-6))

    def head(self, classes: Sequence[str]) -> Head:
        """The head as a linear one on the means of the last maps themselves."""
        weight = self.linear.weight.detach() / self.scale
        bias = self.linear.bias.detach() - weight @ self.mean
        if len(weight) == 2:  # the log-odds of the second class, as of every head for two
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        return Head(weight.cpu().numpy(), bias.cpu().numpy(), tuple(classes), pooled=True)


@dataclass
class State:
    """Where training stands: what goes on is the same as if it had never stopped."""

    model: Classifier
    mean: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    rng: np.random.Generator
    inserted: list[str]
    kept: dict[str, torch.Tensor]
    curve: list[Epoch]

    @property
    def steady(self) -> Classifier:
        """The classifier with the mean of the weights."""
        assert isinstance(self.mean.module, Classifier)
        return self.mean.module


def begin(
    network: Backbone,
    photographs: Photographs,
    classes: int,
    fit: np.ndarray,
    config: FineTuneConfig,
    seed: int,
) -> State:
    """A classifier on a copy of `network`, before its first step. `fit`: indices of the images to train on."""
    device = device_of()
    rng = np.random.default_rng(seed)
    network = copy.deepcopy(network).requires_grad_(True)
    inserted = insert_norms(network)
    network.to(device)
    look = rng.permutation(fit)[: min(len(fit), 256)]
    network.train()  # as its norms will have the maps while it is trained
    with torch.no_grad():
        means = torch.cat([network(x).mean((2, 3)) for x in inputs(network, photographs, look)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(network, means.shape[1], classes)
    model.to(device)
    model.standardise(means)
    rate = rate_for(network, bool(inserted)) if config.learning_rate is None else config.learning_rate
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    steps = config.epochs * turns(len(fit), config) * -(-len(fit) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    mean = AveragedModel(model, multi_avg_fn=_towards, use_buffers=True)
    return State(model, mean, optimiser, schedule, rng, inserted, {}, [])


def rate_for(network: Backbone, new_norms: bool) -> float:
    """The rate for a network that has batch norms of its own, or gets new ones (docs/proof.md has what was tried).

    One with its own still does what it has learnt, and forgets it at a high rate; with new ones its maps are of other
    sizes, so that it learns anew anyway. Wide ones want less.
    """
    if not new_norms:
        return 3e-4
    return 3e-3 if sum(one.numel() for one in network.parameters()) < _WIDE else 1e-3


def turns(images: int, config: FineTuneConfig) -> int:
    """How often an epoch shows each of so many images: once, or until it has `LEAST_STEPS`."""
    return -(-LEAST_STEPS // -(-images // config.batch))


def _towards(means: Any, values: Any, steps: torch.Tensor | int) -> None:
    """Move the mean of the weights towards what they are: by `_NEW`, and by more in the first steps."""
    share = max(_NEW, 9 / (10 + int(steps)))
    if means[0].is_floating_point():
        torch._foreach_lerp_(means, values, share)
    else:  # counters
        torch._foreach_copy_(means, values)


def parts(indices: np.ndarray, size: int = _BATCH_TO_LOOK) -> list[np.ndarray]:
    """Indices in batches of at most `size`, nearly equal: a batch norm learns little of one photograph left over."""
    return np.array_split(indices, -(-len(indices) // size)) if len(indices) else []


def inputs(network: Backbone, photographs: Photographs, indices: np.ndarray) -> Iterator[torch.Tensor]:
    """Photographs in batches as the network takes them, (n, 3, size, size), where it is."""
    device = next(network.parameters()).device
    return (network.preprocess(photographs(part)).to(device) for part in parts(indices))


def class_weights(labels: np.ndarray, classes: int) -> torch.Tensor:
    """Weights (classes,) that let each class count the same: n / (classes * n of the class)."""
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy((len(labels) / (classes * np.maximum(counts, 1))).astype(np.float32))


def train_epoch(
    state: State,
    photographs: Photographs,
    labels: np.ndarray,
    fit: np.ndarray,
    weights: torch.Tensor,
    config: FineTuneConfig,
    teacher: np.ndarray | None = None,
    each: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """Train on every image of `fit`, as often as `turns` says; the mean loss.

    `teacher`: (N, classes) probabilities for all images.
    """
    model, device = state.model, next(state.model.parameters()).device
    model.train()
    times = turns(len(fit), config)
    order = [part for _ in range(times) for part in parts(state.rng.permutation(fit), config.batch)]
    total = 0.0
    for done, chosen in enumerate(order, 1):
        x = model.network.preprocess(augment(photographs(chosen), state.rng)).to(device)
        truth = torch.from_numpy(labels[chosen]).to(device)
        with mixed_precision(device):
            logits = model(x)
        logits = logits.float()
        loss = F.cross_entropy(logits, truth, weights.to(device))
        if teacher is not None and config.distillation:
            loss = (1 - config.distillation) * loss + config.distillation * distillation(
                logits, torch.from_numpy(teacher[chosen]).to(device)
            )
        state.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        state.optimiser.step()
        state.schedule.step()
        state.mean.update_parameters(model)
        total += float(loss.detach()) * len(chosen)
        each(done, len(order))
    return total / (times * len(fit))


def distillation(logits: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Hinton's loss: T^2 KL(teacher^(1/T) || softmax(logits / T)), for probabilities `teacher` (N, classes)."""
    softened = teacher.clamp(min=1e-6).log().div(_SOFT).softmax(1).to(logits.dtype)
    return _SOFT**2 * F.kl_div((logits / _SOFT).log_softmax(1), softened, reduction="batchmean")


@torch.no_grad()
def look(model: Classifier, photographs: Photographs, indices: np.ndarray) -> torch.Tensor:
    """Logits (n, classes) of images as they are, on the CPU."""
    model.eval()
    return torch.cat([model(x).float().cpu() for x in inputs(model.network, photographs, indices)])
