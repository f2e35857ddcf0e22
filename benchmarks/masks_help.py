"""Where masks help a classifier with few labels: in ranking filters, by masks of its own surface or of another, and in
training.

    python -m benchmarks.masks_help ranked OUT
    python -m benchmarks.masks_help trained OUT [--mask-weight 1] [--criteria NAME ...] [--labels N ...] [--epochs N]

VGG16-HED at 1 % of the MACs, on crops of deepcrack of 128 pixels: 661 of 60 photos to label, 218 of the other 20 to
test on. ranked: linear heads, filters ranked by masks of those 60 photos, or of 60 masonry walls. trained: the networks
fine-tuned, with their masks as well or not. What is measured is kept in OUT, so that a run cut off goes on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks._folds import CROP, deepcrack
from benchmarks._material import pairs, vgg16
from ftl import FineTuneConfig, PruneConfig, load_masks
from ftl.models.layout import LINEAR, TUNED
from ftl.sweeping.criteria_study import Sets, criteria_ways
from ftl.sweeping.few_labels import study, table, write_study

MACS = 0.01


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("ranked", "trained"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--criteria", nargs="+", default=["random", "iou", "dissection", "l1"])
    parser.add_argument("--labels", nargs="+", type=int, default=[5, 10, 20, 50, 100])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--mask-weight", type=float, default=0.0)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    (fold,) = deepcrack(options.out, [0])
    backbone = vgg16()
    backbone.preprocess = replace(backbone.preprocess, size=CROP)
    config = FineTuneConfig(epochs=options.epochs, mask_weight=options.mask_weight)
    prune = PruneConfig()
    ways = criteria_ways(backbone, fold.masks, options.criteria, prune, fold.photo)
    name, head = f"trained-{options.mask_weight:g}", TUNED
    if options.what == "ranked":
        walls = load_masks(*pairs(60), size=CROP)
        others = criteria_ways(backbone, walls, ["iou", "dissection", "binary_iou"], prune, fold.photo)
        ways |= {f"{criterion}, masonry": way for criterion, way in others.items()}
        name, head = "ranked", LINEAR
    sets = Sets(fold.learn, fold.judge, head, config, fold.photo, masks=fold.masks)
    file = options.out / f"{name}.json"
    rows = study(
        ways, sets, heads=[head], shares=[MACS], labels=options.labels, seeds=options.seeds, file=file,
        made_from={"masks_sha256": fold.masks.digest()} | sets.description(), report=_tell,
    )  # fmt: skip
    write_study(rows, "random", file)
    print(table(rows, "random"), end="")


def _tell(done: int, total: int, what: str) -> None:
    print(f"{done} of {total}: {what}", flush=True)


if __name__ == "__main__":
    main()
