"""From masks and photographs to measured, pickable networks in one go, going on where a killed run stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ftl.backbones.chain import Backbone
from ftl.candidate import Candidate
from ftl.choose import Choice, Front, choose, pareto
from ftl.dataset import Dataset, load_dataset, split
from ftl.errors import FtlError
from ftl.evaluate import apart, evaluate, time_all
from ftl.features import extract
from ftl.files import alone
from ftl.masks import MaskSet
from ftl.progress import Report, silent
from ftl.pruning.sweep import make_networks, networks
from ftl.results import write_results
from ftl.train import train


@dataclass(frozen=True)
class Sweep:
    """All candidates of one run, measured; the base is among them."""

    out: Path
    candidates: tuple[Candidate, ...]

    def pareto(self) -> Front:
        """The front of accuracy over time."""
        return pareto(self.candidates)

    def choose(self, preset: str = "balanced") -> Choice:
        """The pick by decision score and what stands around it."""
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
    seed: int = 0,
    photo: str | None = None,
    positive: str | None = None,
    threads: int | None = None,
    report: Report = silent,
) -> Sweep:
    """Prune, extract, train, test and time a sweep; steps that are done in `out` are not done again.

    `positive`: the class that is looked for, where its name does not tell.
    Without `evaluation`, a quarter of `dataset` (by photo where `photo` tells it) is set aside as the test set first.
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
    with alone(Path(out)):
        make_networks(
            backbone,
            masks,
            out,
            keep,
            criterion_name=criterion,
            rule=rule,
            mode=mode,
            faithful=faithful,
            seed=seed,
            report=report,
        )
        folders = networks(out)
        for folder in folders:
            extract(folder, learn, report)
        for done, folder in enumerate(folders):
            report(done, len(folders), "training")
            train(folder, seed=seed, photo=photo, positive=positive)
        report(len(folders), len(folders), "training")
        judge = apart(folders[0], judge, photo)
        for folder in folders:
            evaluate(folder, judge, report)
        time_all(folders, threads, report)
        return Sweep(Path(out), tuple(write_results(out)))
