"""What engines are worth (`ftl.models.engines`): milliseconds an image, and accuracy of heads fitted to their features.

    python -m benchmarks.engines [SET ...] [--networks NAME ...]

SET: metu (200 + 200 photographs to learn from, 400 + 400 to test on), deepcrack (crops, tested on those of other
photos), steel (strips of neu_steel with one kind of defect, every second one to test on). NAME: VGG16; the same pruned
on 12 walls, as the original prunes; MobileNetV2; and the VGG16 and AlexNet that the original published. A sweep runs
unpruned networks by any engine, unless it would give other maps, and pruned ones by those in float32: their accuracies
should be within 0.2 points of PyTorch's in float32; of the 800 images of METU one is 0.125. Needs ../shared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks._folds import deepcrack as folds_of_deepcrack
from benchmarks._material import SHARED, head_line, pairs, scratch
from ftl import Backbone, Dataset, PruneConfig, load_backbone, load_dataset, load_masks, prune
from ftl.data.photographs import in_batches, photographs_of
from ftl.latency.machine_load import look
from ftl.memory import reuse_freed_memory
from ftl.models.engines import FLOAT32, LOOKED_AT, batch_of, begin, engines, forward
from ftl.models.head import features_from
from ftl.training.train import train_head

BACKBONES = SHARED / "backbones"
LIMIT = 0.2  # points


class Set(NamedTuple):
    """Photographs to learn from and to test on, and how their names say which photo they are of."""

    learn: Dataset
    judge: Dataset
    photo: str | None


def metu() -> Set:
    learn = load_dataset(SHARED / "data" / "metu" / "train", per_class=200)
    return Set(learn, load_dataset(SHARED / "data" / "metu" / "test"), None)


def deepcrack() -> Set:
    (fold,) = folds_of_deepcrack(scratch(), [0])
    return Set(fold.learn, fold.judge, fold.photo)


def steel() -> Set:
    folder = scratch()
    for mask in sorted((SHARED / "data" / "neu_steel" / "masks").iterdir()):
        kinds = np.unique(np.asarray(Image.open(mask)))
        if len(kinds[kinds > 0]) == 1:
            (image,) = (SHARED / "data" / "neu_steel" / "images").glob(f"{mask.stem}.*")
            target = folder / str(kinds[-1]) / image.name
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(image)
    every = load_dataset(folder)
    return Set(every.take(range(0, len(every), 2)), every.take(range(1, len(every), 2)), None)


SETS: dict[str, Callable[[], Set]] = {"metu": metu, "deepcrack": deepcrack, "steel": steel}


def pruned(keep: float) -> Backbone:
    """VGG16 as `ftl prune --faithful` cuts it, on 12 walls."""
    backbone = NETWORKS["VGG16"]()
    return prune(backbone, load_masks(*pairs(12), wrap=True), keep, PruneConfig(faithful=True))


NETWORKS: dict[str, Callable[[], Backbone]] = {
    "VGG16": lambda: load_backbone("vgg16", weights=BACKBONES / "vgg16_hed.safetensors"),
    "VGG16 at 0.1": partial(pruned, 0.1),
    "VGG16 at 0.2": partial(pruned, 0.2),
    "VGG16 at 0.3": partial(pruned, 0.3),
    "MobileNetV2": lambda: load_backbone("mobilenet_v2", weights=BACKBONES / "mobilenet_v2_imagenet.safetensors"),
    "VGG16 published": lambda: load_backbone(SHARED / "seed" / "model_0.2_VGG16.h5"),
    "AlexNet published": lambda: load_backbone(SHARED / "seed" / "model_0.15_AlexNet.h5"),
}


def features(network: Backbone, paths: tuple[Path, ...], engine: str) -> tuple[np.ndarray, float]:
    """Features of images, and milliseconds for each behind the first batch, which begins the engine."""
    run, photographs = forward(network, network.preprocess, engine), photographs_of(paths, network.preprocess.size)
    parts, start = list[np.ndarray](), 0.0
    for images in in_batches(photographs, len(paths), batch_of(engine)):
        (maps,) = run(images)
        parts.append(features_from(maps, pooled=False))
        start = start or time.perf_counter()
    return np.concatenate(parts), 1000 * (time.perf_counter() - start) / (len(paths) - len(parts[0]))


def main() -> None:
    if not SHARED.is_dir():
        sys.exit("needs ../shared")
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--networks", nargs="+", metavar="NAME", default=[*NETWORKS])
    given = parser.parse_args()
    reuse_freed_memory()
    head_line("engines: heads on their features")
    print(f"  other programs used {100 * look(1.0):.0f} % of the processor just before")
    for name in given.sets or SETS:
        data = SETS[name]()
        print(f"  {name}: {len(data.learn)} images to learn from, {len(data.judge)} to test on", flush=True)
        for title in given.networks:
            network, reference = NETWORKS[title](), None
            for engine in (FLOAT32, *(name for name in engines() if name != FLOAT32)):
                some = photographs_of(data.learn.paths, network.preprocess.size)(np.arange(LOOKED_AT))
                taken, _ = begin(network, network.preprocess, engine, some)
                learnt, ms = features(network, data.learn.paths, engine)
                unseen, _ = features(network, data.judge.paths, engine)
                head, validation = train_head(learnt, data.learn, seed=0, photo=data.photo)
                said = head.probabilities(unseen).argmax(1)
                right = float(np.mean(said == data.judge.labels))
                row = f"{100 * validation['accuracy']:.2f} and {100 * right:.2f} %, C = {head.c:g}"
                reference = (unseen, said, right) if reference is None else reference
                points = 100 * (right - reference[2])
                apart = float(np.linalg.norm(unseen - reference[0]) / np.linalg.norm(reference[0]))
                print(
                    f"    {title:18}{engine:20}{ms:8.1f} ms  {row}; {points:+.2f} points, "
                    f"{(said != reference[1]).sum()} answers apart, features by {100 * apart:.2f} %"
                    f"{'' if taken == engine else f': left to {taken}'}"
                    f"{'' if abs(points) <= LIMIT else ', ABOVE THE LIMIT'}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
