"""Networks whose filters are coupled: filters chosen coupling group by group, layer by layer or in one pass.

The counterpart, for networks that are no chain of layers, of `ftl.pruning.layerwise` and `ftl.pruning.one_shot`: it
keeps the same filters in all layers of a group. What a group is, and how the scores on its maps become one, is defined
in `ftl.pruning.coupling`. Without a chain there is no input of the next layer that could be held: each group is scored
by passes from the photographs on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import fx

from ftl.config import PruneConfig
from ftl.models.backbone import Backbone
from ftl.models.graph import channels_of, shapes, walk
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.progress import Report, silent
from ftl.pruning.coupling import CouplingGroup, coupling_groups
from ftl.pruning.criteria import Criterion
from ftl.pruning.scoring import Quantile, ScoringSet, Tally, batches, weight_scores
from ftl.pruning.selection import pick, pick_all
from ftl.pruning.surgery import cut, dependencies

Scores = dict[str, np.ndarray]
"""Scores of C filters, float32 (C,), by class folder of the scoring set."""

_JOIN: dict[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max}
"""How the scores of coupled filters become one."""


def choose_coupled_one_shot(
    backbone: Backbone,
    scoring_set: ScoringSet,
    fractions: Sequence[float | None],
    criterion: Criterion,
    config: PruneConfig,
    report: Report = silent,
) -> Iterator[Chosen]:
    """Choose the filters of all groups from their scores in the unpruned network, for each of the fractions."""
    found, steps = coupling_groups(backbone), _steps(backbone, scoring_set)
    if criterion.looks_at != "maps":
        scored = [_by_weights(backbone, group, scoring_set, criterion, config) for group in found]
    else:
        maps = _score(
            backbone,
            {name for group in found for name in _read(group, config)},
            scoring_set,
            steps,
            criterion,
            config,
            report,
        )
        scored = [_join([maps[name] for name in _read(group, config)], config) for group in found]
    for fraction in fractions:
        rows = zip(found, scored, pick_all(scored, config.rule, fraction, round_to=config.round_to), strict=True)
        yield (
            fraction,
            [LayerChoice(group.name, scores, kept, equal, group.members) for group, scores, (kept, equal) in rows],
        )


def choose_coupled_layerwise(
    backbone: Backbone,
    scoring_set: ScoringSet,
    fractions: Sequence[float | None],
    criterion: Criterion,
    config: PruneConfig,
    report: Report = silent,
) -> Iterator[Chosen]:
    """Choose the filters of group after group, each scored on the network in which all groups before it are cut.

    Fractions that agree so far are scored once. Forward passes end at the last map that a group is read at.
    """
    found, steps = coupling_groups(backbone), _steps(backbone, scoring_set)
    known: dict[tuple[tuple[int, ...], ...], Scores] = {}  # by what the groups before keep
    for number, fraction in enumerate(fractions):
        network = copy.deepcopy(backbone)
        graph, convolutions = dependencies(network), network.convolutions()
        chosen: list[LayerChoice] = []
        for depth, group in enumerate(found):
            before = tuple(tuple(choice.kept) for choice in chosen)
            if before not in known:
                if criterion.looks_at != "maps":
                    known[before] = _by_weights(network, group, scoring_set, criterion, config)
                else:
                    maps = _score(network, _read(group, config), scoring_set, steps, criterion, config)
                    known[before] = _join([maps[name] for name in _read(group, config)], config)
            kept, equal = pick(known[before], config.rule, fraction, round_to=config.round_to)
            chosen.append(LayerChoice(group.name, known[before], kept, equal, group.members))
            cut(graph, convolutions[group.name], chosen[-1].kept, group.name)
            report(number * len(found) + depth + 1, len(fractions) * len(found), "scoring")
        yield fraction, chosen


def _read(group: CouplingGroup, config: PruneConfig) -> tuple[str, ...]:
    return group.before if config.coupling_maps == "before" else group.after


def _join(parts: Sequence[Scores], config: PruneConfig) -> Scores:
    """One score per filter from those on several maps."""
    return {name: _JOIN[config.coupling_score]([scores[name] for scores in parts], axis=0) for name in parts[0]}


@torch.inference_mode()
def _by_weights(
    network: Backbone, group: CouplingGroup, scoring_set: ScoringSet, criterion: Criterion, config: PruneConfig
) -> Scores:
    convolutions = network.convolutions()
    depths = {name: depth for depth, name in enumerate(convolutions)}
    parts = [
        weight_scores(criterion, convolutions[name], depths[name], list(scoring_set.groups), config.seed)
        for name in group.members
    ]
    return _join(parts, config)


def _steps(backbone: Backbone, scoring_set: ScoringSet) -> list[slice]:
    """Batches in which the largest map of the whole network stays small."""
    spec = backbone.spec()
    assert isinstance(spec, dict)
    sides, channels = shapes(spec, backbone.preprocess.size), channels_of(spec)
    return list(batches(len(scoring_set), max(4 * channels[name] * side[0] * side[1] for name, side in sides.items())))


@torch.inference_mode()
def _score(
    network: Backbone,
    names: Collection[str],
    scoring_set: ScoringSet,
    steps: Sequence[slice],
    criterion: Criterion,
    config: PruneConfig,
    report: Report = silent,
) -> dict[str, Scores]:
    """Scores of all channels of the maps at the named nodes; one pass, or two where a quantile is needed first."""
    assert isinstance(network.features, fx.GraphModule)
    count, share = len(scoring_set), criterion.quantile
    passes = 1 if share is None else 2
    quantiles, tallies = dict[str, Quantile](), dict[str, Tally]()
    if share is not None:
        for where in steps:
            for name, values in walk(network.features, network.inputs(scoring_set.images[where]), names):
                quantiles.setdefault(name, Quantile(values.shape[1], share, network.device)).add(values)
            report(where.stop, passes * count, "scoring")
    tops = {name: quantile.value() for name, quantile in quantiles.items()}
    for where in steps:
        for name, values in walk(network.features, network.inputs(scoring_set.images[where]), names):
            maps = scoring_set.maps(values, where, tops.get(name), wrap=False)
            tallies.setdefault(name, Tally(count, values.shape[1])).add(where, criterion.function(maps))
        report((passes - 1) * count + where.stop, passes * count, "scoring")
    return {name: tally.by_group(scoring_set.groups, criterion.pooled) for name, tally in tallies.items()}
