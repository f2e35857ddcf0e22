"""Networks that draw masks beside their peers: the same photographs, the same crops and loss, the same time to train.

    python -m benchmarks.mask_peers RESULTS.json [--data deepcrack] [--minutes 5] [--seeds 0 1 2] [--only NAME ...]

A quarter of the photos is for the figures, and of the rest a fifth chooses each threshold; nothing else looks at those.
A peer gets as many steps as fit into the minutes of this machine's processor, by its time a thread, so that what runs
beside does not count. Finished rows of RESULTS.json are not run again.

Peers: VGG16 with 10 % and 3 % of its filters, and unpruned, under the studio's decoder; a plain small U-Net from
scratch; segmentation-models-pytorch's Unet on MobileNetV2 with ImageNet weights, where it is installed (it is no
requirement: pip install segmentation-models-pytorch); one threshold of darkness for all photographs; and the studio's
trace, whose clicks are made from the true mask, so that it only has to find the way and the width between them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from benchmarks._inspector import branches, clicks
from benchmarks._material import PHOTO, SHARED, head_line, vgg16
from ftl import (
    Backbone,
    FtlError,
    SegmentationSet,
    SegmentConfig,
    Segmenter,
    evaluate_masks,
    load_segmentation,
    prune,
)
from ftl.data.segmentation import split_photos
from ftl.evaluation.evaluate_masks import TOLERANCE
from ftl.evaluation.segmentation import f1, tolerant_counts, tolerant_f1
from ftl.files import read_json, write_json
from ftl.models.preprocess import Preprocess
from ftl.training.segment import train_segmenter
from ftl.training.segmenters import VALIDATED_BY, fit_segmenter
from studio.annotation.assists.trace import trace
from studio.errors import StudioError

TESTED_BY = 0.25
PROBED = 6  # steps that tell how long one takes; the first of them warms up


class Split(NamedTuple):
    """Photographs to train on, those that choose the threshold (indices of `rest`), and those that are tested on."""

    rest: SegmentationSet
    train: np.ndarray
    held_out: np.ndarray
    test: SegmentationSet


class Peer(Segmenter):
    """Any network that gives logits of a photograph's size, in the clothes of a segmenter."""

    def __init__(self, body: nn.Module, classes: tuple[str, ...], preprocess: Preprocess, step: int) -> None:
        nn.Module.__init__(self)
        self.classes, self.threshold, self.least = classes, 0.5, step
        self.network = Backbone("peer", nn.Sequential(body), preprocess)

    @property
    def stride(self) -> int:
        return self.least

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network.features(x)

    def parameters_count(self) -> int:
        return sum(value.numel() for value in self.parameters())


class UNet(nn.Module):
    """A plain small U-Net (Ronneberger et al. 2015): two 3 x 3 convolutions a level, with batch norms."""

    def __init__(self, channels: tuple[int, ...] = (8, 16, 32, 64, 128)) -> None:
        super().__init__()
        self.down = nn.ModuleList(map(_twice, (3, *channels), channels))
        self.up = nn.ModuleList(_twice(own + below, own) for own, below in pairwise(channels))
        self.head = nn.Conv2d(channels[0], 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [self.down[0](x)]
        for level in self.down[1:]:
            maps.append(level(F.max_pool2d(maps[-1], 2)))
        y = maps.pop()
        for level, own in zip(self.up[::-1], maps[::-1], strict=True):
            enlarged = F.interpolate(y, size=own.shape[2:], mode="bilinear", align_corners=False)
            y = level(torch.cat([own, enlarged], 1))
        return self.head(y)


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    layers = list[nn.Module]()
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)]
    return nn.Sequential(*layers)


def smp_unet(classes: tuple[str, ...]) -> Peer:
    """segmentation-models-pytorch's Unet on MobileNetV2; raises `FtlError` where the package or the weights lack."""
    try:
        import segmentation_models_pytorch as smp
    except ImportError as error:
        raise FtlError("pip install segmentation-models-pytorch to compare with it") from error
    weights = SHARED / "backbones" / "mobilenet_v2_imagenet.safetensors"
    if not weights.is_file():
        raise FtlError(f"{weights.name} is not in {weights.parent}")
    body = smp.Unet("mobilenet_v2", encoder_weights=None)
    body.encoder.load_state_dict(load_file(weights))
    return Peer(body, classes, Preprocess("imagenet"), 32)


def begin(name: str, split: Split, seed: int) -> Backbone | Segmenter:
    """The network of a peer, before its training."""
    torch.manual_seed(seed)
    classes = split.rest.classes
    if name == "unet":
        return Peer(UNet(), classes, Preprocess("imagenet"), 16)
    if name == "smp-mobilenet_v2":
        return smp_unet(classes)
    backbone = vgg16()
    keep = float(name.removeprefix("vgg16-"))
    return backbone if keep == 1 else prune(backbone, split.rest.scoring_masks(backbone.preprocess.size), keep)


def trained(name: str, split: Split, seconds: float, seed: int) -> dict[str, Any]:
    """Train a peer for about so many seconds of each thread, and measure it."""
    network, threads = begin(name, split, seed), torch.get_num_threads()
    probes = list[float]()
    train_segmenter(
        network, split.rest, split.train, split.held_out[:1], config=SegmentConfig(steps=PROBED), seed=seed,
        report=lambda done, total, what: probes.append(time.process_time()),
    )  # fmt: skip
    step = float(np.median(np.diff(probes))) / threads
    config = SegmentConfig(steps=max(1, round(seconds / step)))
    begun = time.process_time()
    fitted, validation = fit_segmenter(network, split.rest, split.train, split.held_out, config=config, seed=seed)
    model = fitted.segmenter
    found = evaluate_masks(model, split.test)
    kept = ("f1", "f1_low", "f1_high", "ods", "tolerant_f1", "cl_dice", "average_precision", "threshold")
    return {key: found[key] for key in kept} | {
        "validation_f1": validation["f1"],
        "steps": config.steps,
        "seconds": (time.process_time() - begun) / threads,
        "parameters": model.parameters_count(),
    }


def drawn_by(draw: Callable[[np.ndarray, np.ndarray], np.ndarray], data: SegmentationSet) -> dict[str, Any]:
    """F1, exact and within the tolerance, of masks bool (H, W) that are drawn of a photograph and its true mask."""
    exact, near = list[np.ndarray](), list[Any]()
    for index in range(len(data)):
        image, truth = data.read(index)
        got, wanted = draw(image, truth == 1), truth == 1
        exact.append(np.array([(got & wanted).sum(), (got & ~wanted).sum(), (~got & wanted).sum()]))
        near.append(tolerant_counts(got, wanted, TOLERANCE))
    return {"f1": float(f1(np.sum(exact, 0))), "tolerant_f1": float(tolerant_f1(np.sum(near, 0)))}


def thresholded(split: Split) -> dict[str, Any]:
    """The darkest pixels of a slightly blurred photograph, by the one threshold that is best on the rest."""

    def below(level: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda image, truth: cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1) < level

    levels = range(20, 180, 10)
    best = max(levels, key=lambda level: drawn_by(below(level), split.rest)["f1"])
    return drawn_by(below(best), split.test) | {"threshold": best}


def traced(split: Split, seed: int) -> dict[str, Any]:
    """The studio's trace, a click about every 40 pixels of each branch."""
    rng = np.random.default_rng(seed)

    def draw(image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        found = np.zeros_like(truth)
        for line in branches(truth) if truth.any() else ():
            try:
                found |= trace(image, clicks(line, rng, truth.shape, ends=False))
            except StudioError:  # both clicks on one pixel
                continue
        return found

    return drawn_by(draw, split.test)


NAMES = ("vgg16-0.1", "vgg16-0.03", "unet", "smp-mobilenet_v2", "vgg16-1", "threshold", "trace")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("--data", choices=[*PHOTO], default="deepcrack")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    given = parser.parse_args()
    head_line(
        f"networks that draw masks, {given.minutes:g} minutes of training each, {torch.get_num_threads()} threads"
    )
    data = load_segmentation(SHARED / "data" / given.data / "images", SHARED / "data" / given.data / "masks")
    rows: dict[str, Any] = read_json(given.results) if given.results.is_file() else {}
    for seed in given.seeds:
        rest, test = split_photos(data, PHOTO[given.data], seed + 100, TESTED_BY)
        train, held_out = split_photos(data.take(rest), PHOTO[given.data], seed, VALIDATED_BY)
        split = Split(data.take(rest), train, held_out, data.take(test))
        for name in given.only:
            key = f"{given.data} {name} {given.minutes:g} min, seed {seed}"
            if key not in rows:
                try:
                    if name == "threshold":
                        rows[key] = thresholded(split)
                    elif name == "trace":
                        rows[key] = traced(split, seed)
                    else:
                        rows[key] = trained(name, split, 60 * given.minutes, seed)
                except FtlError as error:
                    print(f"  {key}: {error}", flush=True)
                    continue
                write_json(given.results, rows)
            print(f"  {key}: " + ", ".join(f"{what} {value:.4g}" for what, value in rows[key].items()), flush=True)


if __name__ == "__main__":
    main()
