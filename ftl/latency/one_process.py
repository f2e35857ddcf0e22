"""One take of one network's latency, in a process of its own: warm, batch 1, fixed threads.

Several networks in one process were seen to reverse their ranking, so each is timed in its own, one after the other.
The processes are forked from one that has loaded torch and computed nothing, which saves seconds for each network.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from ftl.errors import FtlError
from ftl.evaluation.runtimes import IN_OPENVINO, NETWORKS, PYTORCH, RUNTIMES
from ftl.files import machine
from ftl.latency import machine_load
from ftl.latency.rounds import ROUNDS
from ftl.openvino import load_openvino

SECONDS = float(os.environ.get("FTL_TIMING_SECONDS", "4"))
"""How long one network is run in all rounds of `ftl.latency.rounds` together."""

TAKE_SECONDS = SECONDS / ROUNDS
"""How long it is run in one take, within `LEAST_RUNS` and `MOST_RUNS` runs; an eighth of it more to warm up."""

PATIENCE = float(os.environ["FTL_TIMING_PATIENCE"]) if "FTL_TIMING_PATIENCE" in os.environ else None
"""Seconds for timing unstable networks again, with the waits for a quiet machine; None: as many as the rounds took."""

WARM_SECONDS, WARM_RUNS = TAKE_SECONDS / 8, 3
LEAST_RUNS, MOST_RUNS = 5, 200

MEGAPIXEL = (int(os.environ.get("FTL_TIMING_SIDE", "1000")),) * 2
"""The photograph, (height, width), that a network which draws masks is timed on."""

_IDLE_SECONDS = 120.0  # after which the process that forks leaves; another would take seconds to load torch again

_lock = threading.Lock()
_forker: subprocess.Popen[str] | None = None


def time_once(folder: Path, threads: int | None = None, runtime: str = PYTORCH) -> dict[str, Any]:
    """Time a network and its head once, in a process of its own, on one image that is already a tensor.

    Within the time, in every runtime alike: from the preprocessed tensor, float32 (1, 3, size, size) in memory, through
    network and head to the probabilities. Outside: reading, resizing and normalising the photograph, loading the
    network. A network that draws masks is timed on a photograph of one megapixel, `MEGAPIXEL`. A runtime other than
    PyTorch takes the folder's file of `ftl.evaluation.runtimes.NETWORKS`, and as many threads as PyTorch would.

    Waits for whoever takes a time on this machine: two at once would spoil each other's.
    Returns the fields of `ftl.latency.rounds.Take`, `threads`, `machine` and `runtime`. Raises `FtlError` when it
    fails.
    """
    request = json.dumps([str(folder.absolute()), threads, runtime])
    alone = FileLock(Path(tempfile.gettempdir()) / f"ftl-timing-{os.getuid()}.lock")  # let go of whoever is killed
    with _lock, alone:
        answer = _ask(request) or _ask(request)  # it may have left just now
    result: dict[str, Any] = json.loads(answer or '{"error": "its process was ended from outside"}')
    if "error" in result:
        raise FtlError(f"{folder} could not be timed: {result['error']}")
    return result


def _ask(request: str) -> str:
    """The answer to a request; empty when the process that forks is gone."""
    global _forker
    if _forker is None or _forker.poll() is not None:
        command = [sys.executable, "-m", "ftl.latency.one_process"]
        _forker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    assert _forker.stdin is not None
    assert _forker.stdout is not None
    answer = ""
    with contextlib.suppress(BrokenPipeError):
        print(request, file=_forker.stdin)
        answer = _forker.stdout.readline()
    if not answer:
        _forker.kill()
        _forker.wait()
    return answer


def _fork_for_each() -> None:
    """Answer requests, each by a process of its own, until none comes for a while or whoever asks is gone."""
    gc.disable()  # looking for garbage takes a sixth of the time that torch takes to load, and there is none
    import ftl.models.classifier
    import ftl.models.segmenter_files  # noqa: F401  # so that no child loads them

    gc.freeze()
    gc.enable()
    while select.select([sys.stdin], [], [], _IDLE_SECONDS)[0] and (request := os.read(0, 1 << 16)):
        folder, threads, runtime = json.loads(request)
        if runtime in IN_OPENVINO:
            with contextlib.suppress(ImportError):  # of which the child tells
                load_openvino()  # so that no child loads it anew
        if not (child := os.fork()):
            try:
                answer = _measure(Path(folder), threads, runtime)
            except Exception as error:
                answer = {"error": str(error) or type(error).__name__}
            print(json.dumps(answer), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print(json.dumps({"error": "its process was ended from outside, perhaps for want of memory"}), flush=True)


def _measure(folder: Path, threads: int | None, runtime: str) -> dict[str, Any]:
    import torch

    from ftl.memory import reuse_freed_memory

    reuse_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    threads, times = torch.get_num_threads(), list[float]()
    if runtime == PYTORCH:
        work, version = _in_pytorch(folder)
    elif runtime in IN_OPENVINO:
        work, version = _in_openvino(folder / NETWORKS[runtime], threads, RUNTIMES[runtime].numbers)
    else:
        work, version = _in_onnx_runtime(folder / NETWORKS[runtime], threads)

    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    beside = machine_load.look()
    with torch.inference_mode():
        begin = time.perf_counter()
        warm = 0
        while warm < WARM_RUNS or time.perf_counter() - begin < WARM_SECONDS:
            run()
            warm += 1
        before, begin = machine_load.read(), time.perf_counter()
        while len(times) < LEAST_RUNS or (len(times) < MOST_RUNS and time.perf_counter() - begin < TAKE_SECONDS):
            times.append(run() * 1000)
        meanwhile = machine_load.others(before, machine_load.read())
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "median_ms": median,
        "q1_ms": low,
        "q3_ms": high,
        "runs": len(times),
        "others": max(beside, meanwhile),
        "threads": threads,
        "machine": machine(),
        "runtime": version,
    }


def _in_pytorch(folder: Path) -> tuple[Callable[[], object], str]:
    """A function that computes one answer in PyTorch, and the name of this version of it."""
    import torch

    from ftl.models.classifier import load_model
    from ftl.models.head import features_from
    from ftl.models.segmenter_files import draws_masks, load_segmenter

    if draws_masks(folder):
        segmenter = load_segmenter(folder)
        pixels = segmenter.network.preprocess.normalised(_photograph(MEGAPIXEL)[None])
        return lambda: segmenter.probabilities(pixels), f"PyTorch {torch.__version__}"
    model = load_model(folder)
    size = model.network.preprocess.size
    x = model.network.preprocess([_photograph((size, size))])

    def work() -> object:
        return model.head.probabilities(features_from(model.network(x), pooled=model.head.pooled))

    return work, f"PyTorch {torch.__version__}"


def _photograph(shape: tuple[int, int]) -> Any:
    """Noise of a shape (height, width), RGB uint8: what takes a network long or short is not what it shows."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _in_onnx_runtime(file: Path, threads: int) -> tuple[Callable[[], object], str]:
    """A function that computes one answer in ONNX Runtime, and the name of this version of it."""
    import numpy as np
    import onnxruntime

    from ftl.exporting.onnx import session

    running = session(file.read_bytes(), threads)
    (takes,) = running.get_inputs()
    shape = takes.shape if isinstance(takes.shape[-1], int) else (1, 3, *MEGAPIXEL)  # one that draws takes any
    x = np.random.default_rng(0).normal(0, 50, shape).astype(np.float32)
    return lambda: running.run(None, {takes.name: x}), f"ONNX Runtime {onnxruntime.__version__}"


def _in_openvino(file: Path, threads: int, numbers: str) -> tuple[Callable[[], object], str]:
    """A function that computes one answer in OpenVINO, and its version with the numbers that it computes with."""
    import numpy as np

    from ftl.exporting.openvino import answering, compiled, ran_in

    running = compiled(file.read_bytes(), numbers, threads, MEGAPIXEL)
    x = np.random.default_rng(0).normal(0, 50, running.input(0).shape).astype(np.float32)
    answer = answering(running)
    version = load_openvino().__version__.split("-")[0]
    return lambda: answer(x), f"OpenVINO {version}, convolutions in {ran_in(running)}"


if __name__ == "__main__":
    _fork_for_each()
