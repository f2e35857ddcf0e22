"""The worker: does the queue's jobs one after the other, each in a process of its own, and leaves when none is left.

One runs at a time; it outlives the studio, and a new one takes over the jobs of one that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from studio.home import home
from studio.jobs import queue
from studio.jobs.sweeps import workspace
from studio.store.database import reading
from studio.store.models import Job

_PATIENCE = 5.0  # seconds between asking a job to stop and killing it
_POLL = 0.3


def _runs(process: int | None, job_id: int) -> bool:
    """Whether that process is there and runs this job: numbers of processes are used again."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"studio.jobs.run" in command and str(job_id).encode() in command


def _begin(job: Job) -> None:
    folder = workspace(job.id)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "log.txt", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "studio.jobs.run", str(job.id)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    queue.change(job.id, state="running", process=process.pid, started_at=time.time(), stage="starting")


def _watch(job_id: int) -> None:
    """Wait for a running job's end; stop it when asked to; say so when it died."""
    asked: float | None = None
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # clear away children that have ended
                pass
        with reading() as db:
            job = db.get_one(Job, job_id)
        if not _runs(job.process, job_id):
            break
        if job.cancel and job.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.process, signal.SIGTERM if asked is None else 0)
                if asked is not None and time.monotonic() - asked > _PATIENCE:
                    os.killpg(job.process, signal.SIGKILL)
            asked = asked or time.monotonic()
        time.sleep(_POLL)
    with reading() as db:
        job = db.get_one(Job, job_id)
    if job.state == "running":
        if job.cancel:
            queue.change(job_id, state="cancelled", process=None, ended_at=time.time())
        else:
            why = "its process was ended from outside, perhaps for want of memory: retry goes on from what is done"
            queue.change(job_id, state="failed", error=why, process=None, ended_at=time.time())


def _take_over() -> None:
    """Queue the jobs again whose worker was killed and whose process is gone; what they finished stays."""
    for job in queue.unfinished():
        if job.state == "running" and not _runs(job.process, job.id):
            queue.change(job.id, state="queued", process=None)


def main() -> None:
    """Work until the queue is empty."""
    try:
        with FileLock(home() / ".worker.lock", timeout=3):
            _take_over()
            while jobs := queue.unfinished():
                running = [job for job in jobs if job.state == "running"]
                if not running:
                    _begin(jobs[0])
                _watch((running or jobs)[0].id)
    except Timeout:
        pass  # another worker is at it, and will find the new job


if __name__ == "__main__":
    main()
