"""Jobs in the database: launch, order, cancel, retry. The worker process does them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import func, select

from ftl.config import Config
from ftl.models.layout import LINEAR, SEGMENTED, UNPRUNED, candidate_name, folder_name, parse_budget
from ftl.progress import TESTED, TIMED, TIMING
from studio.accounts.rights import changing
from studio.accounts.settings import settings as studio_settings
from studio.errors import StudioError
from studio.jobs.request import DEMO, request_of
from studio.jobs.sweeps import deleted_networks, job_in
from studio.projects.audit import record
from studio.store.database import reading, writing
from studio.store.home import home
from studio.store.tables import CandidateRow, Job, Project

UNFINISHED = ("queued", "running")


def launch(
    project_id: int,
    user_id: int,
    kind: str,
    name: str,
    request: Config,
    seconds: float | None = None,
) -> Job:
    """Queue a job and see to a worker; `seconds`: what it should take. Raises `StudioError` when there are too many."""
    most = studio_settings().most_jobs
    with changing(user_id, project_id, "admin") as db:
        db.get_one(Project, project_id, with_for_update=True)  # two at once are counted one after the other
        waiting = select(func.count()).select_from(Job).where(Job.project_id == project_id, Job.state.in_(UNFINISHED))
        if (db.scalar(waiting) or 0) >= most:
            raise StudioError(f"this project has {most} jobs that wait or run already: wait for one, or cancel one")
        job = Job(
            project_id=project_id,
            created_by=user_id,
            kind=kind,
            name=name[:100] or kind,
            settings=request.model_dump(mode="json"),
        )
        job.seconds = seconds
        db.add(job)
        db.flush()
        record(db, project_id, user_id, "launched", name=job.name)
    start_worker()
    return job


def claim(job_id: int) -> bool:
    """Make a queued job a running one; False if it was cancelled meanwhile."""
    with writing(trash=True) as db:
        job = db.get_one(Job, job_id, with_for_update=True)
        if job.state != "queued":
            return False
        job.state, job.stage, job.started_at = "running", "starting", time.time()
        return True


def start_worker() -> None:
    """Start a worker in a session of its own, so that it outlives the studio; a second one leaves at once."""
    with open(home() / "worker.log", "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "studio.jobs.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"STUDIO_HOME": str(home())},
        )


def worker_lock(timeout: float) -> FileLock:
    """What a worker holds while it works."""
    return FileLock(home() / ".worker.lock", timeout=timeout)


def see_to_worker() -> None:
    """Start a worker if there is something to do and none is there: one may have been killed, or lost its database."""
    if unfinished():
        with suppress(Timeout):
            with worker_lock(timeout=0):
                pass
            start_worker()


def jobs_of(project_id: int) -> list[Job]:
    """A project's jobs, newest first."""
    with reading() as db:
        return list(db.scalars(select(Job).where(Job.project_id == project_id).order_by(Job.id.desc())))


def unfinished() -> list[Job]:
    """All jobs that are queued or running, oldest first, with those that were deleted and are not stopped yet."""
    with reading(trash=True) as db:
        return list(db.scalars(select(Job).where(Job.state.in_(UNFINISHED)).order_by(Job.id)))


def next_job() -> Job | None:
    """The job to do next."""
    return next(iter(in_turn()), None)


def in_turn(before: int | None = None) -> list[Job]:
    """The jobs that wait, in the order in which they will begin; or those that begin before a new one of a project.

    Next is always the first of that project's queue whose last job began longest ago; demos come behind all others.
    """
    with reading() as db:
        queued = list(db.scalars(select(Job).where(Job.state == "queued").order_by(Job.place, Job.id)))
        begun = select(Job.project_id, func.max(Job.started_at)).group_by(Job.project_id)
        last = {row[0]: row[1] or 0.0 for row in db.execute(begun)}
    new = None if before is None else Job(project_id=before)
    queued += [] if new is None else [new]
    order: list[Job] = []
    while queued:
        job = min(queued, key=lambda job: (job.kind == DEMO, last.get(job.project_id, 0.0)))
        if job is new:
            break
        queued.remove(job)
        order.append(job)
        last[job.project_id] = max(last.values()) + 1  # it will have begun after all others
    return order


def prefer(project_id: int, job_id: int, by: int | None = None) -> None:
    """Put a waiting job at the head of its project's queue. `by`, here and below: who asks; None: the studio itself."""
    job_in(project_id, job_id)
    with changing(by, project_id, "admin") as db:
        first = db.scalar(select(func.min(Job.place)).where(Job.project_id == project_id, Job.state == "queued"))
        db.get_one(Job, job_id).place = (first or 0) - 1


def cancel(project_id: int, job_id: int, by: int | None = None) -> None:
    """Ask a job to stop. What it has finished stays."""
    job_in(project_id, job_id)
    with changing(by, project_id, "admin") as db:
        job = db.get_one(Job, job_id, with_for_update=True)
        if job.state == "queued":
            job.state, job.ended_at = "cancelled", time.time()
        elif job.state == "running":
            job.cancel = True
    start_worker()


def retry(project_id: int, job_id: int, by: int | None = None) -> None:
    """Queue a failed or cancelled job again; it goes on from what is finished."""
    _again(project_id, job_id, by)


def settle(project_id: int, job_id: int, by: int | None = None) -> None:
    """Queue a failed or cancelled sweep again for the candidates that are finished, which only lack their times."""
    job = job_in(project_id, job_id)
    finished = {row.name for row in candidates_of(job_id) if row.stage in (TESTED, TIMING, TIMED)}
    request = request_of(job)
    config = request.sweep
    first = SEGMENTED if config.only_masks else LINEAR
    keep = [fraction for fraction in config.fractions if candidate_name(folder_name(fraction), first) in finished]
    if not keep or not (config.only_masks or UNPRUNED in finished):
        raise StudioError(
            "the unpruned network or all pruned ones are not finished yet: Retry goes on where the job stopped"
        )
    budgets = [budget for budget in config.budgets if parse_budget(budget).name in finished]
    names = [*map(folder_name, keep), *(parse_budget(budget).name for budget in budgets)]
    heads = [head for head in config.heads if all(candidate_name(name, head) in finished for name in names)]
    unpruned = config.fine_tune_unpruned and all(candidate_name(UNPRUNED, head) in finished for head in heads)
    fewer = config.but(
        keep=[fraction for fraction in keep if fraction is not None] or config.keep,
        budgets=budgets, heads=heads, fine_tune_unpruned=unpruned,
    )  # fmt: skip
    _again(project_id, job_id, by, settings=request.but(sweep=fewer).model_dump(mode="json"))


def _again(project_id: int, job_id: int, by: int | None, **values: Any) -> None:
    job_in(project_id, job_id)
    anew = {"state": "queued", "cancel": False, "error": None, "ended_at": None, "stage": "", "done": 0, "total": 0}
    anew |= {"share": 0.0, "told": False}
    with changing(by, project_id, "admin") as db:
        job = db.get_one(Job, job_id, with_for_update=True)
        if job.state in (*UNFINISHED, "done"):
            raise StudioError("this job needs no retry")
        for key, value in (anew | values | {"place": time.time()}).items():
            setattr(job, key, value)
    start_worker()


def candidates_of(job_id: int) -> list[CandidateRow]:
    """How far each network of a sweep is, the unpruned one first, less those that were deleted."""
    gone = deleted_networks(job_id)
    with reading() as db:
        rows = db.scalars(select(CandidateRow).where(CandidateRow.job_id == job_id).order_by(CandidateRow.number))
        return [row for row in rows if row.name not in gone]


def change(job_id: int, **values: Any) -> None:
    """Write what is known of a job."""
    with writing(trash=True) as db:
        job = db.get_one(Job, job_id)
        for key, value in values.items():
            setattr(job, key, value)
