"""The tasks of a sweep on a worker of a cluster, with the files that they need.

The tasks are those of one process. A worker that sees the sweep's folder works in it. One that does not works in a
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

from ftl.config import SweepConfig
from ftl.data.dataset import Dataset
from ftl.device import run_on
from ftl.errors import FtlError
from ftl.files import versions
from ftl.memory import reuse_freed_memory
from ftl.models.engines import Engines, engines
from ftl.models.layout import DESCRIPTION, UNPRUNED, WEIGHTS
from ftl.progress import TIMING, TRAINING, Report, throttled
from ftl.pruning.layerwise import Branch
from ftl.pruning.scoring import ScoringSet
from ftl.sweeping.packing import unpack_dataset, unpack_masks, unpack_parts
from ftl.sweeping.segmented import finish_segmenter
from ftl.sweeping.tasks import Finish, finish, results_of, score
from ftl.sweeping.worker_files import File, Lacking, find_all
from ftl.training.early_stopping import Epoch
from ftl.training.segment import ROUNDS

_REST = 0.5  # seconds


class Shared(NamedTuple):
    """What all tasks of a sweep share on its workers.

    `unpruned`: the files of the network that is pruned. `store`: where workers fetch files that they do not see.
    `rests`: the name of a worker that only takes times. `topic`: of the events that say how far a task is.
    `device`: where networks run on each worker (`ftl.device.run_on`). `engines`: of `ftl.sweeping.manifest.engines_of`.
    """

    out: str
    unpruned: tuple[File, ...]
    masks: File
    learn: File | None
    judge: File | None
    parts: File | None
    made_with: dict[str, Any]
    config: SweepConfig
    store: str | None
    topic: str
    device: str | None = None
    engines: Engines = Engines()
    rests: str | None = None


class Elsewhere(NamedTuple):
    """A step's answer on a worker, by its address, that must not do it; `why` is empty for one kept for the times."""

    worker: str
    why: str


class Returned(NamedTuple):
    """Files of a network by name; empty where the worker wrote them into the sweep's folder itself."""

    name: str
    files: dict[str, bytes]


def _elsewhere(shared: Shared) -> Elsewhere | None:
    """Why this worker must not compute: it is kept for the times, or a package would give other numbers."""
    worker, own, wanted = get_worker(), versions(), shared.made_with["versions"]
    by_openvino = any(engine.startswith("OpenVINO") for engine in shared.engines)
    used = [name for name in wanted if name != "openvino" or by_openvino]
    differing = [f"{name} {own.get(name)}, not {wanted[name]}" for name in used if own.get(name) != wanted[name]]
    if differing:
        return Elsewhere(worker.address, f"the worker {worker.name} has {'; '.join(differing)}: install the same there")
    if lacking := set(shared.engines).difference(engines()):
        return Elsewhere(worker.address, f"the worker {worker.name} cannot run networks by {' and '.join(lacking)}")
    if shared.rests is not None and str(worker.name) == shared.rests:
        time.sleep(_REST)
        return Elsewhere(worker.address, "")
    return None


def _teller(shared: Shared, name: str) -> Callable[..., None]:
    """Tells the driver how far a candidate is. Raises `FtlError` once nobody waits for the step: it was cancelled."""
    worker = get_worker()
    key = worker.get_current_task()

    def tell(done: int, total: int, what: str, epoch: tuple[float, ...] = ()) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise FtlError(f"{name} was cancelled")
        worker.log_event(shared.topic, [name, what, done, total, str(worker.name), "", list(epoch)])

    return tell


def _reporter(shared: Shared, name: str) -> Report:
    """As `_teller`, but not more than is worth telling."""
    return throttled(_teller(shared, name))


def mark(shared: Shared) -> Path:
    """A file that shows a worker that a folder is the sweep's, not one of the same name on a disk of its own."""
    return Path(shared.out) / f".{shared.topic}"


def _visible(shared: Shared) -> Path | None:
    """The sweep's folder, where this machine sees it: the very one, in which the driver has left a mark."""
    return Path(shared.out) if mark(shared).is_file() else None


@contextlib.contextmanager
def _network(shared: Shared, name: str, files: Sequence[File], found: Sequence[Path]) -> Iterator[Path]:
    """The folder of a network: the sweep's own, or one that is gone afterwards."""
    out = _visible(shared)
    if out is not None:
        yield out / name
        return
    with tempfile.TemporaryDirectory(prefix="ftl-") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        for file, path in zip(files, found, strict=True):
            shutil.copyfile(path, folder / Path(file.path).name)
        yield folder


def _taken(shared: Shared, folder: Path, names: Sequence[str]) -> Returned:
    seen = _visible(shared) is not None
    return Returned(folder.name, {} if seen else {name: (folder / name).read_bytes() for name in names})


@contextlib.contextmanager
def _computing(shared: Shared) -> Iterator[None]:
    """Have networks run on the device that was asked for, and the memory of their maps kept for the next ones.

    Dask has its workers hand freed memory back at once (`MALLOC_TRIM_THRESHOLD_`): pages are cleared again for each
    map, which was measured to double the time of training MobileNetV2.
    """
    reuse_freed_memory()
    with run_on(shared.device):
        yield


@lru_cache(maxsize=1)
def _scoring_set(path: Path, sha256: str) -> ScoringSet:
    """What ranks filters, read once for all branches that a worker scores."""
    return ScoringSet(unpack_masks(path))


@lru_cache(maxsize=4)
def _dataset(path: Path, sha256: str) -> Dataset:
    return unpack_dataset(path)


def score_there(shared: Shared, branch: Branch) -> tuple[list[Branch], list[Returned]] | Lacking | Elsewhere:
    """`ftl.sweeping.tasks.score` on a worker: the branches that go on, and the networks that are complete."""
    if answer := _elsewhere(shared):
        return answer
    found = find_all((shared.masks, *shared.unpruned), get_worker().address, shared.store)
    if isinstance(found, Lacking):
        return found
    scoring_set = _scoring_set(found[0], shared.masks.sha256)
    with (
        _computing(shared),
        _network(shared, UNPRUNED, shared.unpruned, found[1:]) as unpruned,
        tempfile.TemporaryDirectory(prefix="ftl-") as own,
    ):
        onward, folders = score(
            branch, shared.config, scoring_set, unpruned, _visible(shared) or Path(own), shared.made_with,
            apart=True, report=_reporter(shared, "scoring"),
        )  # fmt: skip
        return onward, [_taken(shared, folder, (DESCRIPTION, WEIGHTS)) for folder in folders]


def finish_there(
    shared: Shared, task: Finish, network: tuple[File, ...], teacher: tuple[File, ...] = ()
) -> Returned | Lacking | Elsewhere:
    """`ftl.sweeping.tasks.finish` on a worker. `teacher`: the answers of the unpruned network, and masks, to learn."""
    if answer := _elsewhere(shared):
        return answer
    assert shared.learn is not None
    assert shared.judge is not None
    found = find_all((shared.learn, shared.judge, *network, *teacher), get_worker().address, shared.store)
    if isinstance(found, Lacking):
        return found
    learn, judge = _dataset(found[0], shared.learn.sha256), _dataset(found[1], shared.judge.sha256)
    sides = [zip(side.paths, side.digests, strict=True) for side in (learn, judge)]
    wanted = [File(str(path), sha256) for side in sides for path, sha256 in side]
    photographs = find_all(wanted, get_worker().address, shared.store)
    if isinstance(photographs, Lacking):
        return photographs
    config, tell = shared.config, _teller(shared, task.name)

    def learnt(epoch: Epoch) -> None:
        tell(epoch.epoch, config.fine_tune.epochs, TRAINING, epoch)

    with _computing(shared), _network(shared, task.network, network, found[2 : 2 + len(network)]) as folder:
        if _visible(shared) is None:
            for file, path in zip(teacher, found[2 + len(network) :], strict=True):
                place = folder.parent / Path(file.path).relative_to(shared.out)
                place.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, place)
        candidate = finish(
            folder, task.head, config, learn, judge, photographs, report=throttled(tell), learnt=learnt,
            engines=shared.engines,
        )  # fmt: skip
        return _taken(shared, candidate, results_of(task, config))


def segment_there(shared: Shared, task: Finish, network: tuple[File, ...]) -> Returned | Lacking | Elsewhere:
    """`ftl.sweeping.segmented.finish_segmenter` on a worker."""
    if answer := _elsewhere(shared):
        return answer
    assert shared.parts is not None
    found = find_all((shared.parts, *network), get_worker().address, shared.store)
    if isinstance(found, Lacking):
        return found
    parts = unpack_parts(found[0])
    sides = ((parts.data.images, 0), (parts.data.masks, 1))
    wanted = [
        File(str(path), digests[side])
        for files, side in sides
        for path, digests in zip(files, parts.data.digests, strict=True)
    ]
    photographs = find_all(wanted, get_worker().address, shared.store)
    if isinstance(photographs, Lacking):
        return photographs
    parts = parts._replace(data=parts.data.at(photographs[: len(parts.data)], photographs[len(parts.data) :]))
    config, tell = shared.config, _teller(shared, task.name)

    def learnt(epoch: Epoch) -> None:
        tell(epoch.epoch, ROUNDS, TRAINING, epoch)

    with _computing(shared), _network(shared, task.network, network, found[1:]) as folder:
        made = finish_segmenter(folder, config, parts, report=throttled(tell), learnt=learnt)
        return _taken(shared, made, results_of(task, config))


def timed(
    shared: Shared, name: str, files: tuple[File, ...], threads: int | None, runtime: str
) -> dict[str, Any] | Lacking:
    """Time a network with its head once, in a process of its own on this worker's machine."""
    from ftl.latency.one_process import time_once

    found = find_all(files, get_worker().address, shared.store)
    if isinstance(found, Lacking):
        return found
    _reporter(shared, name)(0, 1, TIMING)
    with _network(shared, name, files, found) as folder:
        threads = threads or len(os.sched_getaffinity(0))  # Dask has its workers use one
        return time_once(folder, threads, runtime) | {"worker": str(get_worker().name)}
