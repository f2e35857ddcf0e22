"""What a worker does for a sweep: score a branch, finish a candidate, time a network.

The steps are those of one process. A worker that sees the sweep's folder works in it. One that does not works in a
folder of its own, and sends back what is to be kept; one that has not got the files says so, and is asked again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from distributed import get_worker

from ftl.config import LAYERWISE, SweepConfig
from ftl.data.dataset import Dataset
from ftl.errors import FtlError
from ftl.files import versions
from ftl.models.layout import BASE, LINEAR, TUNED, candidate_name
from ftl.progress import LOOKING, TIMING, TRAINING, Report, throttled
from ftl.pruning.keep_branches import Branch, advance
from ftl.pruning.scoring import Evidence
from ftl.pruning.settings import How
from ftl.sweeping.packing import unpack_dataset, unpack_masks
from ftl.sweeping.worker_files import File, Lacking, find_all
from ftl.training.epoch import Epoch

_REST = 0.5  # seconds


class Plan(NamedTuple):
    """What all steps of a sweep share.

    `learn_sha256`, `judge_sha256`: the data sets' own digests. `store`: where workers fetch files that they do not see.
    `rests`: the name of a worker that only takes times. `topic`: of the events that tell how far a step is.
    """

    out: str
    base: tuple[File, ...]
    masks: File
    learn: File
    judge: File
    learn_sha256: str
    judge_sha256: str
    made_with: dict[str, Any]
    config: SweepConfig
    store: str | None
    topic: str
    rests: str | None = None


class Elsewhere(NamedTuple):
    """A step's answer on a worker, by its address, that must not do it; `why` is empty for one kept for the times."""

    worker: str
    why: str


class Made(NamedTuple):
    """Files of a network by name; empty where the worker wrote them into the sweep's folder itself."""

    name: str
    files: dict[str, bytes]


def _elsewhere(plan: Plan) -> Elsewhere | None:
    """Why this worker must not compute: it is kept for the times, or a package would give other numbers."""
    worker, own, wanted = get_worker(), versions(), plan.made_with["versions"]
    differing = [f"{name} {own.get(name)}, not {wanted[name]}" for name in wanted if own.get(name) != wanted[name]]
    if differing:
        return Elsewhere(worker.address, f"the worker {worker.name} has {'; '.join(differing)}: install the same there")
    if plan.rests is not None and str(worker.name) == plan.rests:
        time.sleep(_REST)
        return Elsewhere(worker.address, "")
    return None


def _teller(plan: Plan, name: str) -> Callable[..., None]:
    """Tells the driver how far a candidate is. Raises `FtlError` once nobody waits for the step: it was cancelled."""
    worker = get_worker()
    key = worker.get_current_task()

    def tell(done: int, total: int, what: str, epoch: tuple[float, ...] = ()) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise FtlError(f"{name} was cancelled")
        worker.log_event(plan.topic, [name, what, done, total, str(worker.name), "", list(epoch)])

    return tell


def _reporter(plan: Plan, name: str) -> Report:
    """As `_teller`, but not more than is worth telling."""
    return throttled(_teller(plan, name))


def mark(plan: Plan) -> Path:
    """A file by which a worker tells the sweep's folder from one of the same name on a disk of its own."""
    return Path(plan.out) / f".{plan.topic}"


def _visible(plan: Plan) -> Path | None:
    """The sweep's folder, where this machine sees it: the very one, in which the driver has left a mark."""
    return Path(plan.out) if mark(plan).is_file() else None


@contextlib.contextmanager
def _network(plan: Plan, name: str, files: Sequence[File], found: Sequence[Path]) -> Iterator[Path]:
    """The folder of a network: the sweep's own, or one that is gone afterwards."""
    out = _visible(plan)
    if out is not None:
        yield out / name
        return
    with tempfile.TemporaryDirectory(prefix="ftl-") as made:
        folder = Path(made) / name
        folder.mkdir()
        for file, path in zip(files, found, strict=True):
            shutil.copyfile(path, folder / Path(file.path).name)
        yield folder


def _taken(plan: Plan, folder: Path, names: Sequence[str]) -> Made:
    seen = _visible(plan) is not None
    return Made(folder.name, {} if seen else {name: (folder / name).read_bytes() for name in names})


@lru_cache(maxsize=1)
def _evidence(path: Path, sha256: str) -> Evidence:
    """What filters are judged by, read once for all branches that a worker scores."""
    return Evidence(unpack_masks(path))


@lru_cache(maxsize=4)
def _dataset(path: Path, sha256: str) -> Dataset:
    return unpack_dataset(path)


def score(plan: Plan, branch: Branch) -> tuple[list[Branch], list[Made]] | Lacking | Elsewhere:
    """Score a branch as far as its fractions agree: the branches that go on, and the networks that are chosen whole."""
    from ftl.models.io import load_backbone
    from ftl.models.layout import DESCRIPTION, WEIGHTS
    from ftl.pruning.choose import as_scored, mode_of, source_of
    from ftl.pruning.criteria import criterion
    from ftl.sweeping.pruned import write_pruned

    if answer := _elsewhere(plan):
        return answer
    files = plan.masks, *plan.base
    found = find_all(files, get_worker().address, plan.store)
    if isinstance(found, Lacking):
        return found
    how, report = How(criterion(plan.config.criterion), plan.config), _reporter(plan, "scoring")
    evidence = _evidence(found[0], plan.masks.sha256)
    with _network(plan, BASE, plan.base, found[1:]) as folder:
        backbone = load_backbone(folder)
    faithful = plan.config.faithful
    source, scored = source_of(backbone, faithful), as_scored(backbone, faithful)
    if plan.config.mode == LAYERWISE and backbone.is_chain:
        depth = len(backbone.convolutions())
        after = advance(scored, evidence, branch, how, report)
        onward = [one for one in after if len(one.choices) < depth]
        whole = [(k, [*one.choices]) for one in after if len(one.choices) == depth for k in one.fractions]
    else:
        onward, whole = [], [*mode_of(backbone, plan.config)(scored, evidence, branch.fractions, how, report)]
    made = []
    with tempfile.TemporaryDirectory(prefix="ftl-") as own:
        for chosen in whole:
            folder = write_pruned(source, chosen, _visible(plan) or Path(own), plan.made_with)
            made.append(_taken(plan, folder, (DESCRIPTION, WEIGHTS)))
    return onward, made


def finish(
    plan: Plan, name: str, network: tuple[File, ...], head: str = LINEAR, teacher: tuple[File, ...] = ()
) -> Made | Lacking | Elsewhere:
    """Make a network's candidate with a head of some kind, and measure it.

    `name`, `network`: of the network that it is made of. `teacher`: the answers of the unpruned one, to learn from.
    """
    from ftl.models.layout import DESCRIPTION, HEAD, TEST, VALIDATION, WEIGHTS
    from ftl.sweeping.evaluate import evaluate
    from ftl.sweeping.heads import train
    from ftl.sweeping.made_networks import ANSWERS, CURVE, make, write_answers
    from ftl.training.features import extract

    if answer := _elsewhere(plan):
        return answer
    found = find_all((plan.learn, plan.judge, *network, *teacher), get_worker().address, plan.store)
    if isinstance(found, Lacking):
        return found
    learn, judge = _dataset(found[0], plan.learn.sha256), _dataset(found[1], plan.judge.sha256)
    sides = [zip(one.paths, one.digests, strict=True) for one in (learn, judge)]
    wanted = [File(str(path), sha256) for side in sides for path, sha256 in side]
    photographs = find_all(wanted, get_worker().address, plan.store)
    if isinstance(photographs, Lacking):
        return photographs
    made = candidate_name(name, head)
    report, tell, seen, images = _reporter(plan, made), _teller(plan, made), 0, len(photographs)
    mine, others = photographs[: len(learn)], photographs[len(learn) :]
    config = plan.config
    settings: dict[str, Any] = {"seed": config.seed, "photo": config.photo, "positive": config.positive}
    wanted_files = [HEAD, VALIDATION, TEST]

    def looked(done: int, total: int, _: str) -> None:
        report(seen + done, images, LOOKING)

    def learnt(epoch: Epoch) -> None:
        tell(epoch.epoch, config.fine_tune.epochs, TRAINING, epoch)

    with _network(plan, name, network, found[2 : 2 + len(network)]) as folder:
        if head != LINEAR:
            if teacher and _visible(plan) is None:
                (folder.parent / BASE).mkdir(exist_ok=True)
                shutil.copyfile(found[-1], folder.parent / BASE / ANSWERS)
            folder = make(head, folder, learn, config.fine_tune, files=mine, report=report, hear=learnt, **settings)
            wanted_files += [DESCRIPTION, WEIGHTS] + ([CURVE] if head == TUNED else [])
        if head != TUNED:
            extract(folder, learn, looked, files=mine)
            report(0, 1, TRAINING)
            train(folder, **settings)
        if name == BASE and head == LINEAR and config.distills:
            write_answers(folder)
            wanted_files.append(ANSWERS)
        seen = len(learn)
        evaluate(folder, judge, looked, others)
        return _taken(plan, folder, wanted_files)


def timed(
    plan: Plan, name: str, files: tuple[File, ...], threads: int | None, runtime: str
) -> dict[str, Any] | Lacking:
    """Time a network with its head once, in a process of its own on this worker's machine."""
    from ftl.latency.one_process import time_once

    found = find_all(files, get_worker().address, plan.store)
    if isinstance(found, Lacking):
        return found
    _reporter(plan, name)(0, 1, TIMING)
    with _network(plan, name, files, found) as folder:
        threads = threads or len(os.sched_getaffinity(0))  # Dask tells its workers to use one
        return time_once(folder, threads, runtime) | {"worker": str(get_worker().name)}
