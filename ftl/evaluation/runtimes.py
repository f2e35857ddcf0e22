"""Runtimes: what a network can be timed in, and the files of its folder that belong to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ftl.errors import FtlError
from ftl.models.layout import TIME
from ftl.openvino import has_openvino

PYTORCH, ONNX, INT8 = "pytorch", "onnx", "int8"
OPENVINO, OPENVINO_BF16, OPENVINO_INT8 = "openvino", "openvino-bf16", "openvino-int8"

FLOAT32, BFLOAT16, INTEGERS = "float32", "bfloat16", "8-bit integers"


class Runtime(NamedTuple):
    """A program that computes networks, and the numbers that it computes with."""

    program: str
    numbers: str = FLOAT32

    @property
    def title(self) -> str:
        """What it is called in charts."""
        return self.program if self.numbers == FLOAT32 else f"{self.program}, {self.numbers}"


RUNTIMES = {
    PYTORCH: Runtime("PyTorch"),
    ONNX: Runtime("ONNX Runtime"),
    INT8: Runtime("ONNX Runtime", INTEGERS),
    OPENVINO: Runtime("OpenVINO"),
    OPENVINO_BF16: Runtime("OpenVINO", BFLOAT16),
    OPENVINO_INT8: Runtime("OpenVINO", INTEGERS),
}

TITLES = {name: runtime.title for name, runtime in RUNTIMES.items()}
"""All runtimes, and what they are called in charts."""

IN_FLOAT32 = {INT8: ONNX, OPENVINO_BF16: OPENVINO, OPENVINO_INT8: OPENVINO}
"""The same program in float32, of those that compute with other numbers."""

IN_OPENVINO = (OPENVINO, OPENVINO_BF16, OPENVINO_INT8)

TIMES = {name: TIME if name == PYTORCH else f"time-{name}.json" for name in RUNTIMES}
"""Where a network's folder keeps the times taken."""

NETWORKS = {
    name: "network-int8.onnx" if runtime.numbers == INTEGERS else "network.onnx"
    for name, runtime in RUNTIMES.items()
    if name != PYTORCH
}
"""What is run: from the preprocessed tensor to probabilities, of each pixel where it draws masks."""

FIGURES = {name: f"{name}.json" for name in NETWORKS}
"""What a network is worth there. ONNX Runtime classifies in float32 as PyTorch does, so a classifier has none of it."""


def check_runtimes(runtimes: Sequence[str]) -> list[str]:
    """The runtimes in their order, PyTorch always among them. Raises `FtlError` for one that this machine lacks."""
    if strangers := [runtime for runtime in runtimes if runtime not in TITLES]:
        raise FtlError(f"there is no runtime {strangers[0]!r}: choose from {', '.join(TITLES)}")
    for runtime in runtimes:
        if lacks := lacking(runtime):
            raise FtlError(f"{TITLES[runtime]} cannot be measured: {lacks}")
    return [runtime for runtime in TITLES if runtime == PYTORCH or runtime in runtimes]


def runtimes_here() -> list[str]:
    """The runtimes that this machine has."""
    return [runtime for runtime in TITLES if not lacking(runtime)]


def lacking(runtime: str) -> str:
    """What this machine lacks for a runtime; empty where it lacks nothing."""
    if runtime not in IN_OPENVINO:
        return ""
    if not has_openvino():
        return 'OpenVINO is not installed here: pip install "ftl-studio[openvino]"'
    if runtime == OPENVINO_BF16 and not _has_bfloat16():
        return "this processor does not compute in bfloat16"
    return ""


def _has_bfloat16() -> bool:
    import torch

    from ftl.device import multiplies_bfloat16

    return multiplies_bfloat16(torch.device("cpu"))
