"""The worker: does the queue's jobs one after the other, each in a process of its own, and leaves when none is left.

Before it leaves it waits for a quiet machine where times are unstable (`studio.jobs.retake_times`), as long as there is
a studio. One runs at a time; it outlives the studio, and a new one takes over the jobs of one that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
from filelock import Timeout

from studio.accounts.settings import settings
from studio.errors import StudioError
from studio.jobs import cluster, queue, retake_times
from studio.jobs.ending import end
from studio.jobs.reporting import say
from studio.jobs.request import DEMO, HERE
from studio.jobs.studio_runs import studio_runs
from studio.jobs.sweep_job import SCHEDULER, TIME_ON
from studio.jobs.sweeps import workspace
from studio.store.database import reading
from studio.store.home import home, keep_private
from studio.store.tables import Job

_PATIENCE = 5.0  # seconds between asking a job to stop and killing it
_POLL = 0.3


def _runs(process: int | None, job_id: int) -> bool:
    """Whether that process is there and runs this job of this home: numbers of processes are used again."""
    try:
        return process is not None and psutil.Process(process).cmdline() == _command(job_id)
    except psutil.Error:
        return False


def _command(job_id: int) -> list[str]:
    return [sys.executable, "-m", "studio.jobs.sweep_job", str(job_id), str(home())]


def _begin(job: Job) -> None:
    """Start a job's process, with the settings as they are now: they hold until its end."""
    folder, now = workspace(job.id), settings()
    folder.mkdir(parents=True, exist_ok=True)
    alone = job.kind in HERE
    own = not now.scheduler and not alone
    if own:
        cluster.keep_up()
    if not queue.claim(job.id):
        return
    scheduler = "" if alone else now.scheduler or str(cluster.file())
    where = {SCHEDULER: scheduler, TIME_ON: now.time_on if now.scheduler else ""}
    if job.kind == DEMO:  # somebody waits to look around: unstable times are taken again once the worker is idle
        where["FTL_TIMING_PATIENCE"] = "0"
    with open(folder / "log.txt", "ab") as log:
        process = subprocess.Popen(
            _command(job.id),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | where | (cluster.environment() if own else {}),
        )
    queue.change(job.id, process=process.pid)


def _watch(job_id: int) -> None:
    """Wait for a running job's end, and see to its cluster; stop it when asked to; say so when it died.

    A demo is also stopped, and waits again, once any other job waits.
    """
    asked: float | None = None
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # clear away children that have ended
                pass
        with reading(trash=True) as db:
            job = db.get_one(Job, job_id)
        if not _runs(job.process, job_id):
            break
        if job.process and (job.cancel or asked or _gives_way(job)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.process, signal.SIGTERM if asked is None else 0)
                if asked is not None and time.monotonic() - asked > _PATIENCE:
                    os.killpg(job.process, signal.SIGKILL)
            asked = asked or time.monotonic()
        elif _is_sent_here(job.process):
            with contextlib.suppress(StudioError):  # tried again the next time; the job waits for it a while
                cluster.keep_up()
        time.sleep(_POLL)
    with reading(trash=True) as db:
        job = db.get_one(Job, job_id)
    if job.state == "running":
        if job.cancel:
            cluster.take_down()  # what its steps were at is of no use any more
            end(job_id, "cancelled")
        elif asked:
            queue.change(job_id, state="queued", process=None, stage="", share=0.0)  # what is finished stays
        else:
            if words := _last_words(job_id):
                say(job_id, words)
            why = "its process was ended from outside, perhaps for want of memory: retry goes on from what is done"
            end(job_id, "failed", error=why)


def _gives_way(job: Job) -> bool:
    """Whether a running job is a demo, and another waits that is none."""
    following = queue.next_job() if job.kind == DEMO else None
    return following is not None and following.kind != DEMO


def _is_sent_here(process: int | None) -> bool:
    """Whether that job is computed by this machine's own cluster."""
    try:
        return psutil.Process(process).environ().get(SCHEDULER) == str(cluster.file())
    except psutil.Error:
        return False


def _last_words(job_id: int, size: int = 2000) -> str:
    """What a process wrote that could not write to the log any more."""
    with open(workspace(job_id) / "log.txt", "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        return file.read().decode("utf-8", "replace")


def _take_over() -> None:
    """Find what runs of the jobs whose worker was killed; queue the others again: what they finished stays."""
    for job in queue.unfinished():
        if job.state == "running" and not _runs(job.process, job.id):
            found = [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == _command(job.id)]
            if found:  # the worker was killed before it could say so
                queue.change(job.id, process=found[0])
            else:
                queue.change(job.id, state="queued", process=None)


def main() -> None:
    """Work until the queue is empty."""
    try:
        with queue.worker_lock(timeout=3):
            _take_over()
            while queue.unfinished() or retake_times.take_again(wanted=studio_runs):  # another may come meanwhile
                _work()
                cluster.take_down()
    except Timeout:
        pass  # another worker is at it, and will find the new job


def _work() -> None:
    while job := _running() or queue.next_job():
        try:
            if job.state == "queued":
                _begin(job)
            _watch(job.id)
        except StudioError as error:
            end(job.id, "failed", error=str(error))


def _running() -> Job | None:
    return next((job for job in queue.unfinished() if job.state == "running"), None)


if __name__ == "__main__":
    keep_private()
    main()
