"""Pretraining: a backbone trained from scratch on a data set, as the original did for its AlexNet, or on masks."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ftl.config import SegmentConfig
from ftl.data.dataset import Dataset, split
from ftl.data.images import read_image, resize_image
from ftl.data.segmentation import SegmentationSet
from ftl.device import Device, device_of, run_on
from ftl.models.backbone import Backbone, Features, build
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture
from ftl.progress import Report, silent
from ftl.training.loop import AdamW, descend_once
from ftl.training.segment import train_segmenter

_SCALE = 64.0  # about the deviation of a caffe-style input: training starts at unit size


class Trained(NamedTuple):
    """A trained backbone, with the share of validation images that its own classifier got right, per epoch."""

    backbone: Backbone
    validation_accuracy: list[float]


def train_backbone(
    name: str,
    dataset: Dataset,
    *,
    epochs: int = 10,
    batch: int = 8,
    rate: float = 5e-4,
    size: int = 224,
    seed: int = 0,
    photo: str | None = None,
    device: Device = None,
    report: Report = silent,
) -> Trained:
    """Train architecture `name` with a linear classifier on the maxima of its last maps: a crack is a local thing.

    Adam with a one-cycle rate, images mirrored and turned. Three quarters are trained on; the weights of the epoch that
    does best on the last quarter are kept. `device`: where it trains (`ftl.device.run_on`).
    """
    with run_on(device):
        place = device_of(training=True)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        features = _untrained(name)
        with torch.inference_mode():
            channels = features.eval()(torch.zeros(1, 3, size, size)).shape[1]
        model = nn.Sequential(
            features, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, len(dataset.classes))
        )
    model.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    preprocess = Preprocess("caffe", size)
    train, held_out = split(dataset, seed=seed, photo=photo)
    images = np.stack([resize_image(read_image(path), size) for path in dataset.paths])  # (N, size, size, 3) uint8
    labels = torch.from_numpy(dataset.labels).to(place)
    steps = -(-len(train) // batch)
    optimiser = AdamW(model.parameters(), lr=rate, weight_decay=0)  # which is Adam
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    loss_of = nn.CrossEntropyLoss()
    best, best_state, history = -1.0, copy.deepcopy(features.state_dict()), []
    for epoch in range(epochs):
        model.train()
        order = train[torch.randperm(len(train), generator=generator).numpy()]
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            x = preprocess(images[chosen]).to(place) / _SCALE
            turns = int(torch.randint(0, 8, (), generator=generator))
            x = torch.rot90(x.flip(3) if turns >= 4 else x, turns % 4, (2, 3))
            loss = loss_of(model(x), labels[chosen])
            descend_once(model, optimiser, schedule, loss)
            report(epoch * steps + step + 1, epochs * steps, f"training {name}")
        model.eval()
        with torch.inference_mode():
            guesses = [
                model(preprocess(images[held_out[i : i + batch]]).to(place) / _SCALE).argmax(1)
                for i in range(0, len(held_out), batch)
            ]
        accuracy = float((torch.cat(guesses) == labels[held_out]).float().mean())
        history.append(accuracy)
        if accuracy >= best:
            best, best_state = accuracy, copy.deepcopy(features.state_dict())
    features.load_state_dict(best_state)
    return Trained(_scaled(Backbone(name, features.cpu(), preprocess)), history)


def train_backbone_on_masks(
    name: str,
    data: SegmentationSet,
    train: np.ndarray,
    held_out: np.ndarray,
    *,
    config: SegmentConfig = SegmentConfig(),
    size: int = 224,
    seed: int = 0,
    device: Device = None,
    report: Report = silent,
) -> Backbone:
    """Train architecture `name` to draw the masks of the photographs at `train`, for where none has a class.

    Its decoder is thrown away. `held_out`: as `ftl.training.segment.train_segmenter` takes it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = _scaled(Backbone(name, _untrained(name), Preprocess("caffe", size)))
    with run_on(device):
        trained = train_segmenter(
            untrained, data, train, held_out, config=config, encoder_rate=1, seed=seed, report=report
        )
    return trained.segmenter.network


def _untrained(name: str) -> Features:
    """An architecture's layers, with random weights that keep the size of what passes."""
    features = build(architecture(name).spec())
    for layer in features.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return features


def _scaled(backbone: Backbone) -> Backbone:
    """The backbone, which takes what its preprocessing gives in place of numbers of unit size."""
    first = next(iter(backbone.convolutions().values()))
    first.weight.data /= _SCALE
    return backbone
