"""Networks that draw masks in each runtime that this machine has: F1, and time of a megapixel.

    python -m benchmarks.segmenters OUT [--images DIR --masks DIR] [--rounds N] [--threads 1 2]

OUT is what `ftl segment OUT BACKBONE --tune-unpruned ...` made. F1 is at the network's own threshold, of those
photographs that it was not trained on: of its own data set (by default deepcrack, of ../shared) these are the ones that
chose the threshold. Each network is timed alone in its own process (`ftl.latency.one_process`), in turns; of N rounds
the one with the lowest median counts, for other programs only ever add time. The ratio is to the unpruned network in
the same runtime: the aim is 1/20 on one thread, and at most 1 point of F1 lost in 8-bit integers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks._material import SHARED, head_line
from ftl import evaluate_masks, load_segmentation, load_segmenter
from ftl.evaluation.runtimes import PYTORCH, TITLES, runtimes_here
from ftl.exporting.prepared_masks import network_in, running
from ftl.files import digest, read_json
from ftl.latency.machine_load import look
from ftl.latency.one_process import time_once
from ftl.memory import reuse_freed_memory
from ftl.models.layout import SEGMENTED, UNPRUNED, VALIDATION, candidate_name
from ftl.sweeping.networks import segmenters


def qualities(folder: Path, images: Path, masks: Path) -> tuple[dict[str, float], int]:
    """F1 in each runtime, 0..1, on the photographs that a network was not trained on; and how many they are."""
    data, trained_on = load_segmentation(images, masks), read_json(folder / VALIDATION)["trained_on"]
    seen = {digest(path) for path in map(Path, trained_on) if path.is_file()}
    unseen = data.take([index for index, (image, _) in enumerate(data.digests) if image not in seen])
    runs = {
        runtime: running(network_in(folder, runtime).SerializeToString(), runtime)
        for runtime in runtimes_here()
        if runtime != PYTORCH
    }
    model = load_segmenter(folder)
    found = {runtime: evaluate_masks(model, unseen, run=runs.get(runtime))["f1"] for runtime in runtimes_here()}
    return found, len(unseen)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=Path, default=SHARED / "data" / "deepcrack" / "images")
    parser.add_argument("--masks", type=Path, default=SHARED / "data" / "deepcrack" / "masks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    reuse_freed_memory()
    head_line(f"networks that draw masks, a megapixel, the best of {given.rounds} rounds")
    print(f"  others use {100 * look(2):.0f} % of the processor now")
    folders, unpruned = segmenters(given.out), given.out / candidate_name(UNPRUNED, SEGMENTED)
    titles = [TITLES[runtime] for runtime in runtimes_here()]
    print(f"  {'F1':24}" + "".join(f"{title:>30}" for title in titles))
    for folder in folders:
        found, photographs = qualities(folder, given.images, given.masks)
        print(f"  {folder.name:24}" + "".join(f"{value:>30.4f}" for value in found.values()), end="")
        print(f"   of {photographs} photographs", flush=True)
    times: dict[tuple[Path, str, int], float] = {}
    for _ in range(given.rounds):
        for folder in folders:
            for runtime in runtimes_here():
                for threads in given.threads:
                    key = (folder, runtime, threads)
                    times[key] = min(times.get(key, float("inf")), time_once(folder, threads, runtime)["median_ms"])
    for threads in given.threads:
        print(f"  {f'ms, {threads} thread(s)':24}" + "".join(f"{title:>30}" for title in titles))
        for folder in folders:
            cells = []
            for runtime in runtimes_here():
                own, whole = times[folder, runtime, threads], times.get((unpruned, runtime, threads))
                cells.append(f"{own:.1f}" + (f" (1/{whole / own:.1f})" if whole and folder != unpruned else ""))
            print(f"  {folder.name:24}" + "".join(f"{cell:>30}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
