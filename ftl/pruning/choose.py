"""Choose the filters of a network that answer to masks, and prune it to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ftl.config import LAYERWISE, ONE_SHOT, PruneConfig
from ftl.data.masks import MaskSet
from ftl.device import Device, run_on
from ftl.errors import FtlError
from ftl.formatting import exact
from ftl.models.backbone import Backbone, placed
from ftl.models.layer_choice import Chosen
from ftl.progress import Report, silent
from ftl.pruning import surgery
from ftl.pruning.coupled import choose_coupled_layerwise, choose_coupled_one_shot
from ftl.pruning.criteria import Criterion
from ftl.pruning.criteria import criterion as criterion_of
from ftl.pruning.layerwise import choose_layerwise
from ftl.pruning.one_shot import choose_one_shot
from ftl.pruning.scoring import ScoringSet

Mode = Callable[[Backbone, ScoringSet, Sequence[float | None], Criterion, PruneConfig, Report], Iterator[Chosen]]

_CHAIN: dict[str, Mode] = {LAYERWISE: choose_layerwise, ONE_SHOT: choose_one_shot}
_COUPLED: dict[str, Mode] = {LAYERWISE: choose_coupled_layerwise, ONE_SHOT: choose_coupled_one_shot}


def score(
    backbone: Backbone,
    masks: MaskSet,
    config: PruneConfig = PruneConfig(),
    report: Report = silent,
    *,
    device: Device = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Score the filters of the unpruned network in one pass.

    `device`: where it runs (`ftl.device.run_on`). Returns float32 (filters,) for each group of masks, by layer; of
    coupled layers once, by the first one's name.
    """
    with run_on(device):
        ((_, choices),) = choose_filters(backbone, masks, [1.0], config.but(mode=ONE_SHOT, rule="fraction"), report)
    return {choice.name: choice.scores for choice in choices}


def prune(
    backbone: Backbone,
    masks: MaskSet,
    keep: float,
    config: PruneConfig = PruneConfig(),
    report: Report = silent,
    *,
    device: Device = None,
) -> Backbone:
    """Prune a network to a keep fraction (above 0, at most 1) of its filters: those that `config` ranks best.

    With the rule `above-average`, `keep` is not looked at. `device`: as in `score`. Raises `FtlError` when the network
    cannot be pruned so.
    """
    fractions: list[float | None] = [None] if config.rule == "above-average" else [keep]
    check_prunable(backbone, fractions, config)
    with run_on(device):
        ((_, choices),) = choose_filters(backbone, masks, fractions, config, report)
    kept = {choice.name: choice.kept for choice in choices}
    return surgery.prune(source_of(backbone, config.faithful), kept)


def check_prunable(backbone: Backbone, fractions: Sequence[float | None], config: PruneConfig) -> None:
    """Raise `FtlError` for what is known to be wrong before anything is computed or written."""
    if not config.faithful:
        return
    if not backbone.is_chain:
        raise FtlError(f"{backbone.name} is no chain of layers, and the original program prunes no other: not faithful")
    given = [fraction for fraction in fractions if fraction is not None]
    fewest = min(conv.out_channels for conv in backbone.convolutions().values())
    if given and round((fewest - 1) * min(given)) < 1:
        least = next(step / 1000 for step in range(1, 1001) if round((fewest - 1) * step / 1000) >= 1)
        raise FtlError(
            f"keep fraction {exact(min(given))} leaves nothing of the layer with {fewest} filters, as the original "
            f"counts: keep at least {exact(least)}"
        )


def choose_filters(
    backbone: Backbone,
    masks: MaskSet,
    fractions: Sequence[float | None],
    config: PruneConfig = PruneConfig(),
    report: Report = silent,
    criterion: Criterion | None = None,
) -> Iterator[Chosen]:
    """Score and pick the filters of every layer for every fraction, given one after the other; nothing is cut yet.

    `config.faithful` feeds raw BGR and scores through untrained batch norms, as the original program does.
    `criterion`: that of the configuration, bound to what it looks at besides the masks (`bind`), if it needs that.
    """
    if not len(masks):
        raise FtlError("there are no photographs with masks to score filters by")
    criterion = criterion or criterion_of(config.criterion)
    return mode_of(backbone, config)(
        as_scored(backbone, config.faithful), ScoringSet(masks), fractions, criterion, config, report
    )


def mode_of(backbone: Backbone, config: PruneConfig) -> Mode:
    """How the filters of a network are scored and picked: of a chain layer by layer, else of coupled layers."""
    return (_CHAIN if backbone.is_chain else _COUPLED)[config.mode]


def source_of(backbone: Backbone, faithful: bool) -> Backbone:
    """The network that filters are cut from: itself, or as the original program has it."""
    return surgery.fresh_batch_norms(backbone) if faithful else backbone


def as_scored(backbone: Backbone, faithful: bool) -> Backbone:
    """The network whose activations are scored, where it is scored: what is cut.

    The original program feeds it raw BGR; its scores are exact, and so are computed on the CPU.
    """
    if not faithful:
        return placed(backbone)
    source = source_of(backbone, faithful)
    source.preprocess = replace(source.preprocess, kind="raw")
    return source
