"""Have steps done by a cluster's workers, with the files that these need, and the steps that follow from them."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from ftl.errors import FtlError
from ftl.files import digest
from ftl.sweeping.connection import LOST, Lost, host_of, talking, workers_of
from ftl.sweeping.store import put_all
from ftl.sweeping.worker import Elsewhere, Shared
from ftl.sweeping.worker_files import File, Lacking, deliver

Sources = dict[str, Path | bytes]
"""Where the driver has contents, by SHA-256: in a file, or in memory."""

_POLL = 0.01
_CHUNK = 2**24  # bytes that are sent to a worker at once


class Step(NamedTuple):
    """Something for a worker to do: `function(shared, *arguments)`. Those of higher `priority` are begun first.

    `task`: what of the sweep it does.
    `host`: the only machine that may; a worker that is started again there has another address. `lives`: how often it
    may be begun again although it, perhaps, ended several workers; they may as well have been ended from outside.
    `brought`: SHA-256 of what it lacked and was given since.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    task: Any = None
    priority: float = 0.0
    host: str | None = None
    lives: int = 3
    brought: tuple[str, ...] = ()


def drain(
    client: Client,
    shared: Shared,
    sources: Sources,
    steps: Iterable[Step],
    take: Callable[[Step, Any], Iterable[Step]],
    failed: Callable[[Step, Exception], None] | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Have `steps` done; `take(step, result)` keeps what came out, and gives the steps that follow from it.

    `sources`: contents by SHA-256, for workers that lack them. `failed(step, error)` hears of a step that failed; the
    others go on unless it raises. Without it the error is raised. `check` is called while nothing comes back, and may
    raise. Raises `Lost` when the scheduler is gone.
    """
    running: dict[str, tuple[Future[Any], Step]] = {}
    completed = as_completed()
    refused: dict[str, str] = {}  # why, by the workers' addresses

    def submit(step: Step, rather: Iterable[str] = (), shared: Shared = shared) -> None:
        asked = [step.host] if step.host else list(rather)
        with talking():
            future = client.submit(
                step.function,
                shared,
                *step.arguments,
                key=f"ftl-{step.function.__name__}-{uuid.uuid4().hex}",
                priority=step.priority,
                workers=asked or None,
                allow_other_workers=bool(asked) and not step.host,
            )
        running[str(future.key)] = future, step
        completed.add(future)

    def elsewhere(step: Step, answer: Elsewhere) -> None:
        with talking():
            workers = workers_of(client)
        if answer.why:
            refused[answer.worker] = answer.why
            if refused.keys() >= workers.keys():
                raise FtlError(answer.why)
            submit(step, workers.keys() - refused.keys())
        elif others := {host_of(one) for one in workers} - {host_of(answer.worker)}:
            submit(step, others)
        else:
            submit(step, shared=shared._replace(rests=None))  # no other machine is left

    try:
        for step in steps:
            submit(step)
        while running:
            future = _next(completed, check)
            _, step = running.pop(str(future.key))
            try:
                result = _result(future, step)
            except (FtlError, MemoryError) as error:
                if failed is None:
                    raise
                failed(step, error)
                continue
            if isinstance(result, KilledWorker):
                submit(step._replace(lives=step.lives - 1))
            elif isinstance(result, Lacking):
                _bring(client, step, result, sources, shared.store)
                submit(step._replace(brought=step.brought + result.sha256), [result.worker])
            elif isinstance(result, Elsewhere):
                elsewhere(step, result)
            else:
                for following in take(step, result):
                    submit(following)
    finally:
        with contextlib.suppress(*LOST):
            client.cancel([future for future, _ in running.values()], force=True)


def _next(completed: as_completed, check: Callable[[], None]) -> Future[Any]:
    """The next future that has ended. Raises `Lost` when the scheduler has forgotten those that had not."""
    while not completed.has_ready():
        if completed.is_empty():
            raise Lost("its steps are forgotten")
        check()
        time.sleep(_POLL)
    check()
    return next(completed)


def _bring(client: Client, step: Step, lacking: Lacking, sources: Sources, store: str | None) -> None:
    """Put into the store what a worker lacks; without one, or where the worker does not reach it, send it there.

    Raises `FtlError` when the worker has been sent it and lacks it still.
    """
    before = [step.brought.count(sha256) for sha256 in lacking.sha256]
    if max(before) > 2:
        raise FtlError(f"{step.name}: the worker at {lacking.worker} does not keep the files that it is sent")
    if store is not None and not max(before):
        put_all(store, [sources[sha256] for sha256 in lacking.sha256])
    else:
        _send(client, lacking, sources)


def files_of(folder: Path, names: Sequence[str], sources: Sources) -> tuple[File, ...]:
    """Files of a network as tasks name them; `sources` learns where they are."""
    files = tuple(File(str((folder / name).absolute()), digest(folder / name)) for name in names)
    sources.update({file.sha256: Path(file.path) for file in files})
    return files


def _result(future: Future[Any], step: Step) -> Any:
    with talking():
        if future.status == "finished":
            return future.result()
        if future.status != "error":
            raise Lost(f"{step.name}: {future.status}")
        error = future.exception()
    if isinstance(error, OSError):  # of a file there, not of the connection
        raise FtlError(f"{step.name} failed on its worker: {error}") from error
    if not isinstance(error, KilledWorker):
        raise error
    if not step.lives:
        raise FtlError(f"{step.name} ended every worker that began it, perhaps for want of memory") from error
    return error


def _send(client: Client, lacking: Lacking, sources: Sources) -> None:
    """Bring contents to a worker. One that is gone meanwhile needs none."""
    for chunk in _chunks([sources[sha256] for sha256 in lacking.sha256]):
        with contextlib.suppress(*LOST, ValueError):
            client.run(deliver, chunk, workers=[lacking.worker])


def _chunks(sources: Sequence[Path | bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for source in sources:
        chunk.append(source if isinstance(source, bytes) else source.read_bytes())
        if sum(map(len, chunk)) > _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
