"""The networks of a sweep that are searched within a budget."""

from __future__ import annotations

from pathlib import Path

from ftl.config import ONE_SHOT, FineTuneConfig, SweepConfig
from ftl.data.dataset import FOLDS, Dataset
from ftl.data.masks import MaskSet
from ftl.data.photographs import photographs_of
from ftl.models.backbone import Backbone
from ftl.models.layout import DESCRIPTION, Budget, parse_budgets
from ftl.models.network_folder import write_network
from ftl.progress import Report, silent
from ftl.pruning.choose import choose_filters, source_of
from ftl.pruning.criteria import Criterion
from ftl.sweeping.manifest import made_with
from ftl.sweeping.width_search import RATIOS, pruned_to, search
from ftl.training.finetune import fine_tune
from ftl.training.train import stopping_split

TRIAL = FineTuneConfig(epochs=3)
"""How networks of a search are tried, on `MOST` images."""

MOST = 400


def make_budget_networks(
    backbone: Backbone,
    masks: MaskSet,
    learn: Dataset,
    out: Path,
    config: SweepConfig,
    report: Report = silent,
    criterion: Criterion | None = None,
) -> None:
    """Write a folder per budget of the sweep begun in `out`; those that are there already stay.

    Filters are ranked in the unpruned network, in one pass. Only images that are trained on are looked at. Raises
    `FtlError` when a budget is too small for any network.
    """
    missing = [one for one in parse_budgets(config.budgets) if not (out / one.name / DESCRIPTION).is_file()]
    if not missing:
        return
    source = source_of(backbone, config.faithful)
    ranking = config.but(mode=ONE_SHOT, rule="fraction", round_to=1)
    ((_, choices),) = choose_filters(backbone, masks, [1.0], ranking, report, criterion)
    fit, stop, _ = stopping_split(learn, seed=config.seed, photo=config.photo, most=FOLDS)
    fit, stop = fit[:: max(1, -(-len(fit) // MOST))], stop[:: max(1, -(-len(stop) // MOST))]
    photographs = photographs_of(learn.paths, backbone.preprocess.size)

    def loss(network: Backbone) -> float:
        tried = fine_tune(network, photographs, learn.labels, learn.classes, fit, stop, config=TRIAL, seed=config.seed)
        return min(point.stop_loss for point in tried.curve)

    for budget in missing:
        losses: list[list[float]] = []

        def hear(ratio: float, lost: float, losses: list[list[float]] = losses, budget: Budget = budget) -> None:
            losses.append([ratio, lost])
            report(len(losses), len(RATIOS), f"searching {budget.name}")

        report(0, len(RATIOS), f"searching {budget.name}")
        chosen = search(source, choices, budget, learn.classes, loss, config.threads, hear)
        report(len(RATIOS), len(RATIOS), f"searching {budget.name}")
        origin = made_with(out) | {"budget": budget._asdict(), "searched": losses, "mode": ONE_SHOT}
        write_network(out / budget.name, pruned_to(source, chosen), chosen, None, origin)
