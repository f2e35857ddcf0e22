"""A sweep computed in this process, one task after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftl.errors import FtlError
from ftl.latency.networks import time_all
from ftl.models.layout import SEGMENTED, UNPRUNED
from ftl.progress import LOOKING, TRAINING, CandidateProgress
from ftl.pruning.scoring import ScoringSet
from ftl.sweeping.manifest import engines_of, made_with
from ftl.sweeping.plan import Fail, Plan, Take
from ftl.sweeping.segmented import finish_segmenter
from ftl.sweeping.tasks import Finish, Score, Task, finish, score
from ftl.training.early_stopping import Epoch
from ftl.training.segment import ROUNDS


@dataclass
class Local:
    """Runs the tasks of a sweep here."""

    plan: Plan

    def run(self, tasks: Iterable[Task], take: Take, failed: Fail) -> None:
        """Do tasks, those of higher priority first, and those that follow."""
        waiting = [*tasks]
        while waiting:
            task = max(waiting, key=lambda one: one.priority)  # the first of equals
            waiting.remove(task)
            try:
                done = self._score(task) if isinstance(task, Score) else self._finish(task)
            except (FtlError, MemoryError) as error:
                failed(task, error)
                continue
            waiting += take(task, done)

    def measure_latency(self, folders: Sequence[Path], runtimes: Sequence[str]) -> None:
        """Measure the latency of networks on this machine."""
        time_all(folders, self.plan.config.threads, self.plan.report, runtimes=runtimes)

    def _score(self, task: Score) -> tuple[Any, list[str]]:
        plan = self.plan
        branches, folders = score(
            task.branch, plan.config, ScoringSet(plan.masks), plan.out / UNPRUNED, plan.out, made_with(plan.out),
            apart=False, report=plan.report,
        )  # fmt: skip
        return branches, [folder.name for folder in folders]

    def _finish(self, task: Finish) -> tuple[Any, list[str]]:
        plan, draws = self.plan, task.head == SEGMENTED
        rounds = ROUNDS if draws else plan.config.fine_tune.epochs

        def report(done: int, total: int, what: str) -> None:
            if what == LOOKING:
                plan.tell(CandidateProgress(task.name, what, done, total))
            else:
                plan.report(done, total, f"{what} {task.name}")

        def learnt(epoch: Epoch) -> None:
            plan.tell(CandidateProgress(task.name, TRAINING, epoch.epoch, rounds, epoch=epoch))

        folder = plan.out / task.network
        if draws:
            assert plan.parts is not None
            finish_segmenter(folder, plan.config, plan.parts, report=report, learnt=learnt)
        else:
            assert plan.learn is not None
            assert plan.judge is not None
            files = [*plan.learn.paths, *plan.judge.paths]
            finish(
                folder, task.head, plan.config, plan.learn, plan.judge, files, report=report, learnt=learnt,
                engines=engines_of(plan.out, plan.images),
            )  # fmt: skip
        return [], [task.name]
