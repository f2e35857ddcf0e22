"""Filters of a network that is no chain, chosen tie by tie: `once`, from the whole network, or as a `cascade`.

What a tie is, and how the scores on its maps become one, is defined in `ftl.pruning.coupling`.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import torch
from torch import fx

from ftl.models.backbone import Backbone
from ftl.models.graph import channels_of, shapes, walk
from ftl.models.layer_choice import Chosen, LayerChoice
from ftl.progress import Report, silent
from ftl.pruning.coupling import Tie, ties
from ftl.pruning.scoring import Evidence, Quantile, Tally, batches, weight_scores
from ftl.pruning.selection import pick, pick_all
from ftl.pruning.settings import JOINTS, How
from ftl.pruning.surgery import cut, dependencies

Scores = dict[str, np.ndarray]
"""By group: float32 (C,)."""


def joint_once(
    backbone: Backbone, evidence: Evidence, fractions: Sequence[float | None], how: How, report: Report = silent
) -> Iterator[Chosen]:
    """Choose the filters of all ties from their scores in the unpruned network, for each of the fractions."""
    found, steps = ties(backbone), _steps(backbone, evidence)
    if how.criterion.looks_at != "maps":
        scored = [_by_weights(backbone, tie, evidence, how) for tie in found]
    else:
        maps = _score(backbone, {name for tie in found for name in _read(tie, how)}, evidence, steps, how, report)
        scored = [_join([maps[name] for name in _read(tie, how)], how) for tie in found]
    for fraction in fractions:
        rows = zip(found, scored, pick_all(scored, how.rule, fraction, round_to=how.round_to), strict=True)
        yield fraction, [LayerChoice(tie.name, scores, kept, tied, tie.members) for tie, scores, (kept, tied) in rows]


def joint_cascade(
    backbone: Backbone, evidence: Evidence, fractions: Sequence[float | None], how: How, report: Report = silent
) -> Iterator[Chosen]:
    """Choose the filters of tie after tie, each scored on the network in which all ties before it are cut.

    Fractions that agree so far are scored once. Forward passes end at the last map that a tie is read at.
    """
    found, steps = ties(backbone), _steps(backbone, evidence)
    known: dict[tuple[tuple[int, ...], ...], Scores] = {}  # by what the ties before keep
    for number, fraction in enumerate(fractions):
        network = copy.deepcopy(backbone)
        graph, convolutions = dependencies(network), network.convolutions()
        chosen: list[LayerChoice] = []
        for depth, tie in enumerate(found):
            before = tuple(tuple(choice.kept) for choice in chosen)
            if before not in known:
                if how.criterion.looks_at != "maps":
                    known[before] = _by_weights(network, tie, evidence, how)
                else:
                    maps = _score(network, _read(tie, how), evidence, steps, how)
                    known[before] = _join([maps[name] for name in _read(tie, how)], how)
            kept, tied = pick(known[before], how.rule, fraction, round_to=how.round_to)
            chosen.append(LayerChoice(tie.name, known[before], kept, tied, tie.members))
            cut(graph, convolutions[tie.name], chosen[-1].kept, tie.name)
            report(number * len(found) + depth + 1, len(fractions) * len(found), "scoring")
        yield fraction, chosen


def _read(tie: Tie, how: How) -> tuple[str, ...]:
    return tie.before if how.read == "before" else tie.after


def _join(parts: Sequence[Scores], how: How) -> Scores:
    """One score per filter from those on several maps, group by group."""
    return {group: JOINTS[how.joint]([one[group] for one in parts], axis=0) for group in parts[0]}


@torch.inference_mode()
def _by_weights(network: Backbone, tie: Tie, evidence: Evidence, how: How) -> Scores:
    convolutions = network.convolutions()
    depths = {name: depth for depth, name in enumerate(convolutions)}
    groups = list(evidence.groups)
    parts = [weight_scores(how.criterion, convolutions[name], depths[name], groups, how.seed) for name in tie.members]
    return _join(parts, how)


def _steps(backbone: Backbone, evidence: Evidence) -> list[slice]:
    """Batches in which the largest map of the whole network stays small."""
    spec = backbone.spec()
    assert isinstance(spec, dict)
    sides, channels = shapes(spec, backbone.preprocess.size), channels_of(spec)
    return list(batches(len(evidence), max(4 * channels[name] * side[0] * side[1] for name, side in sides.items())))


@torch.inference_mode()
def _score(
    network: Backbone,
    names: Collection[str],
    evidence: Evidence,
    steps: Sequence[slice],
    how: How,
    report: Report = silent,
) -> dict[str, Scores]:
    """Scores of all channels of the maps at the named nodes; one pass, or two where a quantile is needed first."""
    assert isinstance(network.features, fx.GraphModule)
    count, share = len(evidence), how.criterion.quantile
    passes = 1 if share is None else 2
    quantiles, tallies = dict[str, Quantile](), dict[str, Tally]()
    if share is not None:
        for where in steps:
            for name, values in walk(network.features, network.preprocess(evidence.images[where]), names):
                quantiles.setdefault(name, Quantile(values.shape[1], share)).add(values)
            report(where.stop, passes * count, "scoring")
    tops = {name: quantile.value() for name, quantile in quantiles.items()}
    for where in steps:
        for name, values in walk(network.features, network.preprocess(evidence.images[where]), names):
            maps = evidence.maps(values, where, tops.get(name), wrap=False)
            tallies.setdefault(name, Tally(count, values.shape[1])).add(where, how.criterion.function(maps))
        report((passes - 1) * count + where.stop, passes * count, "scoring")
    return {name: tally.by_group(evidence.groups, how.criterion.pooled) for name, tally in tallies.items()}
