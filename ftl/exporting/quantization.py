"""8-bit integers: static quantisation of the network, calibrated on photographs that it was trained with.

Weights are quantised by filter, maps by tensor, both through QDQ nodes that ONNX Runtime turns into 8-bit convolutions;
preprocessing and head stay in float32.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ftl.data.images import read_image
from ftl.exporting import preprocessing
from ftl.exporting.alone import alone
from ftl.exporting.equalization import balanced, shift_bias
from ftl.exporting.onnx import run, session
from ftl.exporting.padding import widened
from ftl.models.preprocess import Preprocess
from ftl.progress import Report, silent

WAYS = (("MinMax", 0.0), ("Percentile", 0.0), ("MinMax", 0.25), ("MinMax", 0.5))
"""How the ranges of maps are found, and which share of the convolutions, the last ones, stays in float32; the fastest
networks first.

The last maps of some pruned networks differ between images by less than a step of 8 bits. "Entropy" took as long as
"Percentile" and was no closer.
"""

CLOSE = 0.005
"""Probabilities that differ by this in the mean are close enough: of METU's images about 0.3 % get another answer."""

_OPERATORS = ["Conv", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Add"]
_PERCENTILE = 99.999


class _Reader:
    """Tensors as ONNX Runtime's calibration asks for them; in parts of one, so that maps of one are held at a time."""

    def __init__(self, tensors: Sequence[np.ndarray]) -> None:
        self.tensors = tensors
        self.set_range(0, len(tensors))

    def __len__(self) -> int:
        return len(self.tensors)

    def set_range(self, start_index: int, end_index: int) -> None:
        self.at, self.end = start_index, end_index

    def get_next(self) -> dict[str, np.ndarray] | None:
        if self.at >= self.end:
            return None
        self.at += 1
        return {preprocessing.TENSOR: self.tensors[self.at - 1][np.newaxis]}


def quantised(core: Any, tensors: Sequence[np.ndarray], method: str = "MinMax", floats: float = 0.0) -> Any:
    """A network of `ftl.exporting.onnx.core` in 8-bit integers: equalized, channels padded, quantised.

    `tensors`: preprocessed photographs, float32 (3, size, size), that the ranges of maps are found on. `method`,
    `floats`: as in `WAYS`.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    wide = onnx.shape_inference.infer_shapes(widened(balanced(core, tensors)))
    convolutions = [at for at, node in enumerate(wide.graph.node) if node.op_type == "Conv"]
    kept = round(floats * len(convolutions))
    apart = [node.name for node in wide.graph.node][convolutions[-kept] :] if kept else []
    # says that shapes are inferred and batch norms folded, which quantize_static warns of otherwise
    onnx.helper.set_model_props(wide, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as scratch, alone():
        before, after = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        onnx.save(wide, before)
        quantize_static(
            before,
            after,
            _Reader(tensors),  # type: ignore[arg-type]  # it asks for no more than these methods
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_OPERATORS,
            nodes_to_exclude=apart,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
            extra_options={"CalibStridedMinMax": 1, "CalibPercentile": _PERCENTILE},
        )
        model = onnx.load(after)
    if any(node.op_type == "Gemm" for node in core.graph.node):  # a segmenter has no head to shift
        shift_bias(model, core, tensors)
    return model


def choose_quantised(
    core: Any,
    preprocess: Preprocess,
    calibration: Sequence[Path],
    validation: Sequence[Path],
    report: Report = silent,
) -> tuple[Any, str]:
    """Quantise by the first of `WAYS` that is `CLOSE` to the original on the validation images, or by the closest.

    Not by accuracy: that differs between ways by a few images, which are luck. Returns the network and the way's name.
    """
    tensors = [tensor_of(preprocess, path) for path in calibration]
    wanted = probabilities(core, preprocess, validation)
    tried: list[tuple[float, Any, str]] = []
    for done, (method, floats) in enumerate(WAYS):
        way = method + (f", the last {100 * floats:.0f} % of the layers in float32" if floats else "")
        report(done, len(WAYS), f"8-bit integers by {way}")
        model = quantised(core, tensors, method, floats)
        found = probabilities(model, preprocess, validation)
        tried.append((float(np.abs(found - wanted).mean()), model, way))
        if tried[-1][0] <= CLOSE:
            break
    report(len(WAYS), len(WAYS), "8-bit integers")
    _, model, way = min(tried, key=lambda one: one[0])
    return model, way


def tensor_of(preprocess: Preprocess, path: Path) -> np.ndarray:
    """A photograph as the network wants it, float32 (3, size, size)."""
    return preprocess([read_image(path)])[0].contiguous().numpy()


def probabilities(core: Any, preprocess: Preprocess, paths: Sequence[Path]) -> np.ndarray:
    """What a network says of photographs, (n, classes)."""
    running = session(core.SerializeToString())
    return np.array([run(running, tensor_of(preprocess, path)) for path in paths])
