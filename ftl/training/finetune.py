"""Fine-tune one network: epochs until the stopping part gets no better, going on where a killed run was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ftl.config import FineTuneConfig
from ftl.models.backbone import Backbone
from ftl.models.head import Head
from ftl.progress import TRAINING, Report, silent
from ftl.training.checkpoint import resume, write_state
from ftl.training.epoch import Epoch, as_good
from ftl.training.loop import Photographs, State, begin, class_weights, look, train_epoch, turns
from ftl.training.norms import fold_norms
from ftl.training.recalibrate import settle_norms

_FORGOTTEN = 50
"""Steps after which a batch norm's running statistics, a tenth new at each, have forgotten what was before.

Where an epoch has fewer, they are taken anew behind it: else a network that has learnt all would answer at random.
"""

_SETTLING = 0.65
"""The share of the epochs from which the one-cycle rate is below half its highest.

Before, the loss of the stopping part jumps up and down, and says nothing of where the last epochs will bring it.
"""


class Tuned(NamedTuple):
    """A fine-tuned network with its head, as the mean of their weights was in the epoch kept; and the curves.

    Kept is the last epoch that is `as_good` as the best on the stopping part.
    """

    network: Backbone
    head: Head
    curve: list[Epoch]


def fine_tune(
    network: Backbone,
    photographs: Photographs,
    labels: np.ndarray,
    classes: tuple[str, ...],
    fit: np.ndarray,
    stop: np.ndarray,
    *,
    config: FineTuneConfig = FineTuneConfig(),
    seed: int = 0,
    teacher: np.ndarray | None = None,
    state_file: Path | None = None,
    made_from: dict[str, Any] | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Tuned:
    """Train a copy of `network` with a head on the means of its last maps.

    Args:
        labels: int64 (N,), for all images that `photographs` gives.
        fit, stop: indices of the images trained on, and of those whose loss says which epoch to keep.
        teacher: (N, classes) probabilities of the unpruned network, for `config.distillation`.
        state_file: where the state lies between epochs; left there, for the caller to remove, if it is given.
        made_from: what a state must have been made from to go on with it.
        hear: told each epoch's figures, also those of epochs before a restart.
    """
    made_from = made_from or {}

    def begun() -> State:
        return begin(network, photographs, len(classes), fit, config, seed)

    state = begun() if state_file is None else resume(state_file, begun, made_from)
    for point in state.curve:
        hear(point)
    weights, truth = class_weights(labels[fit], len(classes)), torch.from_numpy(labels[stop])
    while len(state.curve) < config.epochs and not _no_better(state.curve, config):
        epoch = len(state.curve)

        def each(done: int, total: int, epoch: int = epoch) -> None:
            report(epoch * total + done, config.epochs * total, TRAINING)

        loss = train_epoch(state, photographs, labels, fit, weights, config, teacher, each)
        if turns(len(fit), config) * len(fit) < _FORGOTTEN * config.batch:
            settle_norms(state.steady.network, photographs, fit)
        logits = look(state.steady, photographs, stop)
        losses = F.cross_entropy(logits, truth, weights, reduction="none") / weights[truth].mean()
        error = float(losses.std(correction=0)) / len(losses) ** 0.5
        right = float((logits.argmax(1) == truth).float().mean())
        point = Epoch(epoch + 1, loss, float(losses.mean()), right, error)
        state.curve.append(point)
        if as_good(point, state.curve) or not state.kept:
            state.kept = {key: value.detach().cpu().clone() for key, value in state.steady.state_dict().items()}
        if state_file is not None:
            write_state(state_file, state, made_from)
        hear(point)
    model = state.steady.cpu()
    model.load_state_dict(state.kept)
    fold_norms(model.network, state.inserted)
    report(1, 1, TRAINING)
    tuned = Backbone(network.name, model.network.features, network.preprocess)
    return Tuned(tuned, model.head(classes), state.curve)


def _no_better(curve: list[Epoch], config: FineTuneConfig) -> bool:
    """Whether the last `config.patience` epochs, all at a falling rate, were none as good as the best."""
    recent = curve[-config.patience :]
    settled = len(curve) - config.patience >= _SETTLING * config.epochs
    return settled and not any(as_good(point, curve) for point in recent)
