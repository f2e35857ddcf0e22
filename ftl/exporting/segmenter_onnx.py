"""A segmenter as an ONNX model: from a photograph of any size to its mask, preprocessing and threshold inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ftl.errors import FtlError
from ftl.exporting.onnx import proto_of
from ftl.exporting.preprocessing import IMAGE, PROBABILITIES, TENSOR, Front
from ftl.formatting import number
from ftl.models.segmenter import Segmenter
from ftl.models.tiling import segment

PADDED, MASK = "padded", "mask"
"""Names of what the network itself gives, probabilities of whole steps, and of the mask."""

MOST_SIDE = 1 << 15
"""Pixels a side of a photograph at most."""

CLOSE = 1e-3
"""How far an export's probabilities may be from the network's: rounding was seen to move them by 1e-5."""


class _Drawing(nn.Module):
    """A segmenter that gives probabilities, as ONNX Runtime is to compute them."""

    def __init__(self, model: Segmenter) -> None:
        super().__init__()
        self.model = model.eval()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model.probabilities(x)


def core(model: Segmenter) -> Any:
    """The network as an ONNX `ModelProto`: `tensor` float32 (1, 3, H, W) to `padded` probabilities of each pixel.

    H and W: of whole steps of the coarsest level. Raises `FtlError` for a layer that ONNX does not have.
    """
    least = 2 * model.stride
    sides = {axis: torch.export.Dim(f"side_{axis}", min=least, max=MOST_SIDE) for axis in (2, 3)}
    example = torch.zeros(1, 3, 4 * model.stride, 5 * model.stride)
    return proto_of(_Drawing(model), example, PADDED, {"x": sides})


def whole(core: Any, model: Segmenter, about: dict[str, Any]) -> Any:
    """`core` from `image`, uint8 RGB (1, height, width, 3) of any size, to `mask` and `probabilities`.

    `mask`: uint8 (1, height, width), 0 or 255, or class numbers where there are several; `probabilities`: float32 (1,
    classes + 1, height, width), the background first. `about`: what the file says of itself, as JSON under `ftl`.
    """
    import onnx
    from onnx import TensorProto, helper

    made = onnx.ModelProto()
    made.CopyFrom(core)
    graph = made.graph
    inner = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    front = Front()
    height, width = _padded(front, model)
    front.nodes[-1].output[0] = TENSOR
    before = len(front.nodes)
    _draw(front, model, height, width)
    del graph.node[:]
    graph.node.extend([*front.nodes[:before], *inner, *front.nodes[before:]])
    graph.initializer.extend(front.constants())
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [1, "height", "width", 3]))
    del graph.output[:]
    outputs = len(model.classes) + 1
    graph.output.extend(
        [
            helper.make_tensor_value_info(MASK, TensorProto.UINT8, [1, "height", "width"]),
            helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, [1, outputs, "height", "width"]),
        ]
    )
    del made.metadata_props[:]
    helper.set_model_props(made, {"ftl": json.dumps(about), "classes": json.dumps(about["classes"])})
    onnx.checker.check_model(made)
    return made


def _padded(front: Front, model: Segmenter) -> tuple[str, str]:
    """The photograph, its edges repeated as `ftl.models.tiling` does and normalised; names of its height and width."""
    least = front.constant("least", np.array([model.least]))
    step, nothing = front.constant("step", np.array([model.stride])), front.constant("nothing", np.array([0]))
    height, width = (front.then("Shape", [IMAGE], start=axis, end=axis + 1) for axis in (1, 2))

    def more(side: str) -> str:
        rest = front.then("Mod", [side, step])
        whole_steps = front.then("Mod", [front.then("Sub", [step, rest]), step])
        return front.then("Max", [whole_steps, front.then("Sub", [least, side])])

    pads = front.then("Concat", [nothing] * 6 + [more(height), more(width)], axis=0)
    front.then("Pad", [front.normalise(model.network.preprocess, IMAGE), pads], mode="edge")
    return height, width


def _draw(front: Front, model: Segmenter, height: str, width: str) -> None:
    """From probabilities of the padded photograph to those of the photograph itself, and its mask."""
    start, one = front.constant("start", np.array([0, 0])), front.constant("one", np.array([1]))
    far, axes = front.constant("far", np.array([MOST_SIDE])), front.constant("axes", np.array([2, 3]))
    first, class_axis = front.constant("zero", np.array([0])), front.constant("class_axis", np.array([1]))
    sides = front.then("Concat", [height, width], axis=0)
    front.then("Slice", [PADDED, start, sides, axes])
    front.nodes[-1].output[0] = PROBABILITIES
    background = front.then("Slice", [PROBABILITIES, first, one, class_axis])
    some = front.then("Sub", [front.constant("all", np.float32(1)), background])
    above = front.then("GreaterOrEqual", [some, front.constant("threshold", np.float32(model.threshold))])
    drawn = front.then("Squeeze", [above, class_axis])
    if len(model.classes) == 1:
        value = front.constant("inside", np.uint8(255))
    else:
        defects = front.then("Slice", [PROBABILITIES, one, far, class_axis])
        likeliest = front.then("ArgMax", [defects], axis=1, keepdims=0)
        value = front.then("Cast", [front.then("Add", [likeliest, front.constant("number", np.array(1))])], to=2)
    front.then("Where", [drawn, value, front.constant("outside", np.uint8(0))])
    front.nodes[-1].output[0] = MASK


def answer(session: Any, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mask, uint8 (H, W), and probabilities, float32 (classes + 1, H, W), of RGB uint8 (H, W, 3)."""
    mask, probabilities = session.run([MASK, PROBABILITIES], {IMAGE: image[np.newaxis]})
    return mask[0], probabilities[0]


def check(
    model: Segmenter, found: Callable[[np.ndarray], np.ndarray], images: Sequence[np.ndarray], title: str
) -> None:
    """Raise `FtlError` when an export's probabilities differ from the network's by more than `CLOSE`."""
    for image in images:
        apart = float(np.abs(found(image) - segment(model, image)).max())
        if not apart <= CLOSE:
            raise FtlError(
                f"{title} answers otherwise than the network, by {number(apart)} in a probability, so nothing was "
                "written: take the network as .safetensors, and report this with the versions of torch, onnx and "
                "onnxruntime that are installed"
            )
