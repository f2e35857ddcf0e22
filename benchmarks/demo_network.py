"""Train the network that the studio's demo project starts from: `python -m benchmarks.demo_network [FILE]`.

A narrow chain of four convolutions, on 1,000 drawn surfaces of another seed than the demo's. With OMP_NUM_THREADS=1 the
same machine and version of PyTorch give the same weights again.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from ftl import load_dataset, make_demo, save_backbone, train_backbone
from ftl.models.backbone import Spec, describe
from ftl.models.registry import REGISTRY, Architecture
from studio.jobs.demo import NETWORK

WIDTHS = (16, 32, 48, 48)
EACH, EPOCHS, SEED = 500, 16, 1


def chain() -> Spec:
    """Convolutions of `WIDTHS` filters, the first of every second pixel, each before a ReLU and a pool.

    The last pool leaves 2 x 2 places: a linear head on more of them would need more than a hundred surfaces.
    """
    with torch.device("meta"):
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTHS[0], 5, 2, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2)]
        for before, width in pairwise(WIDTHS):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)]
        layers[-1] = nn.MaxPool2d(7, 7)
    return describe(nn.Sequential(*layers))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path, nargs="?", default=NETWORK)
    given = parser.parse_args()
    print(f"{2 * EACH:,} drawn surfaces, {EPOCHS} epochs")
    name = given.file.stem
    REGISTRY[name] = Architecture(name, chain, None)
    with tempfile.TemporaryDirectory() as folder:
        make_demo(folder, masks=1, train=EACH, test=1, seed=SEED)
        dataset = load_dataset(Path(folder) / "dataset")
        trained = train_backbone(name, dataset, epochs=EPOCHS, seed=SEED)
    print("  right of the held-out quarter:", *(f"{share:.3f}" for share in trained.validation_accuracy))
    made_with = {"drawn_surfaces": 2 * EACH, "epochs": EPOCHS, "seed": SEED, "torch": torch.__version__}
    save_backbone(trained.backbone.features, given.file, name=name, made_with=made_with)
    print(f"  {given.file.stat().st_size:,} bytes in {given.file}")


if __name__ == "__main__":
    main()
