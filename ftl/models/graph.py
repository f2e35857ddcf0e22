"""Graphs: networks that are no chain, with additions, multiplications and concatenations, as plain data and back.

It is described by `{"nodes": [...], "output": name}`. Each node is a layer or one of `JOINS`, with its `name` and the
names that it reads, `from`; the images are `input`. `build` makes a `torch.fx` graph of it that runs, trains and
exports as any module does; `ftl.models.tracing` describes one, with its widths as they are. Nothing of a description
is ever run as code: types come from a list, names are checked.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import fx, nn

from ftl.errors import FtlError
from ftl.models.layers import GRAPH, build_layer

GraphSpec = dict[str, Any]
INPUT = "input"
JOINS = ("add", "mul", "cat")
_FRESH = ("conv", "norm", *JOINS)
"""Whose output is a new tensor: an activation that alone reads it may overwrite it."""

_RESERVED = frozenset(dir(fx.GraphModule({}, fx.Graph())))
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def nodes_of(spec: GraphSpec) -> list[dict[str, Any]]:
    """The nodes in order. Raises `FtlError` when the description is damaged, or its channels do not fit."""
    channels_of(spec)
    return list(spec["nodes"])


def channels_of(spec: GraphSpec) -> dict[str, int]:
    """How many channels each node's map has. Raises `FtlError` when the description is damaged, or they do not fit."""
    channels = {INPUT: 3}
    try:
        for node in spec["nodes"]:
            _check_name(node["name"], channels)
            channels[node["name"]] = _channels(node, [channels[source] for source in node["from"]])
        if spec["output"] not in channels:
            raise FtlError(f"the network gives {spec['output']!r}, which is none of its nodes")
        if not any(node["type"] == "conv" for node in spec["nodes"]):
            raise FtlError("the network has no convolution: there is nothing to rank")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FtlError(f"the description of the network's layers is damaged ({error!r})") from error
    return channels


def _check_name(name: str, taken: Collection[str]) -> None:
    """Raise `FtlError` for a name that is no plain one: names of modules become attributes of an object."""
    parts = name.split(".")
    if not _NAME.fullmatch(name) or not _RESERVED.isdisjoint(parts) or "__" in name:
        raise FtlError(f"{name!r} is no name for a layer")
    if name in taken:
        raise FtlError(f"two layers are named {name}")


def _channels(node: dict[str, Any], given: list[int]) -> int:
    """Channels of a node's output. Raises `FtlError` when those of its inputs do not fit."""
    kind, name = node["type"], node["name"]
    if kind == "cat" and given:
        return sum(given)
    if kind in ("add", "mul") and len(given) == 2:
        if given[0] != given[1]:
            raise FtlError(f"{name} joins maps of {given[0]} and {given[1]} channels: each needs one of its own")
        return given[0]
    if kind not in GRAPH or len(given) != 1:
        raise FtlError(f"{name}: there is no {kind!r} of {len(given)} maps")
    takes = node.get("in", node.get("channels", given[0]))
    if takes != given[0]:
        raise FtlError(f"layer {name} ({kind}) takes {takes} channels, but gets {given[0]}")
    if node.get("groups", 1) != 1 and not node["groups"] == node["in"] == node["out"]:
        raise FtlError(f"layer {name}: a convolution in groups must be depthwise")
    return node.get("out", given[0])


def build(spec: GraphSpec) -> fx.GraphModule:
    """Build a network with fresh weights from plain data. Raises `FtlError` for data that describe none."""
    nodes = nodes_of(spec)
    types = {node["name"]: node["type"] for node in nodes}
    readers = [source for node in nodes for source in node["from"]] + [spec["output"]]
    graph, modules = fx.Graph(), dict[str, nn.Module]()
    values = {INPUT: graph.placeholder(INPUT)}
    for node in nodes:
        name, kind, given = node["name"], node["type"], [values[source] for source in node["from"]]
        if kind == "cat":
            values[name] = graph.create_node("call_function", torch.cat, (given, 1), name=name)
        elif kind in JOINS:
            join = operator.add if kind == "add" else operator.mul
            values[name] = graph.create_node("call_function", join, tuple(given), name=name)
        else:
            (source,) = node["from"]
            alone = types.get(source) in _FRESH and readers.count(source) == 1
            modules[name] = build_layer(node | {"inplace": alone}, GRAPH)
            values[name] = graph.call_module(name, (given[0],))
    graph.output(values[spec["output"]])
    return fx.GraphModule(modules, graph, "Features")


def node_name(node: fx.Node) -> str:
    """What a description calls a node of the graph that `build` made."""
    return str(node.target) if node.op == "call_module" else INPUT if node.op == "placeholder" else node.name


def walk(features: fx.GraphModule, x: torch.Tensor, wanted: Collection[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """Run a network node after node on (N, 3, H, W); gives each wanted node's map, (N, C, h, w), when it is computed.

    It ends with the last of them: what lies behind is not computed. A map may be overwritten as soon as the
    next is computed.
    """
    left, values = set(wanted), dict[fx.Node, Any]()
    last = {source: node for node in features.graph.nodes for source in node.all_input_nodes}
    for node in features.graph.nodes:
        if not left:
            return
        if node.op == "placeholder":
            values[node] = x
        elif node.op != "output":
            run = features.get_submodule(node.target) if node.op == "call_module" else node.target
            values[node] = run(*fx.node.map_arg(node.args, values.__getitem__))
            for source in node.all_input_nodes:
                if last[source] is node:
                    del values[source]  # so that no more maps are held than the network itself would hold
        if node_name(node) in left:
            left.remove(node_name(node))
            yield node_name(node), values[node]


def shapes(spec: GraphSpec, size: int) -> dict[str, tuple[int, int]]:
    """(height, width) of each node's map for a square input of `size` pixels; no number is computed.

    Raises `FtlError` when the input is too small for the network, or two maps that are joined differ in size.
    """
    with torch.device("meta"), torch.inference_mode():
        features, x = build(spec).eval(), torch.empty(1, 3, size, size)
        names = [node["name"] for node in spec["nodes"]]
        try:
            return {name: (value.shape[2], value.shape[3]) for name, value in walk(features, x, names)}
        except RuntimeError as error:
            problem = (
                f"an input of {size} x {size} pixels is too small for this network, or it joins maps of other sizes"
            )
            raise FtlError(f"{problem} ({error})") from error
