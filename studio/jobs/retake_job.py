"""Take a finished sweep's unstable times again, in its own process: `python -m studio.jobs.retake_job JOB HOME`."""

from __future__ import annotations

import sys

from ftl.data.dataset import LeftOut
from ftl.evaluation.runtimes import TIMES
from ftl.files import alone, machine, read_json
from ftl.latency.networks import time_all
from ftl.models.layout import TIME
from ftl.sweeping.networks import networks
from ftl.sweeping.results import JSON, write_results
from studio.jobs import queue
from studio.jobs.reporting import say
from studio.jobs.sweeps import models, workspace
from studio.store import shared_store
from studio.store.database import reading
from studio.store.tables import Job


def retime(job_id: int) -> None:
    """Time those networks of a job again that are unstable and were timed on this machine; then write its results."""
    with reading() as db:
        job = db.get_one(Job, job_id)
    out = models(job_id)
    with alone(out):
        folders = networks(out)
        timed = read_json(folders[0] / TIME)
        if timed["machine"] != machine():
            queue.change(job_id, unstable=0)  # they are another machine's: only a sweep there can take them again
            return
        runtimes = [one for one in TIMES if all((folder / TIMES[one]).is_file() for folder in folders)]
        time_all(folders, timed["threads"], runtimes=runtimes, again=True, patience=None)
        found = write_results(out, LeftOut(**read_json(out / JSON)["left_out"]))
    unstable = sum(bool(candidate.unstable) for candidate in found)
    if unstable < job.unstable:
        say(job_id, f"unstable latencies measured again on a quiet machine: {job.unstable - unstable} are stable now")
    tree = job.tree and shared_store.share_folder(workspace(job_id), suffixes=(".h5", ".txt"))
    queue.change(job_id, unstable=unstable, tree=tree)


if __name__ == "__main__":
    retime(int(sys.argv[1]))
