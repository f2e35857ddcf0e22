"""Memory and disk of a linear head on many photographs: drawn features of three sizes, each in a process of its own.

    python -m benchmarks.many_features [--photographs N ...] [--width D] [--held-mib M]

Features are written as `ftl extract` writes them, and a head is fitted and tested as `ftl train` and `test` do, with
one penalty: how many are tried changes the time and not the memory. Above `--held-mib`, by default as in use, they stay
on the disk. Peaks are of what Python and numpy hold (tracemalloc), and of the process, programs included (ru_maxrss).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import h5py
import numpy as np

from benchmarks._material import head_line, scratch
from ftl.data.dataset import folds, split
from ftl.training import features
from ftl.training.blocks import probabilities_in_blocks
from ftl.training.features import read_features
from ftl.training.linear_head import fit_head

BLOCK = 500


def draw(file: Path, count: int, width: int) -> None:
    """Features of two classes, positive and sparse, as a ReLU leaves them."""
    rng, labels = np.random.default_rng(0), np.arange(count) % 2
    centres = 0.02 * rng.standard_normal((2, width), np.float32)
    text = h5py.string_dtype()
    with h5py.File(file, "w") as target:
        values = target.create_dataset("features", (count, width), np.float32)
        for start in range(0, count, BLOCK):
            some = centres[labels[start : start + BLOCK]]
            values[start : start + BLOCK] = np.maximum(0, rng.standard_normal(some.shape, np.float32) + some - 1)
        target["labels"] = labels
        target.create_dataset("label_names", data=["a", "b"], dtype=text)
        target.create_dataset("paths", data=[f"{number}.jpg" for number in range(count)], dtype=text)
        target.create_dataset("digests", data=[f"{number:064}" for number in range(count)], dtype=text)


def measure(file: Path) -> None:
    """Fit a head to features, and print the peaks."""
    tracemalloc.start()
    values, images = read_features(file)
    learn, held_out = split(images, seed=0)
    inner = folds(images.labels[learn], [str(images.paths[index]) for index in learn], 0)
    head = fit_head(values, images.labels[learn], images.classes, inner, cs=(1e-3,), rows=learn)
    probabilities_in_blocks(head, values, held_out)
    _, most = tracemalloc.get_traced_memory()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    way = "from the disk" if isinstance(values, np.memmap) else "in memory"
    print(
        f"    {len(images):,} photographs {way}: {values.nbytes / 2**30:.2f} GiB of features, "
        f"peak {most / 2**30:.2f} GiB ({resident / 2**30:.2f} of the process), "
        f"{time.process_time():.0f} s of processor time"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photographs", nargs="+", type=int, default=[10_000, 20_000, 40_000])
    parser.add_argument("--width", type=int, default=6272)
    parser.add_argument("--held-mib", type=int, default=features.HELD_BYTES // 2**20)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    features.HELD_BYTES = given.held_mib * 2**20
    if given.measure:
        measure(given.measure)
        return
    head_line(f"a linear head on {given.width:,} features")
    folder = scratch()
    for count in given.photographs:
        draw(folder / "features.h5", count, given.width)
        command = [sys.executable, "-m", "benchmarks.many_features", "--measure", str(folder / "features.h5")]
        subprocess.run([*command, "--held-mib", str(given.held_mib)], check=True)


if __name__ == "__main__":
    main()
