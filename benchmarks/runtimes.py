"""Runtimes by networks: latency of one image on one and two threads, bytes, and accuracy where it was measured.

    python -m benchmarks.runtimes [OUT...] [--networks vgg16 resnet18 mobilenet_v2] [--rounds N] [--threads 1 2]

Networks of random weights, cut by the l1 norm: what a network shows does not change its time. Each `OUT` is a sweep
that `ftl run` or `ftl test` left, whose networks stand in a table of their own with the accuracy on its test set in
each runtime. Each network is timed alone in its own process (`ftl.latency.one_process`), in turns; of N rounds the one
with the lowest median counts, for other programs only ever add time. Told are also the runtime that each network is
fastest in, how many times as fast it is there as the unpruned network is in its own, and whether 8-bit integers pay.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch

from benchmarks._material import head_line, pairs, scratch
from ftl import Backbone, SweepConfig, load_backbone, load_masks, load_model
from ftl.evaluation.runtimes import FIGURES, INT8, NETWORKS, ONNX, PYTORCH, TITLES, runtimes_here
from ftl.exporting.onnx import core
from ftl.exporting.prepared import prepare
from ftl.exporting.quantization import quantised
from ftl.files import read_json
from ftl.latency.machine_load import look
from ftl.latency.one_process import time_once
from ftl.memory import reuse_freed_memory
from ftl.models.backbone import build
from ftl.models.classifier import write_head
from ftl.models.head import Head
from ftl.models.layout import HEAD, TEST, UNPRUNED, WEIGHTS
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture
from ftl.sweeping.networks import networks
from ftl.sweeping.pruned import begin_sweep, make_networks

KEEP = {"vgg16": (0.03, 0.1, 0.2, 0.5)}
"""Keep fractions, where they are not `_KEEP`."""

_KEEP = (0.2,)
_CALIBRATION = 4


def made(name: str, out: Path) -> list[Path]:
    """Folders of a network and of what is cut of it, the unpruned one first, with what all runtimes take."""
    torch.manual_seed(0)
    backbone = Backbone(name, build(architecture(name).spec()), Preprocess())
    images, masks = pairs(_CALIBRATION)
    ranked = load_masks(images, masks, size=backbone.preprocess.size)
    config = SweepConfig(keep=KEEP.get(name, _KEEP), criterion="l1", mode="one_shot")
    begin_sweep(backbone, ranked, out, config)
    folders = [out / UNPRUNED, *reversed(make_networks(backbone, ranked, out, config))]
    for folder in folders:
        x = load_backbone(folder).inputs([example.image for example in ranked.examples])
        width = load_backbone(folder)(x[:1]).shape[1]
        write_head(folder, Head(np.zeros((1, width), np.float32), np.zeros(1, np.float32), ("No", "Yes"), pooled=True))
        float32 = core(load_model(folder))
        onnx.save(float32, folder / NETWORKS[ONNX])
        onnx.save(quantised(float32, [tensor.contiguous().numpy() for tensor in x]), folder / NETWORKS[INT8])
    return folders


def swept(out: Path) -> list[Path]:
    """The networks of a sweep, with what all runtimes take and what each is worth there."""
    folders = networks(out)
    prepare(folders, runtimes_here())
    return folders


def accuracy(folder: Path, runtime: str) -> float | None:
    """On the test set, in per cent, where there is one."""
    file = folder / FIGURES.get(runtime, TEST)
    if not file.is_file():  # in float32, ONNX Runtime classifies as PyTorch does
        file = folder / TEST
    figures = read_json(file) if file.is_file() else {}
    figures = figures if "accuracy" in figures else figures.get("test", {})
    return 100 * figures["accuracy"] if figures else None


def size(folder: Path, runtime: str) -> int:
    """Bytes of what a runtime reads."""
    names = (WEIGHTS, HEAD) if runtime == PYTORCH else (NETWORKS[runtime],)
    return sum((folder / name).stat().st_size for name in names)


def timed(folders: Sequence[Path], threads: Sequence[int], rounds: int) -> dict[tuple[Path, str, int], float]:
    """Milliseconds of each network in each runtime, on so many threads; and what each ran in is printed once."""
    times: dict[tuple[Path, str, int], float] = {}
    seen: set[str] = set()
    for _ in range(rounds):
        for folder in folders:
            for runtime in runtimes_here():
                for count in threads:
                    taken, key = time_once(folder, count, runtime), (folder, runtime, count)
                    times[key] = min(times.get(key, float("inf")), taken["median_ms"])
                    seen.add(f"{TITLES[runtime]}: {taken['runtime']}")
    print("\n".join(f"  {line}" for line in sorted(seen)))
    return times


def table(title: str, folders: Sequence[Path], threads: Sequence[int], rounds: int) -> None:
    """Print a table of networks, the unpruned one first."""
    print(title)
    times, here, whole = timed(folders, threads, rounds), runtimes_here(), folders[0]
    for count in threads:
        print(f"  {f'ms, {count} thread(s)':22}" + "".join(f"{TITLES[runtime]:>30}" for runtime in here))
        for folder in folders:
            cells = []
            for runtime in here:
                own, unpruned = times[folder, runtime, count], times[whole, runtime, count]
                cells.append(f"{own:.2f}" + (f" (1/{unpruned / own:.1f})" if folder != whole else ""))
            best, fastest = (min((times[one, runtime, count], runtime) for runtime in here) for one in (whole, folder))
            against = f"1/{best[0] / fastest[0]:.1f} of {TITLES[best[1]]}" if folder != whole else ""
            eight = times[folder, INT8, count] / times[folder, ONNX, count]
            print(
                f"  {folder.name:22}" + "".join(f"{cell:>30}" for cell in cells)
                + f"   fastest: {TITLES[fastest[1]]} {against}; int8 takes {eight:.2f} of ONNX Runtime's time",
                flush=True,
            )  # fmt: skip
    for what, value in (("bytes", size), ("test accuracy [%]", accuracy)):
        rows = {folder: [value(folder, runtime) for runtime in here] for folder in folders}
        if all(cell is not None for row in rows.values() for cell in row):
            print(f"  {what}")
            for folder, row in rows.items():
                print(
                    f"  {folder.name:22}"
                    + "".join(f"{cell:>30,}" if what == "bytes" else f"{cell:>30.2f}" for cell in row)
                )


def main() -> None:
    """Print a table for each network, and for each sweep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", nargs="*", type=Path)
    parser.add_argument("--networks", nargs="*", default=["vgg16", "resnet18", "mobilenet_v2"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    reuse_freed_memory()
    head_line(f"runtimes, the best of {given.rounds} rounds")
    print(f"  others use {100 * look(2):.0f} % of the processor now")
    folder = scratch()
    for name in given.networks:
        table(f"{name}, random weights", made(name, folder / name), given.threads, given.rounds)
    for out in given.out:
        table(str(out), swept(out), given.threads, given.rounds)


if __name__ == "__main__":
    main()
