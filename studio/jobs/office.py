"""The machines of a cluster that somebody else runs."""

from __future__ import annotations

from typing import NamedTuple

from ftl.cluster.connect import connected


class Machine(NamedTuple):
    """A worker: its name, its machine's address, its threads, and its memory in GiB."""

    name: str
    host: str
    threads: int
    memory_gib: float


def machines(scheduler: str) -> list[Machine]:
    """The workers of a scheduler, by name. Raises `FtlError` when none answers there."""
    with connected(scheduler, patience=10) as client:
        found = client.scheduler_info(n_workers=-1)["workers"].values()
    return sorted(
        Machine(str(one["name"]), one["host"], one["nthreads"], round(one["memory_limit"] / 2**30, 1)) for one in found
    )
