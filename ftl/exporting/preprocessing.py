"""The preprocessing as ONNX nodes, so that a program that runs the file need know nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ftl.models.preprocess import KINDS, Preprocess

IMAGE, TENSOR, PROBABILITIES = "image", "tensor", "probabilities"
"""Names of a whole model's input, of what the network itself takes, and of the output."""


class Front:
    """Nodes in front of a network, each reading what it names, with their constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def then(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node of one output; the output's name."""
        from onnx import helper

        output = f"front_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Any) -> str:
        """A constant's name, once it is among the constants."""
        self._constants[f"front_{name}"] = value
        return f"front_{name}"

    def constants(self) -> list[Any]:
        """The constants as ONNX tensors."""
        from onnx import numpy_helper

        return [numpy_helper.from_array(np.asarray(value), name) for name, value in self._constants.items()]

    def normalise(self, preprocess: Preprocess, last: str) -> str:
        """From RGB uint8 (1, H, W, 3) to float32 (1, 3, H, W) as the network takes it.

        Bytes are turned first: a channel is then one piece of memory, which is five times as fast.
        """
        from onnx import TensorProto

        kind = KINDS[preprocess.kind]

        def each(numbers: Sequence[float]) -> np.ndarray:
            return np.array(numbers, np.float32).reshape(1, 3, 1, 1)

        last = self.then("Transpose", [last], perm=[0, 3, 1, 2])
        if kind.bgr:
            last = self.then("Gather", [last, self.constant("channels", np.array([2, 1, 0]))], axis=1)
        last = self.then("Cast", [last], to=TensorProto.FLOAT)
        if kind.scale != 1.0:
            last = self.then("Mul", [last, self.constant("scale", np.float32(kind.scale))])
        if kind.mean != (0.0, 0.0, 0.0):
            last = self.then("Sub", [last, self.constant("mean", each(kind.mean))])
        if kind.std != (1.0, 1.0, 1.0):
            last = self.then("Div", [last, self.constant("std", each(kind.std))])
        return last


def nodes(preprocess: Preprocess) -> tuple[list[Any], list[Any]]:
    """Nodes and constants from `image`, uint8 RGB (1, height, width, 3) of any size, to `tensor` float32 NCHW.

    To the bit what `Preprocess` computes, on which photograph ever.
    """
    from onnx import TensorProto

    front, size = Front(), preprocess.size
    # ONNX's Resize rounds where two pixels are equally near otherwise than Pillow, which adds up steps as doubles: so
    # do these
    steps = np.ones(size)
    steps[0] = 0.5
    step, side, first = (
        front.constant(name, value) for name, value in (("steps", steps), ("side", np.float64(size)), ("first", 0))
    )
    last = IMAGE
    for axis in (1, 2):
        length = front.then("Cast", [front.then("Shape", [IMAGE], start=axis, end=axis + 1)], to=TensorProto.DOUBLE)
        positions = front.then("CumSum", [front.then("Mul", [front.then("Div", [length, side]), step]), first])
        last = front.then("Gather", [last, front.then("Cast", [positions], to=TensorProto.INT64)], axis=axis)
    front.normalise(preprocess, last)
    front.nodes[-1].output[0] = TENSOR
    return front.nodes, front.constants()
