"""Jobs in the database: launch, watch, cancel, retry. The worker process does them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from sqlalchemy import select

from studio.errors import StudioError
from studio.home import home
from studio.jobs.sweeps import job_in
from studio.store.database import reading, writing
from studio.store.models import Job
from studio.together.audit import record

UNFINISHED = ("queued", "running")


def launch(project_id: int, user_id: int, kind: str, name: str, settings: dict[str, Any]) -> Job:
    """Queue a job and see to a worker."""
    with writing() as db:
        job = Job(project_id=project_id, created_by=user_id, kind=kind, name=name[:100] or kind, settings=settings)
        db.add(job)
        db.flush()
        record(db, project_id, user_id, "launched", name=job.name)
    start_worker()
    return job


def start_worker() -> None:
    """Start a worker in a session of its own, so that it outlives the studio; a second one leaves at once."""
    with open(home() / "worker.log", "ab") as told:
        subprocess.Popen(
            [sys.executable, "-m", "studio.jobs.worker"],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
            env=os.environ | {"STUDIO_HOME": str(home())},
        )


def jobs_of(project_id: int) -> list[Job]:
    """A project's jobs, newest first."""
    with reading() as db:
        return list(db.scalars(select(Job).where(Job.project_id == project_id).order_by(Job.id.desc())))


def unfinished() -> list[Job]:
    """All jobs that are queued or running, oldest first."""
    with reading() as db:
        return list(db.scalars(select(Job).where(Job.state.in_(UNFINISHED)).order_by(Job.id)))


def cancel(project_id: int, job_id: int) -> None:
    """Ask a job to stop. What it has finished stays."""
    job_in(project_id, job_id)
    with writing() as db:
        job = db.get_one(Job, job_id)
        if job.state == "queued":
            job.state, job.ended_at = "cancelled", time.time()
        elif job.state == "running":
            job.cancel = True
    start_worker()


def retry(project_id: int, job_id: int) -> None:
    """Queue a failed or cancelled job again; it goes on from what is finished."""
    if job_in(project_id, job_id).state in (*UNFINISHED, "done"):
        raise StudioError("this job needs no retry")
    change(job_id, state="queued", cancel=False, error=None, ended_at=None, stage="", done=0, total=0)
    start_worker()


def change(job_id: int, **values: Any) -> None:
    """Write what is known of a job."""
    with writing() as db:
        job = db.get_one(Job, job_id)
        for key, value in values.items():
            setattr(job, key, value)
