"""Two exact or nearly exact corrections that make 8-bit networks say what their originals do.

A map is quantised with one step for all its channels, so a quiet channel beside a loud one loses most of its levels.
Between a ReLU and the next layer, channels can be scaled against each other without changing the network. What shift
is left in the logits is taken back from the head's bias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ftl.exporting import preprocessing
from ftl.exporting.onnx import run, session

_SHARE = 0.5
"""Half of a channel's scale, in powers, goes to the map, half to the weights behind it, as in SmoothQuant (Xiao et al.
2023); of 0.5 and 1, 0.5 was closer on VGG16."""

_LEAST = 1 / 64
"""A channel that hardly ever answers is scaled as if it answered to this share of the loudest."""

_PASSED = ("MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "Reshape", "Flatten")


def balanced(core: Any, tensors: Sequence[np.ndarray]) -> Any:
    """A copy of a network in which the channels of maps are nearly as loud as each other on `tensors`.

    It computes the same, up to rounding. Only maps between a convolution's ReLU and one next layer are scaled.
    """
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(core)
    makers = {node.output[0]: node for node in copy.graph.node}
    readers = {name: node for node in copy.graph.node for name in node.input}
    uses = Counter(name for node in copy.graph.node for name in node.input)
    weights = {one.name: numpy_helper.to_array(one).copy() for one in copy.graph.initializer}
    edges = []
    for node in copy.graph.node:
        conv, last = makers.get(node.input[0]), node
        if node.op_type != "Relu" or conv is None or conv.op_type != "Conv" or uses[node.input[0]] != 1:
            continue
        while uses[last.output[0]] == 1 and (last := readers[last.output[0]]).op_type in _PASSED:
            pass
        whole = all(one.i == 1 for one in last.attribute if one.name == "group")
        if (
            last is not node
            and last.op_type in ("Conv", "Gemm")
            and whole
            and {conv.input[1], last.input[1]} <= {*weights}
        ):
            edges.append((node.output[0], conv, last))
    for (_, conv, last), loud in zip(edges, _loudest(core, [edge[0] for edge in edges], tensors), strict=True):
        scale = np.clip(loud / max(loud.max(), 1e-12), _LEAST, 1).astype(np.float32) ** _SHARE
        for name in conv.input[1:]:
            weights[name] /= scale.reshape(-1, *[1] * (weights[name].ndim - 1))
        weight = weights[last.input[1]]
        weights[last.input[1]] = (weight.reshape(len(weight), len(scale), -1) * scale[:, np.newaxis]).reshape(
            weight.shape
        )
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    return copy


def _loudest(core: Any, maps: Sequence[str], tensors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The largest value of each channel of each map over all tensors."""
    import onnx

    observed = onnx.ModelProto()
    observed.CopyFrom(core)
    observed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in maps)
    running, most = session(observed.SerializeToString()), [np.float32(0)] * len(maps)
    for tensor in tensors:
        found = running.run(list(maps), {preprocessing.TENSOR: tensor[np.newaxis]}) if maps else []
        most = [np.maximum(a, b.max((0, 2, 3))) for a, b in zip(most, found, strict=True)]
    return [np.asarray(one) for one in most]


def shift_bias(quantised: Any, core: Any, tensors: Sequence[np.ndarray]) -> None:
    """Change the bias of `quantised`, made of `core`, so that its mean logits on `tensors` are those of `core`."""
    from onnx import numpy_helper

    head = next(node for node in quantised.graph.node if node.op_type == "Gemm")
    before, after = (_logits(one, tensors) for one in (core, quantised))
    by = (before - after).mean(0)
    found = {one.name: one for one in quantised.graph.initializer}
    rows = found[head.input[1]].dims[0]
    by = by[1:] - by[:1] if rows == 1 else by
    if len(head.input) == 3:
        by = by + numpy_helper.to_array(found[head.input[2]])
        quantised.graph.initializer.remove(found[head.input[2]])
        del head.input[2]
    head.input.append("balanced_bias")  # one of zeros has been dropped
    quantised.graph.initializer.append(numpy_helper.from_array(by.astype(np.float32), "balanced_bias"))


def _logits(core: Any, tensors: Sequence[np.ndarray]) -> np.ndarray:
    """Logarithms of the probabilities, (n, classes), none of them below that of a millionth."""
    running = session(core.SerializeToString())
    return np.log(np.maximum([run(running, tensor) for tensor in tensors], 1e-6))
