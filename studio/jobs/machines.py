"""The machines of a cluster that somebody else runs."""

from __future__ import annotations

from typing import NamedTuple

from ftl.errors import FtlError
from ftl.sweeping.connection import Lost, connected, talking


class Machine(NamedTuple):
    """A worker: its name, its machine's address, its threads, and its memory in GiB."""

    name: str
    host: str
    threads: int
    memory_gib: float


def machines(scheduler: str) -> list[Machine]:
    """The workers of a scheduler, by name. Raises `FtlError` when none answers there."""
    try:
        with connected(scheduler, patience=10) as client, talking():
            found = client.scheduler_info(n_workers=-1)["workers"].values()
    except Lost as error:
        raise FtlError(f"the scheduler at {scheduler} went away: {error}") from error
    gib = {one["name"]: round((one["memory_limit"] or 0) / 2**30, 1) for one in found}
    return sorted(Machine(str(one["name"]), one["host"], one["nthreads"], gib[one["name"]]) for one in found)
