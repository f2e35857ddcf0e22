"""Coupled channels: filters that can only be removed together, because maps are added, multiplied or seen one by one.

Where maps are added or multiplied, channel i of one meets channel i of the other, and channel i of a depthwise
convolution sees channel i before it. Cutting filter i of one of the convolutions cuts it in all: they are one
*coupling group*, and filters are chosen by group. Torch-Pruning's dependency graph says which convolutions those are.

A group's filters are scored on one or several maps, which `read` chooses:

- `before`: each member's own map, before it meets the others: the convolution's output, or that of the normalisation
  and of the activation behind it where these follow directly.
- `after`: the maps where members meet: the output of each addition and multiplication of the group, and of each
  depthwise convolution, again behind a normalisation and an activation that follow directly. A group of one ordinary
  convolution, which meets no other, is read at its own map.

"Directly" means: reads only this map, and nothing else reads it. The joint score of filter i is

    mean:  s_i = (s_i(1) + ... + s_i(M)) / M        max:  s_i = max(s_i(1), ..., s_i(M))

over the scores of the M maps. A criterion that looks at weights alone scores every member instead of every map.

Maps of one pixel behind a global pool, as in squeeze-and-excitation, show no place that a mask could be compared with.
They count for no score, and convolutions that have only such maps keep all their filters.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
import torch_pruning as tp
from torch import nn

from ftl.errors import FtlError
from ftl.models.backbone import Backbone, layers_of, map_sizes
from ftl.models.graph import INPUT, shapes
from ftl.models.layers import ACTIVATIONS
from ftl.models.preprocess import MOST_SIZE
from ftl.pruning.surgery import dependencies

_MOST_PLACES = 2 * MOST_SIZE**2
_LARGE = 1024
"""Pixels of an input at which only a global pool leaves one pixel."""


@dataclass(frozen=True)
class CouplingGroup:
    """Convolutions that keep the same filters. `name`: the first's; `members`: all, in the order they are computed.

    `before`, `after`: the names of nodes at which its filters are scored.
    """

    name: str
    members: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


def check_prunable(backbone: Backbone) -> None:
    """Raise `FtlError`, as `coupling_groups` does, for a network that cannot be pruned, or with maps too large."""
    spec, size = backbone.spec(), backbone.preprocess.size
    for layer, (height, width) in zip(layers_of(spec), map_sizes(spec, size), strict=True):
        if height * width > _MOST_PLACES:
            shown = f"{height:,} x {width:,}"
            raise FtlError(f"a {layer['type']} layer of the network makes maps of {shown}: none can be that large")
    if not backbone.is_chain:
        coupling_groups(backbone)


@torch.inference_mode(False)  # whoever asks: the graph is traced through autograd
def coupling_groups(backbone: Backbone) -> list[CouplingGroup]:
    """The groups of a network, by the order of their first members; those that must keep all filters are left out.

    Raises `FtlError` that names the layer for a network whose filters are coupled with parts of others' or with the
    photograph's colours.
    """
    nodes = _Nodes(backbone)
    traced = copy.deepcopy(backbone)
    graph = dependencies(traced)
    convolutions = {name.removeprefix("features."): conv for name, conv in traced.convolutions().items()}
    names = {conv: name for name, conv in convolutions.items()}
    meets: dict[str, list[str]] = {}  # where the filters of a convolution meet those of others
    linked = {name: {name} for name in convolutions}
    for name in nodes.joins():
        origins = nodes.origins(name)
        meets.setdefault(min(origins), []).append(name)
        one = set[str]().union(*(linked[origin] for origin in origins))
        linked |= dict.fromkeys(one, one)
    found, done = [], set[str]()
    for first, conv in convolutions.items():
        if first in done:
            continue
        group = graph.get_pruning_group(conv, tp.prune_conv_out_channels, idxs=[*range(conv.out_channels)])
        together = {names[dep.target.module] for dep, _ in group if _cuts_filters(graph, dep)}
        members = [name for name in convolutions if name in together]
        done |= together
        if together != linked[first]:  # two ways to the same answer: a wrong one would cut filters that do not belong
            shown = (
                f"Torch-Pruning couples {', '.join(members)}, but what is added and multiplied there is not the same"
            )
            raise FtlError(f"{backbone.name} cannot be pruned: {shown}")
        before = [nodes.settled(name) for name in members]
        after = [nodes.settled(name) for member in members for name in meets.get(member, [])]
        before, after = ([name for name in nodes.order(maps) if name not in nodes.squeezed] for maps in (before, after))
        if before:
            full = tuple(f"features.{name}" for name in members)
            found.append(CouplingGroup(full[0], full, tuple(before), tuple(after or before)))
    return found


def _cuts_filters(graph: tp.DependencyGraph, dep: tp.dependency.Dependency) -> bool:
    return isinstance(dep.target.module, nn.Conv2d) and graph.is_out_channel_pruning_fn(dep.handler)


class _Nodes:
    """The nodes of a graph by name, with their readers, and which maps are of one pixel whatever the input's size."""

    def __init__(self, backbone: Backbone) -> None:
        spec = backbone.spec()
        assert isinstance(spec, dict), "a chain has no coupled filters"
        self.by_name = {one["name"]: one for one in layers_of(spec)}
        self.readers: dict[str, list[str]] = {name: [] for name in (INPUT, *self.by_name)}
        for name, one in self.by_name.items():
            for source in one["from"]:
                self.readers[source].append(name)
        self.readers[spec["output"]].append("the classifier")
        self.squeezed = {name for name, side in shapes(spec, _LARGE).items() if side == (1, 1)}

    def order(self, names: list[str]) -> list[str]:
        """Each name once, in the order in which they are computed."""
        return [name for name in self.by_name if name in names]

    def joins(self) -> list[str]:
        """Nodes where filters of several convolutions meet: additions, multiplications, depthwise convolutions."""
        return [
            name for name, one in self.by_name.items() if one["type"] in ("add", "mul") or one.get("groups", 1) != 1
        ]

    def settled(self, name: str) -> str:
        """The node behind whose normalisation and activation a map is read, where these follow `name` directly."""
        kinds = {"norm", *ACTIVATIONS}
        while kinds and len(self.readers[name]) == 1:
            (reader,) = self.readers[name]
            kind = self.by_name[reader]["type"] if reader in self.by_name else ""
            if kind not in kinds:
                break
            kinds = set(ACTIVATIONS) if kind == "norm" else set()
            name = reader
        return name

    def origins(self, join: str) -> set[str]:
        """The convolutions whose filters meet at `join`, itself among them if it is one."""
        found = {self._source(name, join) for name in self.by_name[join]["from"]}
        return found | ({join} if self.by_name[join]["type"] == "conv" else set())

    def _source(self, name: str, join: str) -> str:
        """The ordinary convolution whose filters are a map's channels, for a map that meets others at `join`."""
        while name != INPUT:
            one = self.by_name[name]
            if one["type"] == "conv" and one.get("groups", 1) == 1:
                return name
            if one["type"] == "cat":
                raise FtlError(
                    f"layer {join} couples the filters of several layers, concatenated at {name}, with parts of its "
                    "own: such parts cannot be scored"
                )
            name = one["from"][0]
        raise FtlError(f"layer {join} couples filters with the photograph's own colours, which cannot be cut")
