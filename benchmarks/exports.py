"""Pruned VGG16 in PyTorch, in ONNX Runtime and there in 8-bit integers: accuracy on METU's test set, and time.

    python -m benchmarks.exports [FOLDER] [--rounds N] [--threads N]

Filters are ranked on 24 masonry walls with masks, heads are trained on 200 METU photographs per class; keep 0.1 and
0.2, each as it comes and with channels rounded up to multiples of 8. Each network is timed alone in its own process
(`ftl.latency.one_process`), in turns; of N rounds the one with the lowest median counts, for other programs only ever
add time. FOLDER keeps the sweeps for another run. Needs ../shared.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks._material import SHARED, head_line, pairs, scratch, vgg16
from ftl import SweepConfig, load_dataset, load_masks, load_model
from ftl.evaluation.runtimes import FIGURES, INT8, ONNX, PYTORCH
from ftl.exporting.calibration import trained_with
from ftl.exporting.prepared import core_of, prepare
from ftl.exporting.quantization import probabilities
from ftl.files import read_json
from ftl.latency.one_process import time_once
from ftl.memory import reuse_freed_memory
from ftl.models.layout import TEST
from ftl.sweeping.evaluate import evaluate
from ftl.sweeping.heads import train
from ftl.sweeping.pruned import begin_sweep, make_networks
from ftl.training.features import extract

KEEP, ROUND_TO = (0.1, 0.2), (1, 8)


def candidates(out: Path) -> list[Path]:
    """Folders of the trained and tested networks, made if they are not there."""
    images, masks = pairs(24)
    learn = load_dataset(SHARED / "data" / "metu" / "train", per_class=200)
    judge = load_dataset(SHARED / "data" / "metu" / "test")
    found = []
    for round_to in ROUND_TO:
        backbone, into = vgg16(), out / f"round-to-{round_to}"
        config = SweepConfig(keep=KEEP, round_to=round_to)
        ranked = load_masks(images, masks, size=backbone.preprocess.size)
        begin_sweep(backbone, ranked, into, config)
        found += make_networks(backbone, ranked, into, config)
    for folder in found:
        extract(folder, learn)
        train(folder)
        evaluate(folder, judge)
    prepare(found, [ONNX, INT8])
    return found


def accuracy_in_onnx(folder: Path) -> float:
    """Accuracy on the test set in ONNX Runtime, float32, 0..1."""
    test = trained_with(folder).test
    assert test is not None
    said = probabilities(core_of(folder), load_model(folder).network.preprocess, test.paths)
    return float((said.argmax(1) == test.labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    reuse_freed_memory()
    head_line(f"exports of pruned VGG16, {given.threads} thread(s), the best of {given.rounds} rounds")
    folders = candidates(given.folder or scratch())
    times: dict[tuple[Path, str], list[float]] = {}
    for _ in range(given.rounds):
        for folder in folders:
            for runtime in (PYTORCH, ONNX, INT8):
                taken = time_once(folder, given.threads, runtime)
                times.setdefault((folder, runtime), []).append(taken["median_ms"])
    print(f"  {'':24}{'test accuracy [%]':>41}{'time of one image [ms]':>36}{'int8 against':>22}")
    columns = ("PyTorch", "ONNX", "int8", "points", "PyTorch", "ONNX", "int8", "ONNX", "PyTorch")
    print(f"  {'':24}" + "".join(f"{name:>11}" for name in columns))
    for folder in folders:
        figures = read_json(folder / TEST), read_json(folder / FIGURES[INT8])["test"]
        test, int8 = (100 * one["accuracy"] for one in figures)
        same = 100 * accuracy_in_onnx(folder)
        torch, onnx, fast = (min(times[folder, runtime]) for runtime in (PYTORCH, ONNX, INT8))
        print(
            f"  {folder.name + ', ' + folder.parent.name:24}"
            f"{test:>11.2f}{same:>11.2f}{int8:>11.2f}{int8 - test:>+11.2f}"
            f"{torch:>11.2f}{onnx:>11.2f}{fast:>11.2f}{onnx / fast:>10.2f}x{torch / fast:>10.2f}x"
        )


if __name__ == "__main__":
    main()
