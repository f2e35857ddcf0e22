"""Times of a sweep's networks on one machine of a cluster: one after the other, while its workers do nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Client, Lock

from ftl.cluster.connect import host_of, workers_of
from ftl.cluster.drain import Sources, Step, drain, files_of
from ftl.cluster.tasks import Plan, timed
from ftl.errors import FtlError
from ftl.evaluate import time_all
from ftl.files import machine
from ftl.model import HEAD
from ftl.progress import TIMED, Follow, Report, Told
from ftl.pruning.network import DESCRIPTION, WEIGHTS

PATIENCE = 20.0
"""Seconds to wait for the worker that is to take the times: after a scheduler's start not all are back at once."""

_POLL = 0.2


def time_networks(
    client: Client,
    plan: Plan,
    sources: Sources,
    folders: Sequence[Path],
    threads: int | None,
    time_on: str | None,
    report: Report,
    tell: Follow,
) -> None:
    """Write `time.json` of networks that are not timed yet on the machine of the worker called `time_on`.

    Without a name, an idle worker's machine is taken. Raises `FtlError` when there is no worker of that name.
    """
    address, name = timing_worker(client, time_on)

    def time_there(folder: Path, threads: int | None) -> dict[str, Any]:
        results: list[dict[str, Any]] = []

        def take(_: Step, result: dict[str, Any]) -> list[Step]:
            results.append(result)
            return []

        files = files_of(folder, (DESCRIPTION, WEIGHTS, HEAD), sources)
        step = Step(f"timing {folder.name}", timed, (folder.name, files, threads), worker=address)
        with _idle(client, address, report):
            drain(client, plan, sources, [step], take)
        return results[0] | {"worker": name}

    def told(done: int, total: int, what: str) -> None:
        report(done, total, what)
        if done:
            tell(Told(folders[done - 1].name, TIMED, 1, 1))

    time_all(folders, threads, told, on=client.run(machine, workers=[address])[address], by=time_there)


def timing_worker(client: Client, name: str | None) -> tuple[str, str]:
    """Address and name of the worker called so; of one that is idle where no name is given.

    Raises `FtlError` when there is no worker of that name.
    """
    end = time.monotonic() + PATIENCE
    while True:
        workers = workers_of(client)
        if name is None:
            busy = client.processing()
            return min(workers.items(), key=lambda one: (len(busy.get(one[0], ())), one))
        if found := next((one for one in workers.items() if one[1] == name), None):
            return found
        if time.monotonic() > end:
            known = ", ".join(sorted(workers.values()))
            raise FtlError(f"there is no worker {name!r} to time on: there are {known}")
        time.sleep(_POLL)


def has_others(client: Client, address: str) -> bool:
    """Whether there are workers on other machines than that of `address`."""
    return any(host_of(other) != host_of(address) for other in workers_of(client))


@contextmanager
def _idle(client: Client, address: str, report: Report) -> Iterator[None]:
    """Wait until no worker of that machine has anything to do, and nobody else takes times there."""
    host = host_of(address)
    with Lock(f"ftl-timing-{host}"):
        while any(steps for worker, steps in client.processing().items() if host_of(worker) == host):
            report(0, 1, "waiting until the machine that takes the times is idle")
            time.sleep(_POLL)
        yield
