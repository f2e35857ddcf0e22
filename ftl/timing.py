"""Inference time, measured alone: one network to a process, warm, batch 1, fixed threads.

Several networks in one process were seen to reverse their ranking, so each is timed by
`python -m ftl.timing FOLDER`, one after the other.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ftl.errors import FtlError
from ftl.files import machine

WARM_SECONDS, WARM_RUNS = 0.5, 5
SECONDS, LEAST_RUNS, MOST_RUNS = 8.0, 15, 200


def time_network(folder: Path, threads: int | None = None) -> dict[str, Any]:
    """Time a network and its head, in a process of its own, on one image that is already a tensor.

    Returns `median_ms`, `q1_ms`, `q3_ms`, `runs`, `threads`, `machine`, `runtime`. Raises `FtlError` when it fails.
    """
    command = [sys.executable, "-m", "ftl.timing", str(folder), *([] if threads is None else [str(threads)])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise FtlError(f"{folder} could not be timed: {last[0]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _measure(folder: Path, threads: int | None) -> dict[str, Any]:
    import numpy as np
    import torch

    from ftl.memory import reuse_freed_memory
    from ftl.model import load_model

    reuse_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    model = load_model(folder)
    size = model.network.preprocess.size
    image = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    x = model.network.preprocess([image])
    times: list[float] = []

    def run() -> float:
        start = time.perf_counter()
        model.head.probabilities(model.network(x).permute(0, 2, 3, 1).flatten(1).numpy())
        return time.perf_counter() - start

    with torch.inference_mode():
        begin = time.perf_counter()
        warm = 0
        while warm < WARM_RUNS or time.perf_counter() - begin < WARM_SECONDS:
            run()
            warm += 1
        begin = time.perf_counter()
        while len(times) < LEAST_RUNS or (len(times) < MOST_RUNS and time.perf_counter() - begin < SECONDS):
            times.append(run() * 1000)
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "median_ms": median,
        "q1_ms": low,
        "q3_ms": high,
        "runs": len(times),
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "runtime": f"PyTorch {torch.__version__}",
    }


if __name__ == "__main__":
    json.dump(_measure(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None), sys.stdout)
