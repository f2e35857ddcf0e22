"""What a sweep will cost, before it is launched: from MACs, and seconds of measurement."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from ftl.config import ONE_SHOT, FineTuneConfig, SegmentConfig
from ftl.device import run_on
from ftl.models.backbone import Backbone, Spec, layer_macs, layers_of, macs, map_sizes
from ftl.models.engines import FLOAT32, fastest_of, pays, timed
from ftl.models.layers import Layer
from ftl.training.finetune import augment, begin, recalibrates
from ftl.training.loop import steps, train_step
from studio.jobs.cluster import workers

TIMING_SECONDS = 6.0
"""Three rounds of a network, each in a process of its own that reads it, looks at the machine, and warms up."""

_NARROW = 0.1
"""The keep fraction of the network whose training step is measured."""
_TRAINED = 16  # images of that step, of 224 pixels
_THREADS = torch.get_num_threads()
_alone = threading.Lock()  # two that measure at once would leave each other's number of threads
_FIT_SECONDS = 2e-9  # per image squared and candidate
_ANSWERED = 0.44  # of the photographs each runtime of OpenVINO answers those that test, 1/4, or validate, 3/16
_COMPILING_SECONDS = 0.3  # for OpenVINO to read a network and make it its own: VGG16, unpruned


def _scaled(layers: Sequence[tuple[Layer, tuple[int, int]]], inputs: float, outputs: float) -> int:
    """Multiply-adds of one image, about, where each layer has these shares of its inputs and of its filters."""
    total, first = 0, True
    for layer, side in layers:
        if layer["type"] == "conv":
            taken = layer["in"] if first or layer.get("groups", 1) != 1 else max(1, round(layer["in"] * inputs))
            total += layer_macs(layer | {"in": taken, "out": max(1, round(layer["out"] * outputs))}, side)
            first = False
    return total


def speed(backbone: Backbone, seconds: float = 1.0) -> float:
    """Multiply-adds per second of the backbone on this machine: warm, two photographs at a time.

    The fastest pass of so many seconds counts: what else runs now will not run, or not as much, beside the sweep.
    """
    size = backbone.preprocess.size
    images = backbone.preprocess([np.zeros((size, size, 3), np.uint8)] * 2)
    with torch.inference_mode():
        backbone(images)
        start, passes = time.perf_counter(), list[float]()
        while time.perf_counter() - start < seconds or len(passes) < 2:
            begun = time.perf_counter()
            backbone(images)
            passes.append(time.perf_counter() - begun)
    return 2 * macs(backbone.spec(), size) / min(passes)


class Speeds(NamedTuple):
    """MACs per second on this machine, by what runs a network.

    `pytorch`: in float32, which scores filters and trains. `unpruned`, `pruned`: the engines (`ftl.models.engines`)
    that compute the features of these networks, where they pay.

    `narrow`: seconds on one thread that a training step takes for each of its images, of the network cut to a tenth.
    """

    pytorch: float
    unpruned: float
    pruned: float
    narrow: float


_gains = dict[tuple[str, int], tuple[float, ...]]()
"""How many times as fast as PyTorch the engines are, by a network's name and MACs. They are measured side by side, so
what else runs then slows both: one measurement counts as long as the process lives, and the speed is taken anew."""


def speeds(backbone: Backbone, images: int, pytorch: float, narrow: float) -> Speeds:
    """The speeds of all engines, by that of PyTorch (`speed`); the same where no other pays for so many photographs.

    `narrow`: of `narrow_step`.
    """
    work = macs(backbone.spec(), backbone.preprocess.size)
    if not pays(work, images):
        return Speeds(pytorch, pytorch, pytorch, narrow)
    if (backbone.name, work) not in _gains:
        taken = timed(backbone)
        _gains[backbone.name, work] = tuple(taken[FLOAT32] / taken[engine] for engine in fastest_of(taken))
    unpruned, pruned = (pytorch * gain for gain in _gains[backbone.name, work])
    return Speeds(pytorch, unpruned, pruned, narrow)


def layout_seconds(images: int) -> float:
    """Seconds until a sweep's cluster runs and the photographs are laid out in its folder."""
    return 8.0 + 0.005 * images


def scoring_seconds(spec: Spec, size: int, keep: Sequence[float], *, masks: int, speed: float, mode: str) -> float:
    """Seconds to score filters for these keep fractions on `masks` photographs."""
    layers = [*zip(layers_of(spec), map_sizes(spec, size), strict=True)]
    whole = sum(layer_macs(layer, side) for layer, side in layers)
    scoring = whole if mode == ONE_SHOT else sum(_scaled(layers, fraction, 1.0) for fraction in keep)
    if mode != ONE_SHOT and isinstance(spec, dict):  # a pass for the filters of each layer, on average half as long
        scoring *= sum(layer["type"] == "conv" for layer, _ in layers) // 2
    return 1.3 * scoring * masks / speed


def linear_seconds(
    spec: Spec, size: int, keep: float, *, images: int, speeds: Speeds, is_unpruned: bool = False
) -> float:
    """Seconds to fit a linear classifier on what a network cut to `keep` sees in `images`, and to report on it."""
    work = _scaled([*zip(layers_of(spec), map_sizes(spec, size), strict=True)], keep, keep)
    engine = speeds.unpruned if is_unpruned else speeds.pruned
    speed = engine if pays(work, images) else speeds.pytorch
    return _for_small(keep) * work * images / speed + _FIT_SECONDS * images**2


def openvino_seconds(spec: Spec, size: int, keep: float, *, images: int, speeds: Speeds) -> float:
    """Seconds that one runtime of OpenVINO takes of a network cut to `keep`: its answers, and its latency.

    The engine in float32 stands for all of them: it is OpenVINO where that is installed and faster, and with fewer bits
    it is the arithmetic alone that is faster.
    """
    work = _scaled([*zip(layers_of(spec), map_sizes(spec, size), strict=True)], keep, keep)
    looking = _for_small(keep) * work * _ANSWERED * images / speeds.pruned
    return _COMPILING_SECONDS + looking + TIMING_SECONDS


def _for_small(keep: float) -> int:
    """How often their work counts: small networks use a machine worse than large ones."""
    return 1 if keep == 1 else 2


def training_seconds(spec: Spec, size: int, images: int, epochs: int, macs_per_second: float) -> float:
    """Seconds to train a backbone from scratch on three quarters of the three quarters that do not test.

    Backward costs twice what forward does, and images are turned; the others are looked at once an epoch.
    """
    forward = macs(spec, size) / macs_per_second
    return epochs * 0.75 * images * (0.75 * (3 * forward + 0.003) + 0.25 * forward)


def narrow_step(backbone: Backbone, takes: int = 3) -> float:
    """Seconds on one thread, as workers train, of each image of a training step of the network cut to `_NARROW`.

    MACs do not tell them: layers of few channels wait for their maps, not for their sums. The fastest take counts.
    """
    from ftl.pruning.coupling import coupling_groups
    from ftl.pruning.surgery import prune

    filters, side = backbone.convolutions(), backbone.preprocess.size
    names = filters if backbone.is_chain else [group.name for group in coupling_groups(backbone)]
    kept = {name: range(max(1, round(_NARROW * filters[name].out_channels))) for name in names}
    count = max(2, round(_TRAINED * min(1.0, (224 / side) ** 2)))  # maps of large photographs take gigabytes
    images, labels, taken = np.zeros((count, side, side, 3), np.uint8), np.arange(count) % 2, list[float]()
    with _alone, run_on("cpu"):  # by which the unpruned network is measured too
        torch.set_num_threads(1)
        try:
            config = FineTuneConfig()
            state = begin(prune(backbone, kept), lambda which: images[which], 2, np.arange(count), config, 0)
            for _ in range(1 + takes):
                begun = time.perf_counter()
                train_step(state, augment(images, state.rng), labels, torch.ones(2), config)
                taken.append(time.perf_counter() - begun)
        finally:
            torch.set_num_threads(_THREADS)
    return min(taken[1:]) / count


def tuning_seconds(
    spec: Spec, size: int, keep: float, images: int, epochs: int, speeds: Speeds, *, alone: bool = False
) -> float:
    """Seconds to fine-tune a network cut to `keep`: its steps, and a third of one for each image that is looked at.

    On one thread, as workers do, or `alone` on all. A step takes as long as that of the network cut to a tenth, which
    has no use for more threads, or of the unpruned one, three times its forward pass; in between, and beyond, a power
    of its MACs.
    """
    layers = [*zip(layers_of(spec), map_sizes(spec, size), strict=True)]
    whole, narrow, work = (_scaled(layers, one, one) for one in (1.0, _NARROW, keep))
    unpruned = 3 * whole / speeds.pytorch * (1 if alone else len(os.sched_getaffinity(0)))
    power = math.log(unpruned / speeds.narrow) / math.log(whole / narrow) if whole > narrow else 0.0
    config, train = FineTuneConfig(epochs=epochs), max(1, round(0.66 * images))  # of three quarters, less an eighth
    shown = steps(train, config) * config.batch
    looked_at = epochs * (0.09 * images + (train if recalibrates(train, config) else 0))
    return (shown + looked_at / 3) * speeds.narrow * (work / narrow) ** power


def side_by_side(seconds: Mapping[str, float]) -> dict[str, float]:
    """What tasks of one thread add to the whole, by name, with as many at once as there are workers."""
    count, total = workers()[0], sum(seconds.values())
    share = max(1 / count, max(seconds.values(), default=0.0) / total) if total else 1.0
    return {name: share * own for name, own in seconds.items()}


_CROP_SECONDS = 0.05
"""A crop of 320 pixels that a network cut to nothing is trained on: reading maps takes longer than the arithmetic."""


def drawing_seconds(spec: Spec, size: int, keep: float, config: SegmentConfig, macs_per_second: float) -> float:
    """Seconds to train a network that draws masks, cut to `keep`: forward, backward, and what each crop costs anyway.

    The shares are those of VGG16 cut to 10 % on two cores (0.45 s a step of eight crops).
    """
    layers = [*zip(layers_of(spec), map_sizes(spec, size), strict=True)]
    work = 3 * _scaled(layers, keep, keep) * (config.crop / size) ** 2 / macs_per_second
    return config.steps * config.crops * (work + _CROP_SECONDS * (config.crop / 320) ** 2)
