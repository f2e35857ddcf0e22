"""Unstable times of finished sweeps, taken again by the worker once the machine is quiet and the queue empty."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from sqlalchemy import select

from ftl.latency.machine_load import look
from studio.jobs import queue
from studio.jobs.sweeps import workspace
from studio.store.database import reading
from studio.store.home import home
from studio.store.tables import Job

PATIENCE = float(os.environ.get("FTL_TIMING_PATIENCE", "3600"))
"""Seconds that the worker waits for a quiet machine after the last job."""

QUIET = 0.1
"""The share of the processor that others may use."""

_LOOKS = 5  # in a row must be quiet
_LOOK_SECONDS = 1.0
_AGES = 7 * 24 * 3600  # seconds after which nobody waits for better times
_POLL = 0.2


def unstable_jobs() -> list[Job]:
    """The sweeps that are done, of the last week, with times that are unstable; oldest first."""
    done = select(Job).where(Job.state == "done", Job.unstable > 0, Job.ended_at > time.time() - _AGES)
    with reading() as db:
        return list(db.scalars(done.order_by(Job.id)))


def resume() -> None:
    """Start a worker for what one left that ended with an earlier studio."""
    if unstable_jobs():
        queue.start_worker()


def take_again(
    *,
    patience: float | None = None,
    seen: Callable[[], float] = lambda: look(_LOOK_SECONDS),
    wanted: Callable[[], bool] = lambda: True,
) -> bool:
    """Take unstable times again, each sweep's once, while nothing waits in the queue.

    Returns whether a job waits now. Ends when there is nothing left to do, when the machine does not get quiet in time,
    or once it is not `wanted` any more.
    """
    end = time.monotonic() + (PATIENCE if patience is None else patience)
    for job in unstable_jobs():
        quiet = 0
        while quiet < _LOOKS:
            if queue.unfinished():
                return True
            if time.monotonic() >= end or not wanted():
                return False
            quiet = quiet + 1 if seen() <= QUIET else 0
        if _retimed(job.id, wanted):
            return True
    return bool(queue.unfinished())


def _retimed(job_id: int, wanted: Callable[[], bool]) -> bool:
    """Time a sweep again in a process of its own, unless a job comes or it is not wanted; whether a job came."""
    with open(workspace(job_id) / "log.txt", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "studio.jobs.retake_job", str(job_id), str(home())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while process.poll() is None:
        came = bool(queue.unfinished())
        if came or not wanted():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            return came
        time.sleep(_POLL)
    return False
