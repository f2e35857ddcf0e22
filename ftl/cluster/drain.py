"""Have steps done by a cluster's workers, with the files that these need, and the steps that follow from them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from ftl.cluster.blobs import File, Lacking, deliver
from ftl.cluster.connect import LOST, host_of, workers_of
from ftl.cluster.tasks import Elsewhere, Plan
from ftl.errors import FtlError
from ftl.files import digest
from ftl.store import put_all

Sources = dict[str, Path | bytes]
"""Where the driver has contents, by SHA-256: in a file, or in memory."""

_CHUNK = 2**24  # bytes that are sent to a worker at once


class Lost(Exception):  # noqa: N818
    """The scheduler is gone, and with it what it knew."""


class Step(NamedTuple):
    """Something for a worker to do: `function(plan, *arguments)`. Those of higher `priority` are begun first.

    `worker`: the address of the only one that may. `lives`: how often it may be begun again although it, perhaps, ended
    several workers; they may as well have been ended from outside. `stocked`: SHA-256 of what it lacked and the
    store has by now.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    priority: float = 0.0
    worker: str | None = None
    lives: int = 3
    stocked: frozenset[str] = frozenset()


def drain(
    client: Client,
    plan: Plan,
    sources: Sources,
    steps: Iterable[Step],
    take: Callable[[Step, Any], Iterable[Step]],
    failed: Callable[[Step, Exception], None] | None = None,
) -> None:
    """Have `steps` done; `take(step, result)` keeps what came out, and gives the steps that follow from it.

    `sources`: contents by SHA-256, for workers that lack them. `failed(step, error)` hears of a step that failed; the
    others go on unless it raises. Without it the error is raised. Raises `Lost` when the scheduler is gone.
    """
    running: dict[str, tuple[Future[Any], Step]] = {}
    completed = as_completed()

    def submit(step: Step, rather: Sequence[str] = ()) -> None:
        asked = [step.worker] if step.worker else list(rather)
        future = client.submit(
            step.function,
            plan,
            *step.arguments,
            key=f"ftl-{step.function.__name__}-{uuid.uuid4().hex}",
            priority=step.priority,
            workers=asked or None,
            allow_other_workers=bool(asked) and not step.worker,
        )
        running[str(future.key)] = future, step
        completed.add(future)

    try:
        for step in steps:
            submit(step)
        for future in completed:
            _, step = running.pop(str(future.key))
            try:
                result = _result(future, step)
            except Lost:
                raise
            except Exception as error:
                if failed is None:
                    raise
                failed(step, error)
                continue
            if isinstance(result, KilledWorker):
                submit(step._replace(lives=step.lives - 1))
            elif isinstance(result, Lacking):
                if plan.store is not None and step.stocked.isdisjoint(result.sha256):
                    put_all(plan.store, [sources[sha256] for sha256 in result.sha256])
                else:
                    _send(client, result, sources)  # the worker does not reach the store
                submit(step._replace(stocked=step.stocked | {*result.sha256}), [result.worker])
            elif isinstance(result, Elsewhere):
                submit(step, [host for host in map(host_of, workers_of(client)) if host != host_of(result.worker)])
            else:
                for following in take(step, result):
                    submit(following)
    finally:
        with contextlib.suppress(*LOST):
            client.cancel([future for future, _ in running.values()], force=True)


def files_of(folder: Path, names: Sequence[str], sources: Sources) -> tuple[File, ...]:
    """Files of a network as workers are told of them; `sources` gets to know them."""
    files = tuple(File(str((folder / name).absolute()), digest(folder / name)) for name in names)
    sources.update({file.sha256: Path(file.path) for file in files})
    return files


def _result(future: Future[Any], step: Step) -> Any:
    if future.status == "finished":
        return future.result()
    if future.status != "error":
        raise Lost(f"{step.name}: {future.status}")
    error = future.exception()
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
