"""FTL's criteria against Torch-Pruning's own pruners: same data, same fine-tuning, same multiply-adds, three seeds.

python -m benchmarks.peers OUT [--only WAY ...]

Torch-Pruning 1.6: `BasePruner` with `GroupMagnitudeImportance` and with `GroupTaylorImportance`, whose gradients come
from the same loss and images as `ftl.scoring.whole.taylor`, each uniform over layers and global. Ratios are searched
for the share of multiply-adds, which is told beside. VGG16-HED, masks of 240 masonry walls, METU's 1,600 training
photographs and its 800 others. What is measured is kept in OUT, a file for each way, so that several can be measured at
once; a run cut off goes on.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch_pruning as tp

from benchmarks._material import SHARED, vgg16
from ftl.backbones.chain import Backbone, macs
from ftl.contest import Sets, Way, contest, criteria_ways, table
from ftl.dataset import load_dataset
from ftl.masks import load_masks
from ftl.progress import Bar
from ftl.pruning.names import TUNED
from ftl.scoring.whole import loss_gradients
from ftl.tuning.plan import Recipe


def torch_pruning(backbone: Backbone, sets: Sets, importance: str, over_all: bool) -> Way:
    """A way to prune of Torch-Pruning's."""
    size = backbone.preprocess.size
    whole = macs(backbone.spec(), size)

    def pruned(scored: Backbone, ratio: float) -> Backbone:
        network = copy.deepcopy(scored).requires_grad_(True)
        for one, other in zip(network.parameters(), scored.parameters(), strict=True):
            one.grad = other.grad  # which a copy leaves out
        kind = tp.importance.GroupTaylorImportance if importance == "taylor" else tp.importance.GroupMagnitudeImportance
        x = torch.zeros(1, 3, size, size)
        tp.pruner.BasePruner(network, (x,), kind(), pruning_ratio=ratio, global_pruning=over_all).step()
        return Backbone(network.name, network.features, network.preprocess)

    def way(shares: Sequence[float], seed: int) -> Iterator[Backbone]:
        scored = copy.deepcopy(backbone)
        if importance == "taylor":
            loss_gradients(scored, sets.learn, seed, sets.photo)
        for share in shares:
            low, high = 0.0, 0.999
            for _ in range(10):
                middle = (low + high) / 2
                left = macs(pruned(scored, middle).spec(), size) / whole
                low, high = (middle, high) if left > share else (low, middle)
            network = pruned(scored, high)
            left = macs(network.spec(), size) / whole
            print(
                f"Torch-Pruning, {importance}, global: {over_all}, {share:g} of the multiply-adds: {left:.4f}",
                flush=True,
            )
            yield network

    return way


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", help="measure these ways, and print no table")
    parser.add_argument("--size", type=int, default=224, help="pixels of a photograph's side")
    parser.add_argument("--per-class", type=int, default=800)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--macs", nargs="+", type=float, default=[0.3, 0.1, 0.03])
    parser.add_argument(
        "--criteria", nargs="+", default=["iou", "binary_iou", "taylor", "taylor:global", "l1", "random"]
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    bar, data, backbone = Bar(), SHARED / "data", vgg16()
    backbone.preprocess = replace(backbone.preprocess, size=options.size)
    masks = load_masks(data / "masonry" / "images", data / "masonry" / "masks", size=options.size, report=bar)
    learn = load_dataset(data / "metu" / "train", per_class=options.per_class, report=bar)
    judge = load_dataset(data / "metu" / "test", report=bar)
    sets = Sets(learn, judge, TUNED, Recipe(epochs=options.epochs))
    ways = criteria_ways(backbone, masks, options.criteria, "cascade", sets)
    ways |= {
        "TP magnitude": torch_pruning(backbone, sets, "magnitude", over_all=False),
        "TP Taylor": torch_pruning(backbone, sets, "taylor", over_all=False),
        "TP Taylor global": torch_pruning(backbone, sets, "taylor", over_all=True),
    }
    made_from = {"size": options.size, "masks_sha256": masks.digest()} | sets.told()
    rows = []
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only or ways:
        file = options.out / f"{name}.json"
        rows += contest({name: ways[name]}, options.macs, options.repeats, sets, file, made_from, bar)
    if not options.only:
        print(table(sorted(rows, key=lambda row: -row.share), "TP Taylor"), end="")


if __name__ == "__main__":
    main()
