"""A sweep on a Dask cluster: how much faster two workers are than one, and what the engine costs per candidate.

python -m benchmarks.cluster [IMAGES]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks._material import SHARED, head_line, pairs, scratch, vgg16
from ftl import Backbone, Dataset, MaskSet, SweepConfig, load_backbone, load_dataset, load_masks, make_demo, sweep
from tests.cluster import Cluster
from tests.conftest import SIZE, make_workspace


class Computed(Exception):  # noqa: N818
    """All networks are made, trained and tested; the times, which one machine takes alone, are still to come."""


def _until_timing(done: int, total: int, what: str) -> None:
    if what == "timing":
        raise Computed


def computing(backbone: Backbone, masks: MaskSet, keep: Sequence[float], out: Path, **options: Any) -> float:
    """Seconds of a sweep until its networks are tested."""
    begin = time.perf_counter()
    try:
        sweep(backbone, masks, SweepConfig(keep=tuple(keep)), out=out, report=_until_timing, **options)
    except Computed:
        return time.perf_counter() - begin
    raise AssertionError("no time was to be taken")


def photographs(each: int) -> tuple[Dataset, Dataset]:
    """To learn from and to judge on: concrete surfaces, or drawn ones."""
    folder = SHARED / "data" / "metu"
    if not folder.is_dir():
        folder = scratch()
        make_demo(folder, masks=1, train=each, test=each // 2)
        return load_dataset(folder / "dataset"), load_dataset(folder / "evaluation")
    return load_dataset(folder / "train", per_class=each), load_dataset(folder / "test", per_class=each // 2)


def scaling(images: int, runs: int = 3) -> None:
    """One and two workers of one thread each, in turns."""
    learn, judge = photographs(images // 3)
    backbone, masks = vgg16(), load_masks(*pairs(24))
    keep = [step / 10 for step in range(1, 10)]
    head_line(f"VGG16 cut ten ways, {len(learn) + len(judge)} photographs, 24 masks, workers of one thread")
    times: dict[int, list[float]] = {1: [], 2: []}
    clusters = {count: Cluster(scratch(), workers=count) for count in times}
    try:
        for _ in range(runs):
            for count, cluster in clusters.items():
                cluster.start()  # only the workers that are measured are there
                warm(cluster)
                given = {"dataset": learn, "evaluation": judge, "scheduler": str(cluster.file)}
                times[count].append(computing(backbone, masks, keep, scratch() / "out", **given))
                cluster.stop()
    finally:
        for cluster in clusters.values():
            cluster.stop()
    for count, taken in times.items():
        print(f"  {count} worker{'s' * (count > 1)}: {median(taken):.1f} s ({min(taken):.1f} to {max(taken):.1f})")
    print(f"  one worker / two workers = {median(times[1]) / median(times[2]):.2f} (aim: at least 1.6)")


def warm(cluster: Cluster) -> None:
    """Have all workers started, with torch loaded."""
    from distributed import Client

    with Client(scheduler_file=str(cluster.file)) as client:
        client.wait_for_workers(cluster.count)
        client.run(lambda: __import__("torch").ones(9, 9) @ __import__("torch").ones(9, 9))


def overhead(few: int = 20, many: int = 100) -> None:
    """A very small network over a few images, cut often: what a candidate more costs, here and on a worker."""
    torch.set_num_threads(1)
    folder = make_workspace(scratch() / "tiny")
    given = {"dataset": folder / "dataset", "evaluation": folder / "evaluation"}
    masks = load_masks(folder / "Images", folder / "Segmented", size=SIZE)
    backbone = load_backbone(folder / "tiny.safetensors")
    cluster = Cluster(scratch(), workers=1).start()
    warm(cluster)

    def each(**options: Any) -> float:
        taken = [
            computing(
                backbone,
                masks,
                [step / many for step in range(1, count + 1)],
                scratch() / "out",
                **given,
                **options,
            )
            for count in (few, many)
        ]
        return 1000 * (taken[1] - taken[0]) / (many - few)

    try:
        each(), each(scheduler=str(cluster.file))  # warm
        alone = [each() for _ in range(3)]
        sent = [each(scheduler=str(cluster.file)) for _ in range(3)]
    finally:
        cluster.stop()
    head_line(f"a network of 3 layers over 96 images of {SIZE} pixels: ms for a candidate more, of {many}")
    print(f"  in one process {median(alone):.1f}, on a worker {median(sent):.1f}: the engine costs "
          f"{median(sent) - median(alone):.1f} ms a candidate (aim: below 100)")  # fmt: skip


def main() -> None:
    overhead()
    scaling(int(sys.argv[1]) if len(sys.argv) > 1 else 60)


if __name__ == "__main__":
    main()
