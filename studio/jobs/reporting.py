"""What a running job writes of itself into the database: its stage, its candidates, its log."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import delete, select

from ftl.progress import FAILED, CandidateProgress, Follow, Report, throttled
from studio.jobs.meter import Meter
from studio.jobs.queue import change
from studio.store.database import reading, writing
from studio.store.tables import CandidateRow, Job, JobLine


def say(job_id: int, text: str) -> None:
    """Add a line to a job's log."""
    with writing() as db:
        db.add(JobLine(job_id=job_id, text=text))


def log(job_id: int, lines: int = 200) -> str:
    """The last lines of a job's log, with their times."""
    with reading() as db:
        newest = select(JobLine).where(JobLine.job_id == job_id).order_by(JobLine.id.desc()).limit(lines)
        found = list(db.scalars(newest))
    return "\n".join(f"{time.strftime('%H:%M:%S', time.localtime(one.at))}  {one.text}" for one in reversed(found))


def reporter(job_id: int, meter: Meter | None = None) -> Report:
    """Writes a job's stage and how far it is, at most twice a second."""
    stage, since, meter = "", 0.0, meter or Meter()

    def report(done: int, total: int, what: str) -> None:
        nonlocal stage, since
        if what != stage:
            stage, since = what, time.time()
            say(job_id, what)
        meter.report(done, total, what)
        change(job_id, stage=what, done=done, total=total, stage_at=since, share=meter.share)

    return throttled(report)


def await_candidates(job_id: int, names: Sequence[str]) -> None:
    """Enter the networks of a sweep, in this order; what is known of them from before stays, but for errors."""
    with writing() as db:
        db.execute(delete(CandidateRow).where(CandidateRow.job_id == job_id, CandidateRow.name.not_in(names)))
        for number, name in enumerate(names):
            row = db.get(CandidateRow, (job_id, name)) or CandidateRow(job_id=job_id, name=name)
            row.number = number
            if row.stage == FAILED:
                row.stage, row.error = "waiting", ""
            db.add(row)


def follower(job_id: int, meter: Meter | None = None) -> Follow:
    """Writes how far a job's candidates are, as they tell it."""
    meter = meter or Meter()

    def follow(progress: CandidateProgress) -> None:
        meter.follow(progress)
        with writing(trash=True) as db:
            db.get_one(Job, job_id).share = meter.share
            row = db.get_one(CandidateRow, (job_id, progress.name))
            if progress.error:
                db.add(JobLine(job_id=job_id, text=f"{progress.name} failed: {progress.error}"))
            row.stage, row.done, row.total, row.error = progress.what, progress.done, progress.total, progress.error
            row.worker = progress.worker or row.worker
            if progress.epoch:  # sent again by a training that goes on after it was cut off
                row.curve = [*(point for point in row.curve if point[0] < progress.epoch[0]), [*progress.epoch]]

    return follow
