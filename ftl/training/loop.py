"""The training loop: a network under a small linear head, its batches, its learning rates, and one epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ftl.config import FineTuneConfig
from ftl.data.photographs import Photographs
from ftl.device import mixed_precision
from ftl.models.backbone import Backbone
from ftl.models.head import Head
from ftl.training.early_stopping import Epoch
from ftl.training.map_masks import NOT_DRAWN
from ftl.training.mask_loss import mask_loss

Batch = tuple[np.ndarray, np.ndarray | None]
"""RGB uint8 images (n, S, S, 3), and their masks at the size of the last maps (`map_masks`), if masks are learnt."""

LEAST_STEPS = 30
"""Steps of an epoch at least: with ten, 15 epochs on 150 images left networks where they began.

An epoch shows each image once, or as often as it takes to so many steps.
"""

_BATCH = 32  # of images that a network only looks at

_TEMPERATURE = 2.0  # of distillation

_WIDE = 1_000_000  # parameters

_SCALE = 2.0**60

_AVERAGED = 0.01
"""Weight of each step's weights in their exponential moving average, which is the network that is kept.

Narrow networks jump from step to step; their average over some hundred is steadier, and better than most of them
(Polyak and Juditsky 1992).
"""


class AdamW(torch.optim.AdamW):
    """PyTorch's, without what tells its compiler to leave it alone: that alone imports the compiler, in 1.4 s."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
    state_dict = inspect.unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.AdamW.load_state_dict)
    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)


def backward(loss: torch.Tensor, parameters: Iterable[nn.Parameter]) -> None:
    """Give parameters, which have no gradients yet, theirs of the loss, by way of `_SCALE` times as large ones.

    Those of images that a network is sure of are so small that products of them fall below 1e-38, with which processors
    compute a hundred times as slowly: a step took twice as long. A power of two changes no other number.
    """
    (loss * _SCALE).backward()
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= _SCALE


class Classifier(nn.Module):
    """A network and a linear head on the global means of its last maps."""

    mean: torch.Tensor  # of the features, (d,)
    scale: torch.Tensor  # and their standard deviation

    def __init__(self, network: Backbone, features: int, classes: int, draws: bool = False) -> None:
        super().__init__()
        self.network = network
        self.linear = nn.Linear(features, classes)
        self.drawer = nn.Conv2d(features, 1, 1) if draws else None  # of masks; gone once the network is trained
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 3, size, size) to logits (N, classes)."""
        return self._classified(self.network(x))

    def with_masks(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, 3, size, size) to logits (N, classes), and to those of masks, (N, 1, h, w)."""
        assert self.drawer is not None
        maps = self.network(x)
        return self._classified(maps), self.drawer((maps - self.mean[:, None, None]) / self.scale[:, None, None])

    def _classified(self, maps: torch.Tensor) -> torch.Tensor:
        return self.linear((maps.mean((2, 3)) - self.mean) / self.scale)

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


Trained = TypeVar("Trained", bound=nn.Module)


@dataclass
class State(Generic[Trained]):
    """All that training goes on from: a run resumed from it gives the same weights as one that never stopped.

    `inserted`: the convolutions behind which batch norms were put for the training. `kept`: the averaged weights in the
    epoch kept so far; empty before the first, and where the last epoch is kept whatever comes.
    """

    model: Trained
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    rng: np.random.Generator
    inserted: list[str]
    kept: dict[str, torch.Tensor]
    curve: list[Epoch]

    @property
    def averaged(self) -> Trained:
        """The model with the exponential moving average of the weights."""
        return cast(Trained, self.average.module)


def averaged_model(model: nn.Module) -> AveragedModel:
    """The exponential moving average of a model's weights and buffers, still without a step."""
    return AveragedModel(model, multi_avg_fn=_move_average, use_buffers=True)


def _move_average(averages: Any, values: Any, steps: torch.Tensor | int) -> None:
    """Move averages towards values by `_AVERAGED`, and by more in the first steps, so that the start is forgotten."""
    share = max(_AVERAGED, 9 / (10 + int(steps)))
    if averages[0].is_floating_point():
        torch._foreach_lerp_(averages, values, share)
    else:  # counters
        torch._foreach_copy_(averages, values)


def rate_for(network: Backbone, new_norms: bool) -> float:
    """The highest learning rate for a network that has batch norms of its own, or gets new ones (see docs/proof.md).

    A network with its own still does what it has learnt, and forgets it at a high rate; with new ones its maps are of
    other sizes, so that it learns from the start anyway. Wide networks need a lower rate.
    """
    if not new_norms:
        return 3e-4
    return 3e-3 if sum(parameter.numel() for parameter in network.parameters()) < _WIDE else 1e-3


def passes(images: int, config: FineTuneConfig) -> int:
    """How often an epoch shows each of so many images: once, or as often as it takes to `LEAST_STEPS` steps."""
    return -(-LEAST_STEPS // -(-images // config.batch))


def steps(images: int, config: FineTuneConfig) -> int:
    """Steps of all epochs on so many images."""
    return config.epochs * passes(images, config) * -(-images // config.batch)


def batches_of(indices: np.ndarray, size: int = _BATCH) -> list[np.ndarray]:
    """Indices in batches of at most `size`, nearly equal: batch norms learn little of one image left over."""
    return np.array_split(indices, -(-len(indices) // size)) if len(indices) else []


def inputs(network: Backbone, photographs: Photographs, indices: np.ndarray) -> Iterator[torch.Tensor]:
    """Images in batches as the network takes them, float32 (n, 3, size, size), on the network's device."""
    return (network.inputs(photographs(batch)) for batch in batches_of(indices))


def class_weights(labels: np.ndarray, classes: int) -> torch.Tensor:
    """Weights float32 (classes,) that let each class count the same: n / (classes * n of the class).

    `labels`: int (n,). scikit-learn's `compute_class_weight` refuses a class without an image; here it counts as having
    one, since a width search trains on a sample.
    """
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy((len(labels) / (classes * np.maximum(counts, 1))).astype(np.float32))


def train_epoch(
    state: State[Classifier],
    draw: Callable[[np.ndarray], Batch],
    labels: np.ndarray,
    train: np.ndarray,
    weights: torch.Tensor,
    config: FineTuneConfig,
    teacher: np.ndarray | None = None,
    each: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """Train one epoch on the images at the indices `train`, each as often as `passes` says; the mean loss.

    Args:
        draw: gives images as they are trained on, by their indices.
        labels: int64 (N,), for all images that `draw` gives.
        weights: of the classes, float32 (classes,).
        teacher: the unpruned network's probabilities (N, classes), for `config.distillation`.
        each: hears of each step, as `each(done, total)`.
    """
    state.model.train()
    repeats = passes(len(train), config)
    order = [batch for _ in range(repeats) for batch in batches_of(state.rng.permutation(train), config.batch)]
    total = 0.0
    for done, batch in enumerate(order, 1):
        taught = None if teacher is None else teacher[batch]
        total += train_step(state, draw(batch), labels[batch], weights, config, taught) * len(batch)
        each(done, len(order))
    return total / (repeats * len(train))


def train_step(
    state: State[Classifier],
    drawn: Batch,
    labels: np.ndarray,
    weights: torch.Tensor,
    config: FineTuneConfig,
    teacher: np.ndarray | None = None,
) -> float:
    """Train one step on a batch, with its labels, int64 (n,), and its rows of `teacher`; its loss (`train_epoch`)."""
    model, device, (images, masks) = state.model, state.model.network.device, drawn
    x = model.network.inputs(images)
    truth = torch.from_numpy(labels).to(device)
    with mixed_precision(device):
        logits, maps = (model(x), None) if masks is None else model.with_masks(x)
    logits = logits.float()
    loss = F.cross_entropy(logits, truth, weights.to(device))
    if teacher is not None and config.distillation:
        taught = distillation(logits, torch.from_numpy(teacher).to(device))
        loss = (1 - config.distillation) * loss + config.distillation * taught
    if masks is not None and maps is not None and (has_mask := (masks != NOT_DRAWN).all((1, 2))).any():
        wanted = torch.from_numpy(masks[has_mask]).to(device)
        loss = loss + config.mask_weight * mask_loss(maps[has_mask].float(), wanted)
    return descend(state, loss)


def descend(state: State[Any], loss: torch.Tensor) -> float:
    """One step down a loss, which is returned, and of the moving average of the weights."""
    descend_once(state.model, state.optimiser, state.schedule, loss)
    state.average.update_parameters(state.model)
    return float(loss.detach())


def descend_once(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    loss: torch.Tensor,
) -> None:
    """One step of an optimiser down a loss, and of its learning rate, with gradients no longer than 5."""
    optimiser.zero_grad()
    backward(loss, model.parameters())
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    schedule.step()


def distillation(logits: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Hinton's loss: T^2 KL(teacher^(1/T) || softmax(logits / T)), for probabilities `teacher` (N, classes)."""
    softened = teacher.clamp(min=1e-6).log().div(_TEMPERATURE).softmax(1).to(logits.dtype)
    log_probabilities = (logits / _TEMPERATURE).log_softmax(1)
    return _TEMPERATURE**2 * F.kl_div(log_probabilities, softened, reduction="batchmean")


@torch.no_grad()
def logits_of(model: Classifier, photographs: Photographs, indices: np.ndarray) -> torch.Tensor:
    """Logits float32 (n, classes) of images as they are, on the CPU; the classifier does not train from then on."""
    model.eval()
    return torch.cat([model(x).float().cpu() for x in inputs(model.network, photographs, indices)])
