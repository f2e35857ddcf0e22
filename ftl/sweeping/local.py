"""From masks and photographs to measured, pickable networks in one go, going on where a killed run stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ftl.data.dataset import Dataset, LeftOut, load_dataset, split, without
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate
from ftl.evaluation.decision import Choice, Front, choose, pareto
from ftl.evaluation.runtimes import PYTORCH, check_runtimes
from ftl.files import alone
from ftl.latency.networks import time_all
from ftl.models.backbone import Backbone
from ftl.models.layout import BASE, folder_name, parse_budgets
from ftl.progress import Follow, Report, silent, unheard
from ftl.pruning.criteria import criterion as criterion_of
from ftl.pruning.network_criteria import bind, check_scores
from ftl.pruning.settings import How
from ftl.sweeping.budgets import make_budget_networks
from ftl.sweeping.evaluate import evaluate
from ftl.sweeping.heads import train_all
from ftl.sweeping.manifest import scored_in
from ftl.sweeping.pruned import begin_sweep, lacking, make_networks, networks
from ftl.sweeping.results import write_results
from ftl.training.settings import Tuning


@dataclass(frozen=True)
class Sweep:
    """All candidates of one run, measured; the base is among them. `left_out`: of the test set, as seen before."""

    out: Path
    candidates: tuple[Candidate, ...]
    left_out: LeftOut

    def pareto(self) -> Front:
        """The front of accuracy over time."""
        return pareto(self.candidates)

    def choose(self, preset: str | None = None) -> Choice:
        """The recommended network and what stands around it; `preset`: by decision score instead."""
        return choose(self.candidates, preset)


def sweep(
    backbone: Backbone,
    masks: MaskSet,
    *,
    dataset: str | Path | Dataset,
    evaluation: str | Path | Dataset | None = None,
    keep: Sequence[float] = (0.05, 0.1, 0.2, 0.5),
    out: str | Path = "models",
    criterion: str = "iou",
    rule: str = "fraction",
    mode: str = "cascade",
    faithful: bool = False,
    joint: str = "mean",
    read: str = "after",
    seed: int = 0,
    photo: str | None = None,
    positive: str | None = None,
    threads: int | None = None,
    scheduler: str | None = None,
    time_on: str | None = None,
    store: str | None = None,
    tuning: Tuning | None = None,
    budgets: Sequence[str] = (),
    runtimes: Sequence[str] = (PYTORCH,),
    round_to: int = 1,
    report: Report = silent,
    follow: Follow = unheard,
) -> Sweep:
    """Prune, extract, train, test and time a sweep; steps that are done in `out` are not done again.

    `scheduler`: of a Dask cluster that computes it, an address or a scheduler's file; `time_on`: the name of its worker
    that takes the times; `store`: an address for fsspec, as s3://bucket/folder, where its workers fetch the files that
    they do not see; `follow`: hears how far each candidate is there. Filters, heads and figures are the same as in one
    process.
    `joint`: mean or max, `read`: before or after: how filters are scored that can only go together, as those that a
    residual addition ties (`ftl.pruning.coupling`).
    `budgets`: networks to search besides, as "1%" of the multiply-adds or "5ms" for one image
    (`ftl.sweeping.width_search`): as timed here while they are searched, also where `time_on` takes the times in the
    end. `tuning`: candidates to make beside those with a linear head, as `Tuning(("tuned",))` for fine-tuned ones.
    `positive`: the class that is looked for, where its name does not tell. `runtimes`: of `ftl.evaluation.runtimes`,
    what networks are timed in, PyTorch in any case. `round_to`: layers keep a multiple of so many filters, rounded up.
    Without `evaluation`, a quarter of `dataset` (by photo where `photo` tells it) is set aside as the test set first.
    What of the test set chose filters or is trained on, itself or with `photo` by its photo, is left out of it.
    """
    learn = load_dataset(dataset, seed=seed) if not isinstance(dataset, Dataset) else dataset
    split(learn, seed=seed, photo=photo)  # what cannot be split is told before anything is computed
    if evaluation is None:
        rest, aside = split(learn, seed=seed + 1, photo=photo)
        learn, judge = learn.take(rest), learn.take(aside)
    else:
        judge = load_dataset(evaluation, seed=seed) if not isinstance(evaluation, Dataset) else evaluation
    if judge.classes != learn.classes:
        raise FtlError(f"the sets have different classes: {', '.join(learn.classes)} and {', '.join(judge.classes)}")
    if positive is not None and positive not in learn.classes:
        raise FtlError(f"there is no class {positive!r} to look for: there are {', '.join(learn.classes)}")
    out = Path(out)
    tuning, limits = tuning or Tuning(), parse_budgets(budgets)
    tuning.check(backbone)
    check_scores(criterion_of(criterion), backbone)
    how, runtimes = How(criterion_of(criterion), rule, seed, faithful, joint, read, round_to), check_runtimes(runtimes)
    with alone(out):
        fractions = begin_sweep(backbone, masks, out, keep, how, mode)
        if lacking(out, fractions) or limits:
            how = replace(how, criterion=bind(how.criterion, backbone, learn, seed, photo))
        make_budget_networks(backbone, masks, learn, out, limits, how, photo=photo, threads=threads, report=report)
        names = [BASE, *map(folder_name, fractions), *(one.name for one in limits)]
        judge, left_out = without(judge, learn, photo, scored_in(out))
        if scheduler is not None:
            if criterion_of(criterion).looks_at == "network":  # all its scores are known: nothing is left to share out
                make_networks(backbone, masks, out, fractions, how, mode, report)
            from ftl.sweeping.dask import compute  # an office of machines is not what every user needs

            compute(
                scheduler, out, masks, learn, judge, fractions, names,
                mode=mode, photo=photo, positive=positive, threads=threads, time_on=time_on, store=store, tuning=tuning,
                runtimes=runtimes, report=report, follow=follow,
            )  # fmt: skip
            return Sweep(out, tuple(write_results(out, left_out)), left_out)
        make_networks(backbone, masks, out, fractions, how, mode, report)
        train_all(
            [out / name for name in names], learn,
            tuning=tuning, seed=seed, photo=photo, positive=positive, report=report, follow=follow,
        )  # fmt: skip
        folders = networks(out)
        for folder in folders:
            evaluate(folder, judge, report)
        if runtimes != [PYTORCH]:
            from ftl.exporting.prepared import prepare  # ONNX is not what every user needs

            prepare(folders, runtimes, report)
        time_all(folders, threads, report, runtimes=runtimes)
        return Sweep(out, tuple(write_results(out, left_out)), left_out)
