"""Times of a sweep's networks on one machine of a cluster, in rounds, while its workers do nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from distributed import Client

from ftl.errors import FtlError
from ftl.evaluation.runtimes import NETWORKS, PYTORCH
from ftl.files import machine
from ftl.latency.machine_load import look
from ftl.latency.networks import time_all
from ftl.models.layout import DESCRIPTION, HEAD, WEIGHTS
from ftl.progress import TIMED, CandidateProgress, Follow, Report
from ftl.sweeping.connection import Lost, host_of, talking, workers_of
from ftl.sweeping.dispatch import Sources, Step, drain, files_of
from ftl.sweeping.worker import Shared, timed
from ftl.sweeping.worker_files import File

PATIENCE = 20.0
"""Seconds to wait for the worker that is to take the times: after a scheduler's start not all are back at once."""

_POLL = 0.2
_LOOK = 2.0


def time_networks(
    client: Client,
    shared: Shared,
    sources: Sources,
    folders: Sequence[Path],
    threads: int | None,
    time_on: str | None,
    report: Report,
    listen: Callable[[], None],
    tell: Follow,
    runtimes: Sequence[str] = (PYTORCH,),
) -> None:
    """Write `time.json` of networks that are not timed yet on the machine of the worker called `time_on`.

    Without a name, an idle worker's machine is taken. `listen` is called while a network is timed, `tell` once nothing
    more is timed of it. Raises `FtlError` when there is no worker of that name, `Lost` when the scheduler or the
    machine goes away.
    """
    address, _ = timing_worker(client, time_on)
    host, seen = host_of(address), time.monotonic()
    try:
        with talking():
            on = client.run(machine, workers=[address])[address]
    except (KeyError, ValueError) as error:  # it went away just now
        raise Lost(f"{host} is gone") from error

    def check() -> None:
        """The machine may go away with all of its workers; Dask would wait for them without an end."""
        nonlocal seen
        listen()
        if time.monotonic() - seen > _LOOK:
            with talking():
                there = any(host_of(other) == host for other in workers_of(client))
            if there:
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE:
                raise Lost(f"{host}, which took the times, is gone")

    def wait() -> None:
        while _busy(client, host):
            report(0, 1, "waiting until the machine that takes the times is idle")
            check()
            time.sleep(_POLL)

    @cache
    def files(folder: Path, runtime: str) -> tuple[File, ...]:
        names = (DESCRIPTION, WEIGHTS, HEAD) if runtime == PYTORCH else (NETWORKS[runtime],)
        return files_of(folder, names, sources)

    def time_there(folder: Path, threads: int | None, runtime: str) -> dict[str, Any]:
        results: list[dict[str, Any]] = []

        def take(_: Step, result: dict[str, Any]) -> list[Step]:
            results.append(result)
            return []

        arguments = (folder.name, files(folder, runtime), threads, runtime)
        wait()
        drain(client, shared, sources, [Step(f"timing {folder.name}", timed, arguments, host=host)], take, check=check)
        return results[0]

    def look_there() -> float:
        check()
        with talking():
            there = [other for other in workers_of(client) if host_of(other) == host]
            return float(next(iter(client.run(look, workers=there[:1]).values()))) if there else 1.0

    def timed_all(folder: Path) -> None:
        tell(CandidateProgress(folder.name, TIMED, 1, 1))

    time_all(folders, threads, report, on=on, by=time_there, look=look_there, runtimes=runtimes, hear=timed_all)


def timing_worker(client: Client, name: str | None) -> tuple[str, str]:
    """Address and name of the worker called so; of one that is idle where no name is given.

    Raises `FtlError` when there is no worker of that name.
    """
    end = time.monotonic() + PATIENCE
    while True:
        with talking():
            workers, busy = workers_of(client), client.processing()
        if name is None and workers:
            return min(workers.items(), key=lambda one: (len(busy.get(one[0], ())), one))
        if found := next((one for one in workers.items() if one[1] == name), None):
            return found
        if time.monotonic() > end and name is None:
            raise Lost("all workers are gone")
        if time.monotonic() > end:
            known = ", ".join(sorted(workers.values()))
            raise FtlError(f"there is no worker {name!r} to time on: there are {known}")
        time.sleep(_POLL)


def has_others(client: Client, address: str) -> bool:
    """Whether there are workers on other machines than that of `address`."""
    with talking():
        return any(host_of(other) != host_of(address) for other in workers_of(client))


def _busy(client: Client, host: str) -> bool:
    """Whether a worker of that machine has anything to do."""
    with talking():
        return any(steps for worker, steps in client.processing().items() if host_of(worker) == host)
