"""The plan of a sweep: which tasks are left, which follow from what is done, and how far all are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ftl.config import SweepConfig
from ftl.data.dataset import Dataset
from ftl.data.masks import MaskSet
from ftl.errors import raise_together
from ftl.models.layout import DESCRIPTION, SEGMENTED, TUNED, UNPRUNED, folder_name
from ftl.progress import FAILED, LOOKING, TESTED, CandidateProgress, Follow, Report, silent, unheard
from ftl.pruning.layerwise import Branch
from ftl.sweeping.pruned import lacking
from ftl.sweeping.segmented import MaskParts, is_segmented
from ftl.sweeping.tasks import Finish, Score, Task, is_done
from ftl.sweeping.tuned_networks import ANSWERS

Take = Callable[[Task, Any], Iterable[Task]]
"""Hears that a task is done, with the branches that go on and the names of the networks that it wrote; gives the tasks
that follow."""

Fail = Callable[[Task, Exception], None]
"""Hears that a task failed; the others go on unless it raises."""


class Executor(Protocol):
    """Where tasks run: in this process, or on a cluster."""

    def run(self, tasks: Iterable[Task], take: Take, failed: Fail) -> None:
        """Do tasks, those of higher priority first, and those that follow."""

    def measure_latency(self, folders: Sequence[Path], runtimes: Sequence[str]) -> None:
        """Measure the latency of networks, each alone."""


@dataclass
class Plan:
    """A sweep that is computed: what it is made from, and who listens.

    `learn`, `judge`: what classifiers are trained on and tested with; None where there are none. `parts`: photographs
    for networks that draw masks. `seen`: the share of its photographs that each candidate has looked at.
    """

    out: Path
    config: SweepConfig
    masks: MaskSet
    learn: Dataset | None
    judge: Dataset | None
    parts: MaskParts | None = None
    report: Report = silent
    follow: Follow = unheard
    seen: dict[str, float] = field(default_factory=dict)

    def wanted(self) -> dict[str, float]:
        """All candidates with their keep fractions; half for the rule that has none, a tenth for a budget."""
        networks = dict.fromkeys(self.config.networks, 0.1) | {UNPRUNED: 1.0}
        networks |= {folder_name(keep): keep or 0.5 for keep in self.config.fractions}
        return {name: keep for network, keep in networks.items() for name in self.config.candidates([network])}

    def tell(self, progress: CandidateProgress) -> None:
        """Pass on how far a candidate is, and how far all are: a network's work grows with its fraction squared."""
        work = {name: keep * keep + 0.01 for name, keep in self.wanted().items()}
        if progress.name not in work:
            if not self.seen:  # all wait for the scores; afterwards these are the smaller part
                self.report(progress.done, progress.total, progress.what)
            return
        self.follow(progress)
        if progress.what in (LOOKING, TESTED):
            self.seen[progress.name] = progress.done / progress.total
            share = sum(work[name] * part for name, part in self.seen.items()) / sum(work.values())
            self.report(round(1000 * share), 1000, LOOKING)

    def is_done(self, task: Finish) -> bool:
        """Whether a candidate is made, trained and tested on what this sweep is made from."""
        if task.head == SEGMENTED:
            assert self.parts is not None
            return is_segmented(self.out / task.network, self.out / task.name, self.config, self.parts)
        return is_done(task, self.out, self.config, *self._digests)

    @cached_property
    def _digests(self) -> tuple[str, str]:
        assert self.learn is not None
        assert self.judge is not None
        return self.learn.digest(), self.judge.digest()

    @property
    def images(self) -> int:
        """Images of the larger of both data sets."""
        return max(len(side) if side is not None else 0 for side in (self.learn, self.judge))

    def there(self) -> list[str]:
        """The networks that candidates can be made of."""
        return [name for name in self.config.networks if (self.out / name / DESCRIPTION).is_file()]


def compute(plan: Plan, executor: Executor) -> None:
    """Make, train and test all networks of a sweep that are not finished.

    A candidate that learns from the unpruned network is begun once that can teach. Raises `FtlError` when a task
    failed; the other candidates are finished first.
    """
    out, config, wanted, errors = plan.out, plan.config, plan.wanted(), dict[str, Exception]()
    begun: set[str] = set()  # or finished before

    def candidates(network: str) -> list[Finish]:
        tasks = []
        for head in config.heads_of(network):
            task = Finish(network, head, 0.0)
            learns = head == TUNED and config.distills
            if task.name not in begun and not (learns and not (out / UNPRUNED / ANSWERS).is_file()):
                begun.add(task.name)
                tasks.append(task._replace(priority=1 + wanted[task.name]))  # large ones are begun first
        return tasks

    def take(task: Task, done: tuple[list[Branch], list[str]]) -> list[Task]:
        branches, networks = done
        if isinstance(task, Finish):
            plan.tell(CandidateProgress(task.name, TESTED, 1, 1))
            networks = plan.there() if task.name == UNPRUNED else []
        return [*map(Score, branches), *(following for name in networks for following in candidates(name))]

    def failed(task: Task, error: Exception) -> None:
        if isinstance(task, Score):
            raise error
        errors[task.name] = error
        plan.tell(CandidateProgress(task.name, FAILED, error=str(error)))

    for network in plan.there():
        for head in config.heads_of(network):
            task = Finish(network, head, 0.0)
            if plan.is_done(task):
                begun.add(task.name)
                plan.tell(CandidateProgress(task.name, TESTED, 1, 1))
    tasks: list[Task] = [task for network in plan.there() for task in candidates(network)]
    if missing := lacking(out, config.fractions):
        tasks.append(Score(Branch(tuple(missing))))
    executor.run(tasks, take, failed)
    raise_together("the other candidates are finished; these failed", (f"{k}: {e}" for k, e in errors.items()))
