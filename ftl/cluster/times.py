"""Times of a sweep's networks on one machine of a cluster: one after the other, while its workers do nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client, Lock

from ftl.cluster.drain import Sources, Step, drain, files_of
from ftl.cluster.tasks import Plan, timed
from ftl.errors import FtlError
from ftl.evaluate import TIME, earlier
from ftl.files import digest, machine, versions, write_json
from ftl.model import HEAD
from ftl.progress import Report
from ftl.pruning.network import DESCRIPTION, WEIGHTS, network_digest

_POLL = 0.2


def time_networks(
    client: Client,
    plan: Plan,
    sources: Sources,
    folders: Sequence[Path],
    threads: int | None,
    time_on: str | None,
    report: Report,
) -> None:
    """Write `time.json` of networks that are not timed yet on the machine of the worker called `time_on`.

    Without a name, an idle worker's machine is taken. Raises `FtlError` when there is no worker of that name.
    """
    address, name = _worker(client, time_on)
    here = client.run(machine, workers=[address])[address]
    for done, folder in enumerate(folders):
        report(done, len(folders), "timing")
        made_from: dict[str, Any] = {"network_sha256": network_digest(folder), "head_sha256": digest(folder / HEAD)}
        made_from["machine"] = here
        if threads is not None:
            made_from["threads"] = threads
        if earlier(folder / TIME, made_from):
            continue
        files = files_of(folder, (DESCRIPTION, WEIGHTS, HEAD), sources)
        step = Step(f"timing {folder.name}", timed, (folder.name, files, threads), worker=address)
        made_from |= {"worker": name, "versions": versions()}
        with _idle(client, address, report):
            drain(client, plan, sources, [step], partial(_keep, folder / TIME, made_from))
    report(len(folders), len(folders), "timing")


def _keep(file: Path, made_from: dict[str, Any], _: Step, result: dict[str, Any]) -> list[Step]:
    write_json(file, result | made_from)
    return []


def _worker(client: Client, name: str | None) -> tuple[str, str]:
    """Address and name of the worker called so; of one that is idle where no name is given."""
    workers = {address: str(one["name"]) for address, one in client.scheduler_info()["workers"].items()}
    if name is None:
        busy = client.processing()
        return min(workers.items(), key=lambda one: (len(busy.get(one[0], ())), one))
    for one in workers.items():
        if one[1] == name:
            return one
    raise FtlError(f"there is no worker {name!r} to time on: there are {', '.join(sorted(workers.values()))}")


def _host(address: str) -> str:
    return address.split("://")[-1].rsplit(":", 1)[0]


@contextmanager
def _idle(client: Client, address: str, report: Report) -> Iterator[None]:
    """Wait until no worker of that machine has anything to do, and nobody else takes times there."""
    host = _host(address)
    with Lock(f"ftl-timing-{host}"):
        while any(steps for worker, steps in client.processing().items() if _host(worker) == host):
            report(0, 1, "waiting until the machine that takes the times is idle")
            time.sleep(_POLL)
        yield
