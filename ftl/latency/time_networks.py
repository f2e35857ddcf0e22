"""Time the networks of this folder on this machine, as `ftl test` does; the result is a file for `ftl choose --times`.

    python time_networks.py [--name "Raspberry Pi 5"] [--threads N] [--networks NAME...]

Needs numpy, and onnxruntime or openvino, and nothing else: of these, all that are installed are timed. Each network is
timed alone in a process of its own, on one image, in rounds over all networks in another order each time. Let nothing
else run meanwhile. What is timed is written at once; on Linux also how much of the processor other programs used.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@cache
def kit() -> dict[str, Any]:
    """Which networks there are, by name the files of each runtime; and how they are timed (`ftl.latency.rounds`)."""
    return dict(json.loads((HERE / "kit.json").read_text(encoding="utf-8")))


def running(file: Path, runtime: str, threads: int) -> tuple[Callable[[], object], str]:
    """A function that computes one answer, and what computes it."""
    import numpy

    sides = kit()["megapixel"]  # of networks that draw masks, which take photographs of any size
    if runtime.startswith("openvino"):
        import openvino

        core = openvino.Core()
        model = core.read_model(str(file))
        if model.input(0).partial_shape.is_dynamic:
            model.reshape([1, 3, *sides])
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if runtime == "openvino-bf16" else "f32", "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False, "INFERENCE_NUM_THREADS": threads,
        }  # fmt: skip
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        x = numpy.random.default_rng(0).normal(0, 50, list(model.input(0).shape)).astype(numpy.float32)
        return lambda: request.infer([x], share_inputs=True), "OpenVINO " + openvino.__version__.split("-")[0]
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    (takes,) = session.get_inputs()
    shape = takes.shape if isinstance(takes.shape[-1], int) else [1, 3, *sides]
    x = numpy.random.default_rng(0).normal(0, 50, shape).astype(numpy.float32)
    return lambda: session.run(None, {takes.name: x}), "ONNX Runtime " + onnxruntime.__version__


def load() -> tuple[float, float]:
    """Seconds that the processor was busy, and seconds in all, of all cores since the start; nothing but on Linux."""
    try:
        with open("/proc/stat", encoding="ascii") as stat:
            ticks = [float(number) for number in stat.readline().split()[1:9]]
    except OSError:
        return 0.0, 0.0
    second = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / second, sum(ticks) / second


def take(file: Path, runtime: str, threads: int) -> None:
    """Print one take: the quartiles of as many runs as fit into its time."""
    work, version = running(file, runtime, threads)

    def once() -> float:
        begin = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - begin)

    seconds, begin = kit()["seconds"] / kit()["rounds"], time.perf_counter()
    warm = [once() for _ in range(3)]
    while time.perf_counter() - begin < seconds / 8:
        warm.append(once())
    (busy, passed), own = load(), time.process_time()
    times, begin = list[float](), time.perf_counter()
    while len(times) < 5 or (len(times) < 200 and time.perf_counter() - begin < seconds):
        times.append(once())
    after, own = load(), time.process_time() - own
    share = max(0.0, after[0] - busy - own) / (after[1] - passed) if after[1] > passed else 0.0
    low, median, high = statistics.quantiles(times, n=4)
    print(json.dumps({"median_ms": median, "q1_ms": low, "q3_ms": high, "runs": len(times), "others": min(1.0, share),
                      "version": version}))  # fmt: skip


def is_settled(takes: list[dict[str, Any]]) -> bool:
    """Whether two quiet rounds agree with the lowest."""
    quiet = sorted(one["median_ms"] for one in takes if one["others"] <= kit()["quiet"])
    lowest = min((one["median_ms"] for one in takes), default=0.0)
    return len(takes) >= kit()["rounds"] and len(quiet) > 1 and quiet[1] <= lowest * (1 + kit()["close"])


def processor() -> str:
    """What the machine calls its processor, or itself."""
    for file, key in (("/proc/device-tree/model", ""), ("/proc/cpuinfo", "model name")):
        if os.path.exists(file):
            lines = Path(file).read_text(encoding="utf-8", errors="replace").replace("\0", "").splitlines()
            for line in lines:
                if line.startswith(key):
                    return line.split(":")[-1].strip()
    return platform.processor() or platform.machine()


def runtimes() -> list[str]:
    """Those of this machine."""
    found = []
    try:
        import onnxruntime  # noqa: F401

        found += ["onnx", "int8"]
    except ImportError:
        pass
    try:
        import openvino

        bfloat16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        found += ["openvino", *(["openvino-bf16"] if bfloat16 else []), "openvino-int8"]
    except ImportError:
        pass
    if not found:
        sys.exit("neither onnxruntime nor openvino is installed: python -m pip install onnxruntime numpy")
    return found


def main() -> None:
    """Time all networks in rounds, and write the result."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # OpenVINO would report its use through it
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--name", default=processor(), help="what this machine is called (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=cores, help="within one image (default: %(default)s, all cores)")
    parser.add_argument("--networks", nargs="+", choices=list(kit()["networks"]), default=list(kit()["networks"]))
    parser.add_argument("--out", type=Path, default=HERE / "times.json", help="the file to write (default: times.json)")
    parser.add_argument("--take", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.take:
        take(HERE / given.take[0], given.take[1], given.threads)
        return
    here = runtimes()
    takes: dict[tuple[str, str], list[dict[str, Any]]] = {
        (name, runtime): [] for name in given.networks for runtime in here if runtime in kit()["networks"][name]
    }
    system = f"{platform.system()} {platform.release()}"
    on = {"name": given.name, "processor": processor(), "cores": cores, "system": system}
    versions, order = dict[str, str](), random.Random(0)
    for number in range(kit()["most_rounds"]):
        left = [key for key, found in takes.items() if not is_settled(found)]
        for done, (name, runtime) in enumerate(order.sample(left, len(left))):
            print(f"round {number + 1}: {done + 1} of {len(left)}, {name} in {runtime}", file=sys.stderr)
            file = kit()["networks"][name][runtime]["file"]
            command = [sys.executable, __file__, "--threads", str(given.threads), "--take", file, runtime]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode())
            versions[runtime] = found.pop("version")
            takes[name, runtime].append(found)
        rows: dict[str, dict[str, Any]] = {}
        for (name, runtime), rounds in takes.items():
            own = {"sha256": kit()["networks"][name][runtime]["sha256"], "rounds": rounds}
            rows.setdefault(name, {})[runtime] = own
        result = {"machine": on, "threads": given.threads, "runtimes": versions, "networks": rows}
        given.out.write_text(json.dumps(result, indent=1), encoding="utf-8")
    for (name, runtime), rounds in takes.items():
        print(f"{name:28} {runtime:14} {min(one['median_ms'] for one in rounds):10.2f} ms")
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
