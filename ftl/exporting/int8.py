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

from ftl.backbones.preprocess import Preprocess
from ftl.errors import FtlError
from ftl.exporting import front
from ftl.exporting.balance import balanced, shift_bias
from ftl.exporting.onnx import quiet, run, session
from ftl.exporting.photographs import Labelled
from ftl.exporting.widen import widened
from ftl.images import read_image
from ftl.progress import Report, silent

METHODS = ("MinMax", "Percentile")
"""How the range of a map is found, the quickest first. "Entropy" took as long as "Percentile" and was no closer."""

MOST_LOST = 0.02
"""An 8-bit network that gets more of the validation images wrong than its original, by this share, is none."""

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
        return {front.TENSOR: self.tensors[self.at - 1][np.newaxis]}


def quantised(core: Any, tensors: Sequence[np.ndarray], method: str = "MinMax") -> Any:
    """A network of `ftl.exporting.onnx.core` in 8-bit integers: balanced (`ftl.exporting.balance`), channels filled up
    (`ftl.exporting.widen`), quantised.

    `tensors`: preprocessed photographs, float32 (3, size, size), that the ranges of maps are found on.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    wide = onnx.shape_inference.infer_shapes(widened(balanced(core, tensors)))
    # says that shapes are inferred and batch norms folded, which quantize_static warns of otherwise
    onnx.helper.set_model_props(wide, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as scratch, quiet():
        before, after = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        onnx.save(wide, before)
        quantize_static(
            before,
            after,
            _Reader(tensors),  # type: ignore[arg-type]  # it asks for no more than these methods
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_OPERATORS,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[method],
            extra_options={"CalibStridedMinMax": 1, "CalibPercentile": _PERCENTILE},
        )
        made = onnx.load(after)
    shift_bias(made, core, tensors)
    return made


def choose_quantised(
    core: Any,
    preprocess: Preprocess,
    calibration: Sequence[Path],
    validation: Labelled,
    least: float,
    report: Report = silent,
) -> tuple[Any, str]:
    """Quantise by the first of `METHODS` that gets as many validation images right as the original.

    If none does, by the one whose probabilities are nearest: accuracies differ by a few images, which are luck.
    `least`: accuracy of the original on them, 0..1. Returns the network and its method's name. Raises `FtlError` when
    more than `MOST_LOST`, and more than one image, is lost.
    """
    tensors = [tensor_of(preprocess, path) for path in calibration]
    wanted = probabilities(core, preprocess, validation.paths)
    tried: list[tuple[float, float, Any, str]] = []
    for done, method in enumerate(METHODS):
        report(done, len(METHODS), f"8-bit integers, ranges by {method}")
        made = quantised(core, tensors, method)
        found = probabilities(made, preprocess, validation.paths)
        right = float(np.mean(found.argmax(1) == validation.labels))
        if right >= least:
            break
        tried.append((float(np.abs(found - wanted).mean()), right, made, method))
    else:
        _, right, made, method = min(tried, key=lambda one: one[0])
    report(len(METHODS), len(METHODS), "8-bit integers")
    if least - right > max(MOST_LOST, 1.5 / len(validation.paths)):
        raise FtlError(
            f"in 8-bit integers the network gets {100 * right:.1f} % of the validation images right instead of "
            f"{100 * least:.1f} %: take it home in float32"
        )
    return made, method


def tensor_of(preprocess: Preprocess, path: Path) -> np.ndarray:
    """A photograph as the network wants it, float32 (3, size, size)."""
    return preprocess([read_image(path)])[0].contiguous().numpy()


def probabilities(core: Any, preprocess: Preprocess, paths: Sequence[Path]) -> np.ndarray:
    """What a network says of photographs, (n, classes)."""
    running = session(core.SerializeToString())
    return np.array([run(running, tensor_of(preprocess, path)) for path in paths])
