"""The driver of a sweep on a cluster: hands out its steps, takes in what comes back, goes on where it was cut off.

Steps are handed out as they become possible: branches of the cascade, and each candidate once its network is there.
What is finished lies in the sweep's folder, whole. When a worker is lost, another does its step; when the scheduler is,
the driver waits until it is back, and hands out what is not finished.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Client

from ftl.config import SweepConfig
from ftl.data.dataset import Dataset
from ftl.data.masks import MaskSet
from ftl.errors import FtlError, raise_together
from ftl.evaluation.runtimes import PYTORCH, check_runtimes
from ftl.files import digest, read_json, whole_file, whole_folder
from ftl.models.layout import (
    BASE,
    DESCRIPTION,
    HEAD,
    LINEAR,
    TEST,
    TUNED,
    VALIDATION,
    WEIGHTS,
    candidate_name,
    folder_name,
)
from ftl.models.network_folder import network_digest, read_description
from ftl.progress import FAILED, LOOKING, TESTED, Follow, Report, Told, silent, unheard
from ftl.pruning.keep_branches import Branch
from ftl.sweeping.cluster_latency import has_others, time_networks, timing_worker
from ftl.sweeping.connection import Lost, Unreachable, connected, talking
from ftl.sweeping.dispatch import Sources, Step, drain, files_of
from ftl.sweeping.made_networks import ANSWERS
from ftl.sweeping.manifest import SETTINGS, made_with
from ftl.sweeping.packing import pack_dataset, pack_masks
from ftl.sweeping.pruned import lacking, networks
from ftl.sweeping.tasks import Made, Plan, finish, mark, score
from ftl.sweeping.worker_files import File

PATIENCE = 120.0
"""Seconds to wait for a scheduler that was lost."""

START_PATIENCE = 20.0
"""Seconds to wait for a scheduler's file, and for who is named in it."""

_NETWORK = (DESCRIPTION, WEIGHTS)


@dataclass
class _Work:
    """A sweep being computed: what is the same for all its steps.

    `events`: what workers told and nobody has heard yet. `seen`: the share of its photographs that each candidate has.
    """

    out: Path
    plan: Plan
    sources: Sources
    report: Report
    follow: Follow
    events: deque[Told] = field(default_factory=deque)
    seen: dict[str, float] = field(default_factory=dict)

    def wanted(self) -> dict[str, float]:
        """All candidates with their keep fractions; half for the rule that has none, a tenth for a budget."""
        config = self.plan.config
        networks = dict.fromkeys(config.networks, 0.1) | {BASE: 1.0}
        networks |= {folder_name(keep): keep or 0.5 for keep in config.fractions}
        return {name: keep for network, keep in networks.items() for name in config.candidates([network])}

    def listen(self) -> None:
        """Tell what workers have told since; in this thread, for the client's own must not wait for a listener."""
        while self.events:
            self.tell(self.events.popleft())

    def tell(self, told: Told) -> None:
        """Pass on how far a candidate is, and how far all are: a network's work grows with its fraction squared."""
        work = {name: keep * keep + 0.01 for name, keep in self.wanted().items()}
        if told.name not in work:
            if not self.seen:  # all wait for the scores; afterwards these are the smaller part
                self.report(told.done, told.total, told.what)
            return
        self.follow(told)
        if told.what in (LOOKING, TESTED):
            self.seen[told.name] = told.done / told.total
            share = sum(work[name] * part for name, part in self.seen.items()) / sum(work.values())
            self.report(round(1000 * share), 1000, LOOKING)


def compute(
    scheduler: str,
    out: Path,
    masks: MaskSet,
    learn: Dataset,
    judge: Dataset,
    config: SweepConfig,
    *,
    time_on: str | None = None,
    store: str | None = None,
    report: Report = silent,
    follow: Follow = unheard,
) -> None:
    """Make, train, test and time the networks of the sweep begun in `out`, by the workers of `scheduler`.

    `time_on`: the name of the worker whose machine
    takes the times, and does nothing else while there are workers on other machines; by default one that is idle.
    `store`: an address for fsspec (`ftl.sweeping.store`) where workers fetch the files that they do not see; by default
    this process sends them. `follow`: hears how far each candidate is. This process makes the files
    that runtimes other than PyTorch take.
    Raises `FtlError` when there is no scheduler, no worker, or a step fails; the other candidates are finished first.
    """
    sources: Sources = {}
    for side in (learn, judge):
        sources |= dict(zip(side.digests, side.paths, strict=True))

    def packed(content: bytes) -> File:
        sha256 = hashlib.sha256(content).hexdigest()
        sources[sha256] = content
        return File("", sha256)

    settings = (out / SETTINGS).absolute()
    plan = Plan(
        out=str(settings.parent),
        base=files_of(out / BASE, _NETWORK, sources),
        masks=packed(pack_masks(masks)),
        learn=packed(pack_dataset(learn)),
        judge=packed(pack_dataset(judge)),
        learn_sha256=learn.digest(),
        judge_sha256=judge.digest(),
        made_with=made_with(settings.parent),
        config=config,
        store=store,
        topic=f"ftl-{uuid.uuid4().hex}.draft-{os.getpid()}",
    )
    work, runtimes = _Work(out, plan, sources, report, follow), check_runtimes(config.runtimes)
    # until when to wait for the scheduler; one that writes a file may be about to start
    until: float | None = time.monotonic() + (0.0 if "://" in scheduler else START_PATIENCE)
    with _marked(plan):
        while True:
            try:
                with connected(scheduler) as client:
                    until = None
                    address, name = timing_worker(client, time_on)  # that there is none is told now, not after hours
                    work.plan = plan._replace(rests=name if time_on and has_others(client, address) else None)
                    with talking():
                        client.subscribe_topic(plan.topic, lambda event: work.events.append(Told(*event[1])))
                    _candidates(client, work)
                    if runtimes != [PYTORCH]:
                        from ftl.exporting.prepared import prepare

                        prepare(networks(out), runtimes, report)
                    time_networks(
                        client,
                        plan,
                        sources,
                        networks(out),
                        config.threads,
                        time_on,
                        report,
                        work.listen,
                        work.tell,
                        runtimes,
                    )
                return
            except (Lost, Unreachable) as error:
                until = until or time.monotonic() + PATIENCE
                if time.monotonic() > until:
                    raise Unreachable(f"{error}; what is finished stays") from error
            time.sleep(1)


@contextmanager
def _marked(plan: Plan) -> Iterator[None]:
    """Mark the sweep's folder for workers that see it."""
    mark(plan).touch()
    try:
        yield
    finally:
        mark(plan).unlink(missing_ok=True)


def _candidates(client: Client, work: _Work) -> None:
    """Make, train and test all networks that are not finished."""
    plan, out, wanted, errors = work.plan, work.out, work.wanted(), dict[str, Exception]()
    begun: set[str] = set()  # or finished before

    def candidates(name: str) -> list[Step]:
        """What is to be done for a network's candidates; those that learn from the unpruned one, once it can teach."""
        files, steps = files_of(out / name, _NETWORK, work.sources), []
        for head in (LINEAR, *plan.config.heads_of(name)):
            made, learns = candidate_name(name, head), head == TUNED and plan.config.distills
            if made in begun or (learns and not (out / BASE / ANSWERS).is_file()):
                continue
            begun.add(made)
            teacher = files_of(out / BASE, (ANSWERS,), work.sources) if learns else ()
            # large ones are begun first
            steps.append(Step(made, finish, (name, files, head, teacher), priority=1 + wanted[made]))
        return steps

    def there() -> list[str]:
        """The networks that candidates can be made of."""
        return [name for name in plan.config.networks if (out / name / DESCRIPTION).is_file()]

    def scoring(branch: Branch) -> Step:
        return Step("scoring", score, (branch,), priority=1.5)

    def take(step: Step, result: Any) -> list[Step]:
        if step.function is finish:
            _keep(out, result)
            work.tell(Told(result.name, TESTED, 1, 1))
            return [one for name in there() for one in candidates(name)] if result.name == BASE else []
        onward, made = result
        for one in made:
            _keep(out, one)
        return [*map(scoring, onward), *(step for one in made for step in candidates(one.name))]

    def failed(step: Step, error: Exception) -> None:
        if step.function is not finish:
            raise error
        errors[step.name] = error
        work.tell(Told(step.name, FAILED, error=str(error)))

    missing = lacking(out, plan.config.fractions)
    for name in there():
        for head in (LINEAR, *plan.config.heads_of(name)):
            if _finished(out, name, head, plan):
                begun.add(candidate_name(name, head))
                work.tell(Told(candidate_name(name, head), TESTED, 1, 1))
    steps = [step for name in there() for step in candidates(name)]
    if missing:
        steps.append(scoring(Branch(tuple(missing))))
    drain(client, plan, work.sources, steps, take, failed, work.listen)
    raise_together("the other candidates are finished; these failed", (f"{k}: {e}" for k, e in errors.items()))


def _finished(out: Path, name: str, head: str, plan: Plan) -> bool:
    """Whether a network's candidate was made, trained and tested on these data, and can teach if it has to."""
    folder = out / candidate_name(name, head)
    try:
        validation, tested, own = read_json(folder / VALIDATION), read_json(folder / TEST), digest(folder / HEAD)
        of = network_digest(out / name) if head == LINEAR else read_description(folder)["from_sha256"]
    except (FtlError, OSError):
        return False
    made_from = {"dataset_sha256": plan.learn_sha256, "seed": plan.config.seed, "photo": plan.config.photo}
    made_from["looked_for"] = plan.config.positive
    if head == TUNED:
        made_from["fine_tune"] = plan.config.fine_tune.model_dump()
    teaches = name == BASE and head == LINEAR and plan.config.distills
    return (
        all(validation.get(key) == value for key, value in made_from.items())
        and of == network_digest(out / name)
        and (not teaches or (out / BASE / ANSWERS).is_file())
        and tested.get("evaluation_sha256") == plan.judge_sha256
        and tested.get("network_sha256") == network_digest(folder)
        and tested.get("head_sha256") == own
    )


def _keep(out: Path, made: Made) -> None:
    """Write what a worker sent back; one that works in the sweep's folder has written it."""
    folder = out / made.name
    if DESCRIPTION in made.files:
        with whole_folder(folder) as draft:
            for name, content in made.files.items():
                (draft / name).write_bytes(content)
        return
    for name in made.files:
        (folder / name).unlink(missing_ok=True)  # of an earlier run: old and new must not stand together
    for name, content in made.files.items():
        with whole_file(folder / name) as target:
            target.write_bytes(content)
