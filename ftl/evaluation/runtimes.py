"""Runtimes: what a network can be timed in, and the files of its folder that belong to each."""

from __future__ import annotations

from collections.abc import Sequence

from ftl.errors import FtlError
from ftl.models.layout import TIME

PYTORCH, ONNX, INT8 = "pytorch", "onnx", "int8"

TITLES = {PYTORCH: "PyTorch", ONNX: "ONNX Runtime", INT8: "ONNX Runtime, 8-bit integers"}
"""All runtimes, and what they are called in charts."""

TIMES = {PYTORCH: TIME, ONNX: "time-onnx.json", INT8: "time-int8.json"}
"""Where a network's folder keeps the times taken."""

NETWORKS = {ONNX: "network.onnx", INT8: "network-int8.onnx"}
"""What ONNX Runtime runs: from the preprocessed tensor to probabilities, of each pixel where it draws masks."""

FIGURES = {ONNX: "onnx.json", INT8: "int8.json"}
"""What a network is worth there: in 8-bit integers, and of one that draws masks also in float32."""


def check_runtimes(runtimes: Sequence[str]) -> list[str]:
    """The runtimes in their order, PyTorch always among them. Raises `FtlError` for one that there is not."""
    if strangers := [runtime for runtime in runtimes if runtime not in TITLES]:
        raise FtlError(f"there is no runtime {strangers[0]!r}: choose from {', '.join(TITLES)}")
    return [runtime for runtime in TITLES if runtime == PYTORCH or runtime in runtimes]
