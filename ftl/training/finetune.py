"""Fine-tune a network with a small head: augmented images, batch norms for the time of training, early stopping."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ftl.config import FineTuneConfig
from ftl.data.photographs import Photographs
from ftl.device import device_of
from ftl.models.backbone import Backbone
from ftl.models.head import Head
from ftl.progress import TRAINING, Report, silent
from ftl.training.checkpoint import resume, write_state
from ftl.training.early_stopping import Epoch, as_good, is_over
from ftl.training.loop import (
    AdamW,
    Batch,
    Classifier,
    State,
    averaged_model,
    class_weights,
    inputs,
    logits_of,
    passes,
    rate_for,
    steps,
    train_epoch,
)
from ftl.training.norms import convolutions, fold_norms, insert_norms
from ftl.training.recalibrate import recalibrate_norms

_STANDARDISED = 256
"""At most so many images say what mean and deviation the head's features have at the start."""

_SETTLED_AFTER = 50
"""Steps after which a batch norm's running statistics, a tenth new at each, hold nothing of what was before.

Where an epoch has fewer, they are recalibrated behind it: else a network that has learnt all would answer at random.
"""

_BRIGHTER, _STRONGER = 25.0, 0.2  # grey levels, share of the contrast: what exposure and weather do to a wall


class Tuned(NamedTuple):
    """A fine-tuned network with its head, and the learning curve.

    The weights are their exponential moving average in the last epoch that is `as_good` as the best.
    """

    network: Backbone
    head: Head
    curve: list[Epoch]


def fine_tune(
    network: Backbone,
    photographs: Photographs,
    labels: np.ndarray,
    classes: tuple[str, ...],
    train: np.ndarray,
    stop: np.ndarray,
    *,
    config: FineTuneConfig = FineTuneConfig(),
    seed: int = 0,
    teacher: np.ndarray | None = None,
    masks: np.ndarray | None = None,
    state_file: Path | None = None,
    made_from: dict[str, Any] | None = None,
    report: Report = silent,
    hear: Callable[[Epoch], None] = lambda epoch: None,
) -> Tuned:
    """Train a copy of `network` with a linear head on the means of its last maps, until its loss gets no better.

    Args:
        labels: int64 (N,), for all images that `photographs` gives.
        train, stop: indices of the training images, and of the early-stopping images, whose loss says which epoch to
            keep.
        teacher: (N, classes) probabilities of the unpruned network, for `config.distillation`.
        masks: uint8 (N, h, w), for `config.mask_weight` (`ftl.training.map_masks`). Only those of training images are
            looked at, and what draws them is thrown away in the end.
        state_file: where the state lies between epochs, from which a killed run goes on; left for the caller to remove.
        made_from: what the run depends on; a state made from anything else is not resumed.
        hear: called with each epoch's figures, also those of epochs before a restart.
    """
    made_from = made_from or {}
    drawn = masks if config.mask_weight else None

    def begun() -> State[Classifier]:
        return begin(network, photographs, len(classes), train, config, seed, draws=drawn is not None)

    state = begun() if state_file is None else resume(state_file, begun, made_from)
    for point in state.curve:
        hear(point)

    def augmented(indices: np.ndarray) -> Batch:
        return augment(photographs(indices), state.rng, None if drawn is None else drawn[indices])

    weights, truth = class_weights(labels[train], len(classes)), torch.from_numpy(labels[stop])
    while not is_over(state.curve, config.epochs, config.patience):
        epoch = len(state.curve)

        def each(done: int, total: int, epoch: int = epoch) -> None:
            report(epoch * total + done, config.epochs * total, TRAINING)

        loss = train_epoch(state, augmented, labels, train, weights, config, teacher, each)
        if recalibrates(len(train), config):
            recalibrate_norms(state.averaged.network, photographs, train)
        logits = logits_of(state.averaged, photographs, stop)
        losses = F.cross_entropy(logits, truth, weights, reduction="none") / weights[truth].mean()
        error = float(losses.std(correction=0)) / len(losses) ** 0.5
        right = float((logits.argmax(1) == truth).float().mean())
        point = Epoch(epoch + 1, loss, float(losses.mean()), right, error)
        state.curve.append(point)
        if as_good(point, state.curve) or not state.kept:
            state.kept = {key: value.detach().cpu().clone() for key, value in state.averaged.state_dict().items()}
        if state_file is not None:
            write_state(state_file, state, made_from)
        hear(point)
    model = state.averaged.cpu()
    model.load_state_dict(state.kept)
    fold_norms(model.network, state.inserted)
    report(1, 1, TRAINING)
    tuned = Backbone(network.name, model.network.features, network.preprocess)
    return Tuned(tuned, model.head(classes), state.curve)


def recalibrates(images: int, config: FineTuneConfig) -> bool:
    """Whether batch norms are recalibrated behind each epoch on so many training images, by a look at all of them."""
    return passes(images, config) * images < _SETTLED_AFTER * config.batch


def begin(
    network: Backbone,
    photographs: Photographs,
    classes: int,
    train: np.ndarray,
    config: FineTuneConfig,
    seed: int,
    *,
    draws: bool = False,
) -> State[Classifier]:
    """The state before the first step, of a classifier on a copy of `network`, which `draws` masks as well or not."""
    device = device_of(training=True)
    rng = np.random.default_rng(seed)
    network = copy.deepcopy(network).requires_grad_(True)
    inserted = [] if network.has_norms else insert_norms(network, convolutions(network))
    network.to(device)
    drawn = rng.permutation(train)[:_STANDARDISED]
    network.train()  # its batch norms normalise by the batch, as they will while it is trained
    with torch.no_grad():
        features = torch.cat([network(x).mean((2, 3)) for x in inputs(network, photographs, drawn)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(network, features.shape[1], classes, draws)
    model.to(device)
    model.standardise(features)
    rate = rate_for(network, bool(inserted)) if config.learning_rate is None else config.learning_rate
    optimiser = AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps(len(train), config))
    return State(model, averaged_model(model), optimiser, schedule, rng, inserted, {}, [])


def augment(images: np.ndarray, rng: np.random.Generator, masks: np.ndarray | None = None) -> Batch:
    """RGB uint8 images (N, S, S, 3), each in one of its eight orientations, with another brightness and contrast.

    `masks`, uint8 (N, h, w), are turned as their images are.
    What torchvision's transforms draw comes from torch's global generator, which a resumed run would have to restore;
    here everything that a run draws comes from `rng`.
    """
    made, drawn = np.empty_like(images), None if masks is None else np.empty_like(masks)
    for index, image in enumerate(images):
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        values = _turned(image, turns, mirrored).astype(np.float32)
        if masks is not None and drawn is not None:
            drawn[index] = _turned(masks[index], turns, mirrored)
        contrast, brightness = 1 + _STRONGER * rng.uniform(-1, 1), _BRIGHTER * rng.uniform(-1, 1)
        values -= 128.0
        values *= contrast
        values += 128.0 + brightness
        made[index] = values.clip(0, 255)
    return made, drawn


def _turned(pixels: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(pixels, turns)
    return turned[:, ::-1] if mirrored else turned
