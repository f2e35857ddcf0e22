"""Which runtime a network is fastest in, and best against best."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from ftl.errors import FtlError
from ftl.evaluation import runtimes
from ftl.evaluation.candidate import Candidate, in_runtime
from ftl.evaluation.fastest import best_against_best, fastest, slower_than_float32
from ftl.evaluation.runtimes import FIGURES, NETWORKS, TIMES, TITLES, check_runtimes


def candidate(name: str, ms: float, **elsewhere: dict[str, Any]) -> Candidate:
    its = {runtime.replace("_", "-"): figures for runtime, figures in elsewhere.items()}
    return Candidate(
        name=name, keep=0.1, parameters=100, accuracy=0.95, f1=0.95, recall=0.95, time_ms=ms, size_mb=1.0,
        right=(True,) * 100, runtimes=its,
    )  # fmt: skip


PRUNED = candidate(
    "keep-0.1", 2.6, onnx={"time_ms": 1.33}, int8={"time_ms": 2.55, "accuracy": 0.95},
    openvino={"time_ms": 1.2, "accuracy": 0.95}, openvino_bf16={"time_ms": 0.9, "accuracy": 0.92},
    openvino_int8={"time_ms": 1.1, "accuracy": 0.93},
)  # fmt: skip
UNPRUNED = candidate("base", 260, onnx={"time_ms": 270.0}, int8={"time_ms": 90.0, "accuracy": 0.9})


def test_what_loses_accuracy_is_not_the_fastest() -> None:
    assert fastest(PRUNED) == ("openvino-int8", 1.1)  # bfloat16 loses three points
    assert fastest(UNPRUNED) == ("pytorch", 260)  # 8-bit integers lose five
    few = replace(PRUNED, right=(True,) * 40)  # of which one and a half are more than three points
    assert fastest(few) == ("openvino-bf16", 0.9)


def test_best_is_told_against_best() -> None:
    times, words = best_against_best(PRUNED, UNPRUNED)
    assert times == pytest.approx(260 / 1.1)
    assert words == "each in its fastest runtime: 1.1 ms in OpenVINO, 8-bit integers against 260 ms in PyTorch"
    alike = candidate("base", 260, openvino_int8={"time_ms": 44.0, "accuracy": 0.95})
    assert best_against_best(PRUNED, alike)[1] == "1.1 against 44 ms, both fastest in OpenVINO, 8-bit integers"
    plain = candidate("keep-0.5", 130), candidate("base", 260)
    assert best_against_best(*plain) == (2.0, "130 against 260 ms")


@pytest.mark.parametrize("runtime", ["onnx", "int8", "openvino-int8"])
def test_it_is_the_same_whichever_runtime_is_shown(runtime: str) -> None:
    """Also of ONNX Runtime, which has no accuracy of its own: it classifies as PyTorch does."""
    (shown,) = in_runtime([PRUNED], runtime)
    assert shown.time_ms == PRUNED.runtimes[runtime]["time_ms"]
    assert fastest(shown) == fastest(PRUNED)
    assert slower_than_float32(shown) == slower_than_float32(PRUNED)
    (bad,) = in_runtime([UNPRUNED], "int8")
    assert (bad.accuracy, fastest(bad)) == (0.9, ("pytorch", 260))


def test_numbers_that_do_not_pay_are_told() -> None:
    assert slower_than_float32(PRUNED) == [
        "8-bit integers are slower than float32 in ONNX Runtime (2.55 against 1.33 ms)"
    ]
    slow = candidate("a", 1, openvino={"time_ms": 0.5}, openvino_bf16={"time_ms": 0.6})
    assert slower_than_float32(slow) == ["bfloat16 is slower than float32 in OpenVINO (0.6 against 0.5 ms)"]
    assert slower_than_float32(UNPRUNED) == []


def test_a_runtime_that_is_not_here_is_refused_with_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "has_openvino", lambda: False)
    assert runtimes.runtimes_here() == ["pytorch", "onnx", "int8"]
    with pytest.raises(
        FtlError, match=r"^OpenVINO, 8-bit .* not installed here: pip install \"ftl-studio\[openvino\]\""
    ):
        check_runtimes(["openvino-int8"])
    monkeypatch.setattr(runtimes, "has_openvino", lambda: True)
    monkeypatch.setattr(runtimes, "_has_bfloat16", lambda: False)
    assert check_runtimes(["openvino"]) == ["pytorch", "openvino"]
    with pytest.raises(FtlError, match="this processor does not compute in bfloat16"):
        check_runtimes(["openvino-bf16"])


def test_openvino_reports_nothing_of_its_use() -> None:
    code = (
        "import sys; from ftl.openvino import load_openvino; load_openvino().Core(); "
        "print(sys.modules['openvino_telemetry'], type(sys.modules['openvino.tools.ovc'].telemetry).__module__)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "None openvino.tools.ovc.telemetry_stub\n"


def test_each_runtime_has_its_own_files() -> None:
    for files in (TIMES, FIGURES):
        assert len({*files.values()}) == len(files)
    assert (TIMES["pytorch"], TIMES["int8"], FIGURES["int8"]) == ("time.json", "time-int8.json", "int8.json")
    assert NETWORKS["openvino"] == NETWORKS["openvino-bf16"] == NETWORKS["onnx"] == "network.onnx"
    assert NETWORKS["openvino-int8"] == NETWORKS["int8"] == "network-int8.onnx"
    assert len({*TITLES.values()}) == len(TITLES)
