"""The networks of a sweep that are searched within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ftl.data.dataset import FOLDS, Dataset
from ftl.data.masks import MaskSet
from ftl.models.backbone import Backbone
from ftl.models.layout import DESCRIPTION, Budget
from ftl.models.network_folder import write_network
from ftl.progress import Report, silent
from ftl.pruning.settings import How
from ftl.sweeping.made_networks import photographs_of, stopping_split
from ftl.sweeping.manifest import made_with
from ftl.sweeping.pruned import choose_filters, source_of
from ftl.sweeping.width_search import RATIOS, pruned_to, search
from ftl.training.finetune import fine_tune
from ftl.training.settings import Recipe

TRIAL = Recipe(epochs=3)
"""How networks of a search are tried, on `MOST` images."""

MOST = 400


def make_budget_networks(
    backbone: Backbone,
    masks: MaskSet,
    learn: Dataset,
    out: Path,
    budgets: Sequence[Budget],
    how: How,
    *,
    photo: str | None = None,
    threads: int | None = None,
    report: Report = silent,
) -> None:
    """Write a folder per budget of the sweep begun in `out`; what is there already, whole, is left as it is.

    Filters are ranked in the unpruned network (mode `once`). Only images that are trained on are looked at. Raises
    `FtlError` when a budget is too small for any network.
    """
    missing = [one for one in budgets if not (out / one.name / DESCRIPTION).is_file()]
    if not missing:
        return
    source = source_of(backbone, how)
    ((_, choices),) = choose_filters(backbone, masks, [1.0], replace(how, rule="fraction", round_to=1), "once", report)
    fit, stop, _ = stopping_split(learn, seed=how.seed, photo=photo, most=FOLDS)
    fit, stop = fit[:: max(1, -(-len(fit) // MOST))], stop[:: max(1, -(-len(stop) // MOST))]
    photographs = photographs_of(learn.paths, backbone.preprocess.size)

    def loss(network: Backbone) -> float:
        tried = fine_tune(network, photographs, learn.labels, learn.classes, fit, stop, recipe=TRIAL, seed=how.seed)
        return min(point.stop_loss for point in tried.curve)

    for budget in missing:
        losses: list[list[float]] = []

        def hear(ratio: float, lost: float, losses: list[list[float]] = losses, budget: Budget = budget) -> None:
            losses.append([ratio, lost])
            report(len(losses), len(RATIOS), f"searching {budget.name}")

        report(0, len(RATIOS), f"searching {budget.name}")
        chosen = search(source, choices, budget, learn.classes, loss, threads, hear)
        report(len(RATIOS), len(RATIOS), f"searching {budget.name}")
        made = made_with(out) | {"budget": budget._asdict(), "searched": losses, "mode": "once"}
        write_network(out / budget.name, pruned_to(source, chosen), chosen, None, made)
