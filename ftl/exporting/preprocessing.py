"""The preprocessing as ONNX nodes, so that a program that runs the file need know nothing of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ftl.models.preprocess import KINDS, Preprocess

IMAGE, TENSOR, PROBABILITIES = "image", "tensor", "probabilities"
"""Names of a whole model's input, of what the network itself takes, and of the output."""


def nodes(preprocess: Preprocess) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from `image`, uint8 RGB (1, height, width, 3) of any size, to `tensor` float32 NCHW.

    To the bit what `Preprocess` computes, on which photograph ever.
    """
    from onnx import TensorProto, helper, numpy_helper

    size, kind = preprocess.size, KINDS[preprocess.kind]
    chain: list[Any] = []
    # ONNX's Resize rounds where two pixels are equally near otherwise than Pillow, which adds up steps as doubles: so
    # do these
    steps = np.ones(size)
    steps[0] = 0.5
    constants: dict[str, Any] = {
        "front_steps": steps,
        "front_side": np.float64(size),
        "front_first": np.int64(0),
        "front_channels": np.array([2, 1, 0] if kind.bgr else [0, 1, 2]),
        "front_scale": np.float32(kind.scale),
        "front_mean": np.array(kind.mean, np.float32),
        "front_std": np.array(kind.std, np.float32),
    }

    def then(operator: str, inputs: list[str], **attributes: Any) -> str:
        output = f"front_{len(chain)}"
        chain.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    last = IMAGE
    for axis in (1, 2):
        length = then("Cast", [then("Shape", [IMAGE], start=axis, end=axis + 1)], to=TensorProto.DOUBLE)
        positions = then("CumSum", [then("Mul", [then("Div", [length, "front_side"]), "front_steps"]), "front_first"])
        last = then("Gather", [last, then("Cast", [positions], to=TensorProto.INT64)], axis=axis)
    last = then("Cast", [then("Gather", [last, "front_channels"], axis=3)], to=TensorProto.FLOAT)
    if kind.scale != 1.0:
        last = then("Mul", [last, "front_scale"])
    if kind.mean != (0.0, 0.0, 0.0):
        last = then("Sub", [last, "front_mean"])
    if kind.std != (1.0, 1.0, 1.0):
        last = then("Div", [last, "front_std"])
    chain.append(helper.make_node("Transpose", [last], [TENSOR], name=TENSOR, perm=[0, 3, 1, 2]))
    used = {name for node in chain for name in node.input}
    return chain, [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used]
