"""A network with its head as an ONNX model, alone for timing or behind its preprocessing for use."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import nn

from ftl.exporting import preprocessing
from ftl.exporting.alone import writing_as
from ftl.exporting.module import Joined
from ftl.models.classifier import Model
from ftl.models.preprocess import Preprocess

OPSET = 18
"""Of the ONNX operators: what ONNX Runtime 1.14 of February 2023 and later can run."""

LOGITS = "logits"
"""A second output, of models that are only checked."""


def core(model: Model) -> Any:
    """The network and head as an ONNX `ModelProto`: `tensor` float32 (1, 3, size, size) to `probabilities`.

    Batch norms behind convolutions are folded into them. Raises `FtlError` for a layer that ONNX does not have.
    """
    joined = Joined(model)
    return proto_of(joined, joined.input_of(model), preprocessing.PROBABILITIES)


def proto_of(
    module: nn.Module, tensor: torch.Tensor, output: str, sides: dict[str, dict[int, Any]] | None = None
) -> Any:
    """A module from `tensor`, of which an example is given, to a named output, as an ONNX `ModelProto`.

    `sides`: the dimensions of its input that may be others, by the input's name in `forward`. Raises `FtlError` for a
    layer that ONNX does not have, whose report goes into the log.
    """
    with writing_as("ONNX"):
        program = torch.onnx.export(
            module,
            (tensor,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[preprocessing.TENSOR],
            output_names=[output],
            dynamic_shapes=sides,
        )
    assert program is not None
    proto = program.model_proto
    for node in proto.graph.node:  # names of files and lines of whoever exported
        del node.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.graph.value_info[:]
    return proto


def whole(core: Any, preprocess: Preprocess, about: dict[str, Any]) -> Any:
    """`core` behind its preprocessing: `image` uint8 RGB (1, height, width, 3) of any size to `probabilities`.

    `about`: what the file says of itself, as JSON under `ftl` in its metadata; its `classes` also stand alone.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.ModelProto()
    model.CopyFrom(core)
    nodes, constants = preprocessing.nodes(preprocess)
    graph = model.graph
    inner = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend([*nodes, *inner])
    graph.initializer.extend(constants)
    del graph.input[:]
    shape: list[str | int | None] = [1, "height", "width", 3]
    graph.input.append(helper.make_tensor_value_info(preprocessing.IMAGE, TensorProto.UINT8, shape))
    del model.metadata_props[:]
    helper.set_model_props(model, {"ftl": json.dumps(about), "classes": json.dumps(about["classes"])})
    onnx.checker.check_model(model)
    return model


def session(content: bytes, threads: int | None = None) -> Any:
    """ONNX Runtime on the processor; `threads` within one image, by default as many as cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def with_logits(model: Any) -> bytes:
    """A copy of a model from `core` or `whole` that also gives its logits, (1, 1 or classes), as `LOGITS`."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    head = next(node for node in reversed(copy.graph.node) if node.op_type == "Gemm")
    copy.graph.node.append(onnx.helper.make_node("Identity", [head.output[0]], [LOGITS]))
    copy.graph.output.append(onnx.ValueInfoProto(name=LOGITS))
    return copy.SerializeToString()


def run(session: Any, value: np.ndarray) -> np.ndarray:
    """Probabilities (classes,) of one image (height, width, 3) uint8, or of one tensor (3, size, size) float32."""
    return _output(session, preprocessing.PROBABILITIES, value)


def logits(session: Any, value: np.ndarray) -> np.ndarray:
    """Logits (1 or classes,) of the same, from a model of `with_logits`."""
    return _output(session, LOGITS, value)


def _output(session: Any, output: str, value: np.ndarray) -> np.ndarray:
    (name,) = (one.name for one in session.get_inputs())
    return np.asarray(session.run([output], {name: value[np.newaxis]})[0][0])
