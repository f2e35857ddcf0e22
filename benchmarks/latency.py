"""Times on a busy machine: are they told to be unstable, and do they still order networks as times on a quiet one do?

python -m benchmarks.latency [--threads 1 2]

Ten networks, VGG16 cut to a tenth and more, are timed as a sweep times them: on the machine as it is, which should be
quiet, and beside a spinning program for each core, once with the usual priority and once with the lowest. Told are
Spearman's rank correlation with the first order (aim 0.9), how many are flagged (aim none, then all), and how many
times as long the slowest figure is as on the quiet machine. Takes about a minute for each number of threads and load.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from benchmarks._material import head_line, scratch, vgg16
from ftl.files import read_json
from ftl.latency.machine_load import look
from ftl.latency.networks import time_all
from ftl.models.classifier import write_head
from ftl.models.head import Head
from ftl.models.layout import TIME
from ftl.models.network_folder import write_network
from ftl.pruning.surgery import prune

KEEP = (0.1, 0.13, 0.17, 0.22, 0.28, 0.36, 0.46, 0.6, 0.77, 1.0)


def networks() -> list[Path]:
    """Folders of VGG16 with the first filters of each layer, and a head."""
    folder, whole = scratch(), vgg16()
    made = []
    for keep in KEEP:
        network = prune(
            whole, {name: [*range(round(keep * conv.out_channels))] for name, conv in whole.convolutions().items()}
        )
        last = [*network.convolutions().values()][-1]
        made.append(folder / f"keep-{keep:g}")
        write_network(made[-1], network, [], keep, {})
        width = last.out_channels * (network.preprocess.size // 32) ** 2
        write_head(made[-1], Head(np.zeros((1, width), np.float32), np.zeros(1, np.float32), ("Background", "Crack")))
    return made


@contextlib.contextmanager
def busy(niceness: int) -> Iterator[None]:
    """A spinning program for each core, until the block ends."""
    command = ["nice", "-n", str(niceness), sys.executable, "-c", "while True: pass"]
    spinning = [subprocess.Popen(command) for _ in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def times(folders: list[Path], threads: int) -> tuple[list[float], list[str], float]:
    """Milliseconds of each network, why it is not to be relied on, and the seconds that all took."""
    for folder in folders:
        (folder / TIME).unlink(missing_ok=True)
    begin = time.perf_counter()
    time_all(folders, threads)
    taken = [read_json(folder / TIME) for folder in folders]
    return [one["median_ms"] for one in taken], [one["unstable"] for one in taken], time.perf_counter() - begin


def main() -> None:
    """Print a table of times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, nargs="+", default=[1, len(os.sched_getaffinity(0))])
    given = parser.parse_args()
    head_line("times beside other programs")
    print(f"  others use {100 * look(2):.0f} % of the processor now")
    folders = networks()
    for threads in given.threads:
        quiet, flags, seconds = times(folders, threads)
        print(f"  {threads} thread(s)   ms of keep {', '.join(f'{keep:g}' for keep in KEEP)}")
        _row("quiet", quiet, flags, seconds, quiet)
        for name, niceness in (("busy", 0), ("busy, niced", 19)):
            with busy(niceness):
                _row(name, *times(folders, threads), quiet)


def _row(name: str, found: list[float], flags: list[str], seconds: float, quiet: list[float]) -> None:
    rank = spearmanr(quiet, found).statistic
    print(
        f"  {name:12}{' '.join(f'{ms:7.1f}' for ms in found)}   Spearman {rank:.3f}, {sum(map(bool, flags))} of "
        f"{len(flags)} flagged, up to {max(np.divide(found, quiet)):.1f} times, {seconds:.0f} s; "
        f"{next(filter(None, flags), '')}",
        flush=True,
    )


if __name__ == "__main__":
    main()
