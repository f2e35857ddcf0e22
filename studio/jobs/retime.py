"""Take a finished sweep's unstable times again, in a process of its own: `python -m studio.jobs.retime JOB HOME`."""

from __future__ import annotations

import sys

from ftl.dataset import LeftOut
from ftl.files import alone, machine, read_json
from ftl.latency import TIME, time_all
from ftl.pruning.sweep import networks
from ftl.results import JSON, write_results
from ftl.runtimes import TIMES
from studio.jobs import queue
from studio.jobs.record import say
from studio.jobs.sweeps import models, workspace
from studio.store import shared
from studio.store.database import reading
from studio.store.models import Job


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
        found = write_results(out, LeftOut(**read_json(out / JSON).get("left_out", {})))
    unstable = sum(bool(candidate.unstable) for candidate in found)
    if unstable < job.unstable:
        say(job_id, f"times taken again, now that the machine is quiet: {job.unstable - unstable} are stable now")
    tree = job.tree and shared.share_folder(workspace(job_id), suffixes=(".h5", ".txt"))
    queue.change(job_id, unstable=unstable, tree=tree)


if __name__ == "__main__":
    retime(int(sys.argv[1]))
