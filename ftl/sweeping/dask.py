"""A sweep computed by the workers of a Dask cluster: its tasks are handed out, and what comes back is kept.

What is finished lies in the sweep's folder, whole. When a worker is lost, another does its task; when the scheduler is,
this process waits until it is back, and hands out what is not finished.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Client

from ftl.device import asked_device
from ftl.files import whole_file, whole_folder
from ftl.models.engines import engines
from ftl.models.layout import DESCRIPTION, SEGMENTED, TUNED, UNPRUNED, WEIGHTS
from ftl.progress import CandidateProgress
from ftl.sweeping.cluster_latency import has_others, time_networks, timing_worker
from ftl.sweeping.connection import Lost, Unreachable, connected, talking
from ftl.sweeping.dispatch import Sources, Step, drain, files_of
from ftl.sweeping.manifest import engines_of, made_with
from ftl.sweeping.packing import pack_dataset, pack_masks, pack_parts
from ftl.sweeping.plan import Executor, Fail, Plan, Take
from ftl.sweeping.tasks import Score, Task
from ftl.sweeping.tuned_networks import ANSWERS, MASKS
from ftl.sweeping.worker import Returned, Shared, finish_there, mark, score_there, segment_there
from ftl.sweeping.worker_files import File

PATIENCE = 120.0
"""Seconds to wait for a scheduler that was lost."""

START_PATIENCE = 20.0
"""Seconds to wait for a scheduler's file, and for who is named in it."""

_NETWORK = (DESCRIPTION, WEIGHTS)


@dataclass
class Cluster:
    """Runs the tasks of a sweep on the workers of a connected cluster.

    `sources`: where this process has what workers may lack. `events`: what workers reported and nobody has heard yet.
    """

    client: Client
    plan: Plan
    shared: Shared
    sources: Sources
    time_on: str | None = None
    events: deque[CandidateProgress] = field(default_factory=deque)

    def run(self, tasks: Iterable[Task], take: Take, failed: Fail) -> None:
        """Do tasks, those of higher priority first, and those that follow."""

        def done(step: Step, result: Any) -> list[Step]:
            branches, networks = result if isinstance(step.task, Score) else ([], [result])
            for network in networks:
                _keep(self.plan.out, network)
            return [self._step(task) for task in take(step.task, (branches, [network.name for network in networks]))]

        steps = [self._step(task) for task in tasks]
        drain(
            self.client, self.shared, self.sources, steps, done,
            lambda step, error: failed(step.task, error), self.listen,
        )  # fmt: skip

    def measure_latency(self, folders: Sequence[Path], runtimes: Sequence[str]) -> None:
        """Measure the latency of networks on one machine of the cluster, while its workers do nothing else."""
        shared = self.shared._replace(rests=None)
        time_networks(
            self.client, shared, self.sources, folders, self.plan.config.threads, self.time_on, self.plan.report,
            self.listen, self.plan.tell, runtimes,
        )  # fmt: skip

    def listen(self) -> None:
        """Pass on what workers have reported; in this thread, for the client's own must not wait for a listener."""
        while self.events:
            self.plan.tell(self.events.popleft())

    def _step(self, task: Task) -> Step:
        if isinstance(task, Score):
            return Step(task.name, score_there, (task.branch,), task, priority=task.priority)
        out, learns = self.plan.out, task.head == TUNED and self.plan.config.distills
        network = files_of(out / task.network, _NETWORK, self.sources)
        if task.head == SEGMENTED:
            return Step(task.name, segment_there, (task, network), task, priority=task.priority)
        teacher = files_of(out / UNPRUNED, (ANSWERS,), self.sources) if learns else ()
        if task.head == TUNED and self.plan.config.learns_masks:
            teacher += files_of(out, (MASKS,), self.sources)
        return Step(task.name, finish_there, (task, network, teacher), task, priority=task.priority)


def on_cluster(
    scheduler: str,
    plan: Plan,
    steps: Callable[[Executor], None],
    *,
    time_on: str | None = None,
    store: str | None = None,
) -> None:
    """Have `steps` done by the workers of a cluster, again from what is finished when its scheduler was lost.

    `time_on`: the name of the worker whose machine takes the times, and does nothing else while there are workers on
    other machines; by default one that is idle. `store`: an address for fsspec (`ftl.sweeping.store`) where workers
    fetch the files that they do not see; by default this process sends them. Raises `FtlError` when there is no
    scheduler or no worker.
    """
    sources: Sources = {}
    for side in (plan.learn, plan.judge):
        sources |= {} if side is None else dict(zip(side.digests, side.paths, strict=True))
    if plan.parts is not None:
        sources |= plan.parts.data.files()

    def packed(content: bytes) -> File:
        sha256 = hashlib.sha256(content).hexdigest()
        sources[sha256] = content
        return File("", sha256)

    out = plan.out.absolute()
    shared = Shared(
        out=str(out),
        unpruned=files_of(out / UNPRUNED, _NETWORK, sources),
        masks=packed(pack_masks(plan.masks)),
        learn=None if plan.learn is None else packed(pack_dataset(plan.learn)),
        judge=None if plan.judge is None else packed(pack_dataset(plan.judge)),
        parts=None if plan.parts is None else packed(pack_parts(plan.parts)),
        made_with=made_with(out),
        config=plan.config,
        store=store,
        device=asked_device(),
        topic=f"ftl-{uuid.uuid4().hex}.draft-{os.getpid()}",
    )
    # until when to wait for the scheduler; one that writes a file may be about to start
    until: float | None = time.monotonic() + (0.0 if "://" in scheduler else START_PATIENCE)
    with _marked(shared):
        while True:
            try:
                with connected(scheduler) as client:
                    until = None
                    address, name = timing_worker(client, time_on)  # that there is none is said now, not after hours
                    rests = name if time_on and has_others(client, address) else None
                    found = engines_of(out, plan.images, _common_engines(client))
                    cluster = Cluster(client, plan, shared._replace(rests=rests, engines=found), sources, time_on)
                    events = cluster.events
                    with talking():
                        client.subscribe_topic(
                            shared.topic, lambda event, events=events: events.append(CandidateProgress(*event[1]))
                        )
                    steps(cluster)
                return
            except (Lost, Unreachable) as error:
                until = until or time.monotonic() + PATIENCE
                if time.monotonic() > until:
                    raise Unreachable(f"{error}; what is finished stays") from error
            time.sleep(1)


def _common_engines(client: Client) -> list[str]:
    """The engines that this machine has and all workers have."""
    with talking():
        there = client.run(engines).values()
    return [engine for engine in engines() if all(engine in own for own in there)]


@contextmanager
def _marked(shared: Shared) -> Iterator[None]:
    """Mark the sweep's folder for workers that see it."""
    mark(shared).touch()
    try:
        yield
    finally:
        mark(shared).unlink(missing_ok=True)


def _keep(out: Path, returned: Returned) -> None:
    """Write what a worker sent back; one that works in the sweep's folder has written it."""
    folder = out / returned.name
    if DESCRIPTION in returned.files:
        with whole_folder(folder) as draft:
            for name, content in returned.files.items():
                (draft / name).write_bytes(content)
        return
    for name in returned.files:
        (folder / name).unlink(missing_ok=True)  # of an earlier run: old and new must not stand together
    for name, content in returned.files.items():
        with whole_file(folder / name) as target:
            target.write_bytes(content)
