"""From a network and a data set to a classifier: with a linear head, or fine-tuned."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ftl.config import FineTuneConfig
from ftl.data.dataset import Dataset, folds, photo_ids, split
from ftl.data.masks import MaskSet
from ftl.data.photographs import Photographs, photographs_of
from ftl.device import Device, device_of, run_on
from ftl.errors import FtlError
from ftl.evaluation.metrics import validate
from ftl.models.backbone import Backbone
from ftl.models.classifier import Model
from ftl.models.engines import engine_for
from ftl.models.features import features_of
from ftl.models.head import Head, features_from
from ftl.progress import Report, silent
from ftl.training.blocks import probabilities_in_blocks
from ftl.training.features import gathered
from ftl.training.finetune import Tuned
from ftl.training.finetune import fine_tune as fine_tune_on
from ftl.training.linear_head import fit_head
from ftl.training.loop import inputs
from ftl.training.map_masks import map_masks, targets_of


def fit_linear_head(
    network: Backbone, dataset: Dataset, *, seed: int = 0, photo: str | None = None, device: Device = None
) -> tuple[Model, dict[str, Any]]:
    """Fit a linear classifier on a network's features, on three quarters of a data set.

    `photo`: how a file's name names its photo (`SweepConfig.photo`): crops of one photo stay on one side of the split.
    `device`: where the network runs (`ftl.device.run_on`). Returns the classifier and its figures on the validation
    set, the other quarter.
    """
    with run_on(device):
        engine = engine_for(network, len(dataset))
        features = gathered(features_of(network, dataset.paths, engine=engine), len(dataset))
    head, validation = train_head(features, dataset, seed=seed, photo=photo)
    return Model(network, head), validation


def fine_tune(
    network: Backbone,
    dataset: Dataset,
    config: FineTuneConfig = FineTuneConfig(),
    *,
    seed: int = 0,
    photo: str | None = None,
    masks: MaskSet | None = None,
    device: Device = None,
    report: Report = silent,
) -> tuple[Model, dict[str, Any]]:
    """Train a copy of a network, with a linear head on the means of its last maps, on three quarters of a data set.

    An eighth of them say which epoch to keep. `photo` and `device` as in `fit_linear_head`. `masks`: of some of the
    photographs, for `config.mask_weight`. Returns the classifier and its figures on the validation set, the other
    quarter. Raises `FtlError` for `config.distillation`, which needs the outputs of the unpruned network that only a
    sweep has, and for a weight of masks without any.
    """
    if config.distillation:
        raise FtlError(
            "distillation learns from the outputs of the unpruned network: fine-tune in a sweep, or leave it 0"
        )
    if config.mask_weight and masks is None:
        raise FtlError("masks are to be learnt beside the classes: give them as masks, or leave mask_weight 0")
    drawn = targets_of(dataset, map_masks(network, masks)) if config.mask_weight and masks is not None else None
    photographs = photographs_of(dataset.paths, network.preprocess.size)
    with run_on(device):
        tuned, held_out = fit(network, photographs, dataset, config, seed=seed, photo=photo, masks=drawn, report=report)
        answers = answers_of(tuned.network, tuned.head, photographs, held_out)
    return Model(tuned.network, tuned.head), validate(answers, dataset.labels[held_out], dataset.classes)


def train_head(
    features: np.ndarray, dataset: Dataset, *, seed: int, photo: str | None = None, positive: str | None = None
) -> tuple[Head, dict[str, Any]]:
    """Fit on three quarters with a 4-fold search for C, and validate on the last quarter; split by `photo` if given.

    Returns the head and its validation: `ftl.evaluation.metrics.validate`'s figures of the images held out, and their
    `paths`.
    """
    train, held_out = split(dataset, seed=seed, photo=photo)
    photos = photo_ids(dataset.paths, photo)
    inner = folds(dataset.labels[train], [photos[index] for index in train], seed)
    head = fit_head(features, dataset.labels[train], dataset.classes, inner, rows=train)
    said = probabilities_in_blocks(head, features, held_out)
    validation = validate(said, dataset.labels[held_out], dataset.classes, positive)
    validation["paths"] = [str(dataset.paths[index]) for index in held_out]
    return head, validation


_STOPPING = 8  # the inverse of the share of the training images whose loss says which epoch to keep


def fit(
    network: Backbone,
    photographs: Photographs,
    dataset: Dataset,
    config: FineTuneConfig,
    *,
    seed: int,
    photo: str | None,
    **more: Any,
) -> tuple[Tuned, np.ndarray]:
    """Fine-tune on the images that a linear head trains on; also gives the indices of those held out for choosing.

    An eighth of the images trained on, by `photo` if given, says which epoch to keep. `more`: as `fine_tune` takes it.
    """
    learn, stop, held_out = stopping_split(dataset, seed=seed, photo=photo, most=_STOPPING)
    tuned = fine_tune_on(
        network, photographs, dataset.labels, dataset.classes, learn, stop, config=config, seed=seed, **more
    )
    return tuned, held_out


def stopping_split(
    dataset: Dataset, *, seed: int, photo: str | None, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the training set, the early-stopping set and the validation set, the last as in `ftl.sweeping.heads`.

    `most`: the inverse of the share of the training images that says when to stop, where there are enough photos.
    """
    train, held_out = split(dataset, seed=seed, photo=photo)
    photos = photo_ids(dataset.paths, photo)
    learn, stop = folds(dataset.labels[train], [photos[index] for index in train], seed, most)[0]
    return train[learn], train[stop], held_out


@torch.inference_mode()
def answers_of(network: Backbone, head: Head, photographs: Photographs, indices: np.ndarray) -> np.ndarray:
    """Class probabilities (n, classes) of some of the photographs."""
    network.to(device_of(training=True))
    maps = (network(x) for x in inputs(network, photographs, indices))
    found = np.concatenate([head.probabilities(features_from(one, pooled=head.pooled)) for one in maps])
    network.cpu()
    return found
