"""Tracing: any PyTorch module's layers as plain data, or an error that says which layer prevents it, and why."""

from __future__ import annotations

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from ftl.errors import FtlError
from ftl.models.graph import INPUT, GraphSpec, nodes_of
from ftl.models.layers import GRAPH, REMOVED, describe_layer

_JOINS: dict[Any, str] = {
    operator.add: "add", operator.iadd: "add", torch.add: "add", "add": "add", "add_": "add",
    operator.mul: "mul", operator.imul: "mul", torch.mul: "mul", "mul": "mul", "mul_": "mul",
}  # fmt: skip

_AS_LAYERS: dict[Any, type[nn.Module]] = {
    F.relu: nn.ReLU, torch.relu: nn.ReLU, "relu": nn.ReLU, "relu_": nn.ReLU, F.relu6: nn.ReLU6,
    F.hardswish: nn.Hardswish, F.hardsigmoid: nn.Hardsigmoid, F.silu: nn.SiLU,
    torch.sigmoid: nn.Sigmoid, F.sigmoid: nn.Sigmoid, "sigmoid": nn.Sigmoid,
    F.max_pool2d: nn.MaxPool2d, torch.max_pool2d: nn.MaxPool2d, F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d, F.dropout: nn.Identity, F.dropout2d: nn.Identity,
    "contiguous": nn.Identity,
}  # fmt: skip
"""Functions and methods that are a layer with the same arguments."""

_ENDS: tuple[Any, ...] = (torch.flatten, "flatten")
"""Where a classifier begins, and features end."""

_COMMON = "features."
"""What torchvision puts in front of the names of layers, where there is a classifier beside them."""

_IN_PLACE: tuple[Any, ...] = (operator.iadd, operator.imul, "add_", "mul_", "relu_")

_REASONS = {
    "MultiheadAttention": "attention mixes positions, so there is no filter with a map to compare with a mask",
    "LayerNorm": "it normalises over all channels at once, so none can go without changing the others",
    "GroupNorm": "it normalises groups of channels together, so none can go without changing the others",
    "chunk": "channels are split, so a filter can no longer be followed to those who read it",
    "view": "maps are reshaped, so a filter can no longer be followed to those who read it",
}
_REASONS |= {"LayerNorm2d": _REASONS["LayerNorm"]}
_REASONS |= dict.fromkeys(("split", "getitem", "unbind", "channel_shuffle"), _REASONS["chunk"])
_REASONS |= dict.fromkeys(("reshape", "permute", "transpose", "unflatten", "getattr", "size"), _REASONS["view"])


def trace(module: nn.Module) -> GraphSpec:
    """Describe a module's layers up to its last map: a classifier, with the adaptive pool before it, is left out.

    Names are the module's own, less a `features.` that all have in common. Raises `FtlError` that names the layer which
    a backbone may not hold, and why.
    """
    read = _Reader(module)
    for node in _graph(module).nodes:
        if node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise FtlError(f"a {type(module).__name__} gives more than one map: only one can be described")
            return _tidy(read.nodes, read.names[node.args[0]])
        if read.ends(node):
            return _tidy(read.nodes, read.before_pool(read.names[node.all_input_nodes[0]]))
        read.add(node)
    raise AssertionError("a graph without output")


def _graph(module: nn.Module) -> fx.Graph:
    if isinstance(module, fx.GraphModule):
        return module.graph
    modes = [(child, child.training) for child in module.modules()]
    try:
        return fx.Tracer().trace(module.eval())
    except Exception as error:  # whatever a module's own code raises when it is given a stand-in for a tensor
        reason = f"a {type(module).__name__} cannot be followed from layer to layer ({error})"
        raise FtlError(_main_obstacle(module) or reason) from error
    finally:
        for child, training in modes:
            child.training = training


def _tidy(nodes: list[dict[str, Any]], output: str) -> GraphSpec:
    """Nodes without those that the output does not depend on, and without a first name that all weights share."""
    needed = {output}
    for entry in reversed(nodes):
        needed |= set(entry["from"]) if entry["name"] in needed else set()
    nodes = [entry for entry in nodes if entry["name"] in needed]
    while {entry["name"].startswith(_COMMON) for entry in nodes if entry["type"] in ("conv", "norm")} == {True}:
        short = {entry["name"]: entry["name"].removeprefix(_COMMON) for entry in nodes}
        if len(set(short.values())) < len(short):
            break
        nodes = [
            entry | {"name": short[entry["name"]], "from": [short.get(source, source) for source in entry["from"]]}
            for entry in nodes
        ]
        output = short.get(output, output)
    spec = {"nodes": nodes, "output": output}
    nodes_of(spec)
    return spec


class _Reader:
    """Nodes of a traced graph, read in order into a description."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.names: dict[fx.Node, str] = {}
        self.nodes: list[dict[str, Any]] = []

    def ends(self, node: fx.Node) -> bool:
        """Whether a classifier begins here."""
        if node.op == "call_module":
            return isinstance(self._layer(node), (nn.Flatten, nn.Linear))
        return node.target in _ENDS or _mean_over_places(node) == "flat"

    def before_pool(self, name: str) -> str:
        """What an adaptive pool in front of a classifier reads; `name` itself if there is none."""
        entry = next((entry for entry in self.nodes if entry["name"] == name), None)
        return entry["from"][0] if entry is not None and entry["type"] == "adaptivepool" else name

    def _layer(self, node: fx.Node) -> nn.Module:
        return self.module.get_submodule(str(node.target))

    def add(self, node: fx.Node) -> None:
        """Take in one node. Raises `FtlError` for one that a backbone may not hold."""
        if node.op == "placeholder":
            if INPUT not in self.names.values():
                self.names[node] = INPUT
            return
        layer = self._as_layer(node)
        if isinstance(layer, REMOVED) or getattr(node.target, "__name__", "") == "stochastic_depth":
            self.names[node] = self.names[node.all_input_nodes[0]]
            return
        if layer is not None:
            data, sources = self._describe(node, layer), node.all_input_nodes[:1]
            in_place = bool(getattr(layer, "inplace", False)) or node.target in _IN_PLACE
        else:
            data, sources = self._join(node)
            in_place = node.target in _IN_PLACE
        given = [self._named(node, source) for source in sources]
        name = self._free_name(node, data["type"])
        self.nodes.append({"name": name, "type": data["type"], "from": given} | data)
        self.names[node] = name
        if in_place:  # whoever reads the overwritten map from here on, reads this
            self.names |= {other: name for other, old in self.names.items() if old == given[0]}

    def _named(self, node: fx.Node, source: Any) -> str:
        if not isinstance(source, fx.Node):
            raise FtlError(f"{_where(node)}: a map is joined with the number {source!r}, not with another map")
        return self.names[source]

    def _free_name(self, node: fx.Node, kind: str) -> str:
        wanted = str(node.target) if node.op == "call_module" else node.name
        taken = {entry["name"] for entry in self.nodes} | {INPUT}
        if wanted not in taken:
            return wanted
        if kind in ("conv", "norm"):
            raise FtlError(f"layer {wanted} is used twice: its filters would be scored on two maps at once")
        return next(name for name in (f"{wanted}_{n}" for n in range(1, 1 << 20)) if name not in taken)

    def _as_layer(self, node: fx.Node) -> nn.Module | None:
        """A node as a layer, also where it is written as a function; None for anything else."""
        if node.op == "call_module":
            return self._layer(node)
        if node.target is F.pad:
            sides, mode, value = _arguments(node, ("sides", "mode", "value"), pad="sides")
            return nn.ZeroPad2d(sides) if mode in (None, "constant") and not value and len(sides) == 4 else None
        if _mean_over_places(node) == "map":
            return nn.AdaptiveAvgPool2d(1)
        if node.target not in _AS_LAYERS:
            return None
        made = _AS_LAYERS[node.target]
        if made is nn.Identity:
            return nn.Identity()
        try:
            return made(*node.args[1:], **{key: value for key, value in node.kwargs.items() if key != "input"})
        except (TypeError, ValueError) as error:
            raise FtlError(f"{_where(node)} is called in a way that is not supported ({error})") from error

    def _describe(self, node: fx.Node, layer: nn.Module) -> dict[str, Any]:
        try:
            data = describe_layer(layer, GRAPH)
        except FtlError as error:
            raise FtlError(f"{_where(node)}: {error}") from error
        if data is None:
            raise self._refused(node, type(layer).__name__)
        return data

    def _join(self, node: fx.Node) -> tuple[dict[str, Any], list[Any]]:
        if node.target in _JOINS and len(node.args) == 2 and not node.kwargs:
            return {"type": _JOINS[node.target]}, list(node.args)
        if node.target in (torch.cat, torch.concat):
            sources, dim = _arguments(node, ("tensors", "dim"), offset=0, axis="dim")
            if dim == 1 and isinstance(sources, (list, tuple)):
                return {"type": "cat"}, list(sources)
        raise self._refused(node, str(getattr(node.target, "__name__", node.target)))

    def _refused(self, node: fx.Node, what: str) -> FtlError:
        if node.op == "call_module":
            return FtlError(_refusal(what, f"layer {node.target}"))
        return FtlError(_main_obstacle(self.module) or _refusal(what, f"at {node.name}"))


def _arguments(node: fx.Node, names: tuple[str, ...], offset: int = 1, **other: str) -> list[Any]:
    """A call's arguments by position, from `offset` on, or name; `other` names by which they go, too."""
    given = dict(zip(names, node.args[offset:], strict=False))
    given |= {other.get(key, key): value for key, value in node.kwargs.items()}
    return [given.get(name) for name in names]


def _mean_over_places(node: fx.Node) -> str:
    """`map` for a mean over height and width that leaves a map of one pixel, `flat` for one that leaves none."""
    if node.target not in ("mean", torch.mean):
        return ""
    over, keeps = _arguments(node, ("dim", "keepdim"))
    if not isinstance(over, (list, tuple)) or {axis % 4 for axis in over} != {2, 3}:
        return ""
    return "map" if keeps else "flat"


def _where(node: fx.Node) -> str:
    return f"layer {node.target}" if node.op == "call_module" else f"{getattr(node.target, '__name__', node.target)}"


def _refusal(what: str, where: str) -> str:
    allowed = sorted(kind.module.__name__ for kind in GRAPH.values())
    reason = f" ({_REASONS[what]})" if what in _REASONS else ""
    return (
        f"a backbone may not hold a {what}, {where}{reason}: it is made of {', '.join(allowed)}, and of additions, "
        "multiplications and concatenations of maps"
    )


def _main_obstacle(module: nn.Module) -> str:
    """What prevents a refused module from being pruned more than where reading it ended; empty if that is all."""
    layers = [(name, type(layer).__name__) for name, layer in module.named_modules()]
    return next((_refusal(what, f"layer {name}") for kind in _REASONS for name, what in layers if what == kind), "")
