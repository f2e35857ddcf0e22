"""Fill the channels of an ONNX network up with zeros, to numbers that 8-bit convolutions are fast with.

Pruned layers have odd numbers of filters. ONNX Runtime's direct kernel for 8-bit convolutions takes inputs by fours and
makes sixteen outputs at once; other layers go through a copy of their input that costs more than the arithmetic.
Filters of zeros change no result. In float32 they cost what they are, so only 8-bit networks get them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FOURS, LEAST = 4, 16

_SAME = {
    "Relu", "Clip", "LeakyRelu", "Elu", "Sigmoid", "HardSigmoid", "HardSwish", "Identity",
    "MaxPool", "AveragePool", "GlobalAveragePool", "Pad",
}  # fmt: skip
_TWO = {"Add", "Mul"}


def width(channels: int) -> int:
    """Up to how many channels a map is filled."""
    return max(LEAST, -(-channels // FOURS) * FOURS)


def _filled(array: np.ndarray, axis: int, value: float = 0.0, to: int | None = None) -> np.ndarray:
    by = [(0, 0)] * array.ndim
    by[axis] = (0, (width(array.shape[axis]) if to is None else to) - array.shape[axis])
    return np.pad(array, by, constant_values=value)


def widened(model: Any) -> Any:
    """A copy of a network from `ftl.exporting.onnx.core` with filled maps, or `model` where a layer forbids it."""
    import onnx
    from onnx import helper, numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    image = graph.input[0].name
    wide: dict[str, int] = {f"{image}_wide": 3}  # maps that are filled, and how many of their channels are real
    flat: dict[str, int] = {}  # and those laid flat
    more = np.array([0, 0, 0, 0, 0, FOURS - 3, 0, 0])
    nodes = [helper.make_node("Pad", [image, "more"], [f"{image}_wide"], name=f"{image}_wide")]
    fresh = {"more": more}

    def put(node: Any, place: int, array: np.ndarray) -> None:
        name = f"{node.input[place]}_wide_{len(fresh)}"
        fresh[name] = array
        node.input[place] = name

    for node in graph.node:
        node.input[:] = [f"{image}_wide" if name == image else name for name in node.input]
        takes = [wide.get(name) for name in node.input]
        out, kind = node.output[0], node.op_type
        if kind == "Conv":
            if any(name not in weights for name in node.input[1:]):
                return model
            weight = weights[node.input[1]]
            group = next((one for one in node.attribute if one.name == "group"), None)
            if group is not None and group.i > 1:
                if takes[0] != group.i or len(weight) != group.i:
                    return model
                group.i = width(group.i)
            elif takes[0] is not None:
                weight = _filled(weight, 1, to=FOURS if node.input[0] == f"{image}_wide" else None)
            put(node, 1, _filled(weight, 0))
            if len(node.input) > 2:
                put(node, 2, _filled(weights[node.input[2]], 0))
            wide[out] = len(weight)
        elif kind == "BatchNormalization" and takes[0] is not None:
            for place in range(1, 5):
                put(node, place, _filled(weights[node.input[place]], 0, float(place == 4)))
            wide[out] = takes[0]
        elif (kind in _SAME and takes[0] is not None) or (kind in _TWO and takes[0] and len(set(takes)) == 1):
            wide[out] = takes[0] or 0
        elif kind == "ReduceMean" and takes[0] is not None:
            flat[out] = takes[0]
        elif kind in ("Flatten", "Reshape") and takes[0] is not None:
            flat[out] = takes[0]
            node.CopyFrom(helper.make_node("Flatten", [node.input[0]], [out], name=node.name, axis=1))
        elif kind == "Gemm" and node.input[0] in flat:
            weight, channels = weights[node.input[1]], flat[node.input[0]]
            parts = _filled(weight.reshape(len(weight), channels, -1), 1)  # transposed B, as torch's linear layers have
            put(node, 1, parts.reshape(len(weight), -1))
        elif any(name in wide or name in flat for name in node.input):
            return model
        nodes.append(node)
    kept = {name for node in nodes for name in node.input}
    old = [one for one in graph.initializer if one.name in kept]
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    old = [onnx.TensorProto.FromString(one.SerializeToString()) for one in old]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*old, *(numpy_helper.from_array(array, name) for name, array in fresh.items())])
    return copy
