"""FTL's criteria against Torch-Pruning's own pruners: same data, same fine-tuning, same MACs, three seeds.

    python -m benchmarks.peers metu OUT [--only WAY ...]
    python -m benchmarks.peers deepcrack OUT [--only WAY ...]

Torch-Pruning 1.6: `BasePruner` with `GroupMagnitudeImportance`, uniform over layers, and with `GroupTaylorImportance`,
whose gradients come from the same loss and images as `ftl.pruning.network_criteria.taylor`, uniform and over all layers
together. Ratios are searched for the share of MACs, which is given beside them. VGG16-HED. metu: masks of 240
masonry walls, METU's training photographs and its 800 others. deepcrack: crops of 128 pixels and their own masks, in
four folds by photo. What is measured is kept in OUT, a file for each way, so that several can be measured at once; a
run cut off goes on.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch_pruning as tp

from benchmarks._folds import FOLDS, Fold, deepcrack, metu
from benchmarks._material import vgg16
from ftl import Backbone, Dataset, FineTuneConfig, PruneConfig
from ftl.models.backbone import macs
from ftl.models.layout import TUNED
from ftl.pruning.network_criteria import loss_gradients
from ftl.sweeping.criteria_study import Row, Sets, Way, contest, criteria_ways, table


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

    def way(shares: Sequence[float], seed: int, learn: Dataset) -> Iterator[Backbone]:
        scored = copy.deepcopy(backbone)
        if importance == "taylor":
            loss_gradients(scored, learn, seed, sets.photo)
        for share in shares:
            low, high = 0.0, 0.999
            for _ in range(10):
                middle = (low + high) / 2
                left = macs(pruned(scored, middle).spec(), size) / whole
                low, high = (middle, high) if left > share else (low, middle)
            network = pruned(scored, high)
            left = macs(network.spec(), size) / whole
            print(
                f"Torch-Pruning, {importance}, global: {over_all}, {share:g} of the MACs: {left:.4f}",
                flush=True,
            )
            yield network

    return way


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", choices=("metu", "deepcrack"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", help="measure these ways, and print no table")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--macs", nargs="+", type=float, default=[0.3, 0.1, 0.03])
    parser.add_argument("--folds", nargs="+", type=int, default=[*range(FOLDS)], help="of deepcrack")
    parser.add_argument(
        "--criteria", nargs="+", default=["iou", "binary_iou", "taylor", "taylor:global", "l1", "random"]
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    rows = list[Row]()
    for fold in metu() if options.data == "metu" else deepcrack(options.out, options.folds):
        rows += measured(fold, options)
    if not options.only:
        whole = [
            Row(name, share, tuple(one for row in rows if row[:2] == (name, share) for one in row.accuracies))
            for name, share in dict.fromkeys(row[:2] for row in sorted(rows, key=lambda row: -row.share))
        ]
        print(table(whole, "TP Taylor global"), end="")


def measured(fold: Fold, options: argparse.Namespace) -> list[Row]:
    """What every way gets on one fold."""
    backbone = vgg16()
    backbone.preprocess = replace(backbone.preprocess, size=fold.masks.examples[0].image.shape[0])
    sets = Sets(fold.learn, fold.judge, TUNED, FineTuneConfig(epochs=options.epochs), fold.photo)
    ways = criteria_ways(backbone, fold.masks, options.criteria, PruneConfig(), fold.photo)
    ways |= {
        "TP magnitude": torch_pruning(backbone, sets, "magnitude", over_all=False),
        "TP Taylor": torch_pruning(backbone, sets, "taylor", over_all=False),
        "TP Taylor global": torch_pruning(backbone, sets, "taylor", over_all=True),
    }
    if unknown := [name for name in options.only or () if name not in ways]:
        raise SystemExit(f"there is no way {unknown[0]!r}: there are {', '.join(ways)}")
    folder = options.out / fold.name
    folder.mkdir(parents=True, exist_ok=True)
    made_from = {"masks_sha256": fold.masks.digest()} | sets.description()
    rows = list[Row]()
    for name in options.only or ways:
        rows += contest({name: ways[name]}, options.macs, options.repeats, sets, folder / f"{name}.json", made_from)
        print(fold.name, table(rows[-len(options.macs) :], name), sep="\n", flush=True)
    return rows


if __name__ == "__main__":
    main()
