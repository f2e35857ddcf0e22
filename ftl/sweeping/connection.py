"""A connection to a Dask cluster, and what can be said of it in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from distributed import Client
from distributed.comm.core import CommClosedError

from ftl.errors import FtlError

CONNECT_SECONDS = 10
WORKER_SECONDS = 120

LOST = (CommClosedError, OSError, TimeoutError)
"""What is raised when the other end of a connection is gone."""


class Lost(Exception):  # noqa: N818
    """The scheduler is gone, and with it what it knew; or a machine that was needed."""


@contextmanager
def talking() -> Iterator[None]:
    """Raise `Lost` for what the connection raises: to the rest of the program an `OSError` is one of its own files."""
    try:
        yield
    except LOST as error:
        raise Lost(str(error)) from error


class Unreachable(FtlError):  # noqa: N818
    """No scheduler answers, or it has no workers."""


@contextmanager
def connected(scheduler: str, patience: float = WORKER_SECONDS) -> Iterator[Client]:
    """A client of `scheduler`, an address as tcp://office:8786 or the file that `dask scheduler` wrote, with a worker.

    `patience`: seconds to wait for a worker.

    Raises `Unreachable` when nobody answers there, or no worker comes; `Lost` when the scheduler goes away meanwhile.
    """
    is_file = "://" not in scheduler
    if is_file and not Path(scheduler).is_file():
        raise Unreachable(f"{scheduler} is neither an address, as tcp://office:8786, nor a scheduler's file")
    place = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    try:
        client = Client(**place, timeout=CONNECT_SECONDS, set_as_default=False)
    except (*LOST, ValueError, TypeError, RuntimeError, OverflowError) as error:  # also for keys that do not fit
        raise Unreachable(f"no Dask scheduler answers at {scheduler}: start one with dask scheduler") from error
    try:
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError as error:
            raise Unreachable(f"the scheduler at {scheduler} has no workers: start some with dask worker") from error
        except LOST as error:
            raise Lost(str(error)) from error
        with client.as_current():
            yield client
    finally:
        with suppress(*LOST):
            client.close(timeout=5)


def workers_of(client: Client) -> dict[str, str]:
    """The names of a cluster's workers by their addresses."""
    return {address: str(one["name"]) for address, one in client.scheduler_info()["workers"].items()}


def host_of(address: str) -> str:
    """The machine in a worker's address."""
    return address.split("://")[-1].rsplit(":", 1)[0]
