"""Networks of ONNX files in OpenVINO, on the processor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ftl.evaluation.runtimes import BFLOAT16, FLOAT32
from ftl.openvino import load_openvino

Answer = Callable[[np.ndarray], np.ndarray]
"""What a network says of one input; its first output, both with a batch axis."""


def compiled(
    content: bytes, numbers: str = FLOAT32, threads: int | None = None, sides: tuple[int, int] | None = None
) -> Any:
    """An ONNX file as OpenVINO runs it.

    Args:
        content: the file's.
        numbers: what it computes with where the file does not say, `FLOAT32` or `BFLOAT16`; OpenVINO's own choice would
            depend on the processor. Layers that the file has in 8-bit integers are computed so.
        threads: within one input, by default as many as cores.
        sides: height and width of its input, where the file leaves them open; OpenVINO is faster where it knows them.
    """
    core = load_openvino().Core()
    model = core.read_model(content)
    if sides is not None and model.input(0).partial_shape.is_dynamic:
        model.reshape([1, 3, *sides])
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "bf16" if numbers == BFLOAT16 else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # of two processes on one machine, both would be tied to the same cores
    }
    return core.compile_model(model, "CPU", settings | ({} if threads is None else {"INFERENCE_NUM_THREADS": threads}))


def answering(running: Any) -> Answer:
    """What computes one input after the other."""
    request = running.create_infer_request()

    def answer(value: np.ndarray) -> np.ndarray:
        request.infer([value], share_inputs=True)
        return np.array(request.get_output_tensor(0).data)

    return answer


def ran_in(running: Any) -> str:
    """The numbers that a compiled network's convolutions are computed with, as OpenVINO calls them, most of them first.

    A processor that has no bfloat16 computes with others, whatever was asked for.
    """
    layers = [layer.get_rt_info() for layer in running.get_runtime_model().get_ops()]
    used = Counter(
        str(layer["runtimePrecision"].astype(str))
        for layer in layers
        if str(layer["layerType"].astype(str)) == "Convolution"
    )
    return ", ".join(numbers for numbers, _ in used.most_common())
