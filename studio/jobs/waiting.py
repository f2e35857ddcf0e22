"""When jobs that wait are expected, and what they wait for."""

from __future__ import annotations

import time
from statistics import median
from typing import NamedTuple

from sqlalchemy import select

from ftl.formatting import duration
from studio.jobs import queue
from studio.jobs.request import DEMO, FURTHER, SWEEPS
from studio.store.database import reading
from studio.store.tables import Job, Member, Project

_KNOWN = 0.05  # of a job's work: from then on its own pace counts, more and more
MOST_SHOWN = 0.99
"""Of a job's work, while it runs: 100 % would say that it is done."""

_NEARLY = 5.0  # seconds: an estimate cannot tell fewer
_LIKE = 10  # jobs that tell how long one takes whose cost nobody estimated


class Turn(NamedTuple):
    """Where a job stands: `place` 0 while it runs, else in the queue from 1 on.

    `begins`, `ends`: seconds from now, about; None where nobody can know.
    """

    place: int
    begins: float | None
    ends: float | None


def remaining(job: Job, now: float) -> float | None:
    """Seconds that a running job still takes, about: by its own pace, and at first by its estimate."""
    estimated = None if job.seconds is None else job.seconds * (1 - job.share)
    if job.started_at is None or job.share < _KNOWN:
        return estimated
    paced = (now - job.started_at) / job.share * (1 - job.share)
    return paced if estimated is None else job.share * paced + (1 - job.share) * estimated


def turns(now: float | None = None) -> dict[int, Turn]:
    """Of all jobs that run or wait, by id."""
    now = time.time() if now is None else now
    found: dict[int, Turn] = {}
    at: float | None = 0.0
    for job in queue.unfinished():
        if job.state == "running":
            left = remaining(job, now)
            at = None if at is None or left is None else at + left
            found[job.id] = Turn(0, 0.0, at)
    usual = _usual_seconds()
    for place, job in enumerate(queue.in_turn(), 1):
        takes = usual if job.seconds is None else job.seconds
        begins, at = at, None if at is None or takes is None else at + takes
        found[job.id] = Turn(place, begins, at)
    return found


def _usual_seconds() -> float | None:
    """How long the newest jobs took that are done; None while there are none."""
    with reading() as db:
        done = select(Job).where(Job.state == "done", Job.started_at.is_not(None), Job.ended_at.is_not(None))
        newest = list(db.scalars(done.order_by(Job.id.desc()).limit(_LIKE)))
    return median((job.ended_at or 0) - (job.started_at or 0) for job in newest) if newest else None


def standing(job: Job, turn: Turn) -> str:
    """Where a job stands, in words."""
    if not turn.place:
        nearly = job.share >= MOST_SHOWN or (turn.ends is not None and turn.ends < _NEARLY)
        return "nearly done" if nearly else "" if turn.ends is None else f"about {duration(turn.ends)} left"
    place = "next in the queue" if turn.place == 1 else f"{ordinal(turn.place)} in the queue"
    if turn.begins is None:
        return place
    begins = "begins any moment" if turn.begins < 1 else f"begins in about {duration(turn.begins)}"
    return f"{place} · {begins}" + ("" if turn.ends is None else f", done in about {duration(turn.ends)}")


def networks_to_come(project_id: int) -> str:
    """Which job makes networks for a project, or will next, and how long it takes; empty if none does."""
    known = turns()
    jobs = [job for job in queue.jobs_of(project_id) if job.kind in (*SWEEPS, FURTHER) and job.id in known]
    if not jobs:
        return ""
    job = min(jobs, key=lambda job: known[job.id].place)
    turn = known[job.id]
    where = standing(job, turn)
    return f"{job.name} is {'waiting' if turn.place else 'running'}{': ' * bool(where)}{where}."


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def running_for(user_id: int) -> str:
    """What runs now, in words: job and project only to members of that project. Empty while nothing runs."""
    query = select(Job, Project, Member).join(Project, Job.project_id == Project.id)
    query = query.outerjoin(Member, (Member.project_id == Project.id) & (Member.user_id == user_id))
    with reading() as db:
        row = db.execute(query.where(Job.state == "running").limit(1)).first()
    if row is None:
        return ""
    job, project, member = row
    return f"{job.name} of {project.name}" if member else "a job of another project"


def ahead(project_id: int, now: float | None = None) -> tuple[int, float | None]:
    """How many jobs come before one that this project launches now, and in how many seconds that begins, about."""
    waiting, known = queue.in_turn(project_id), turns(now)
    running = [job for job in queue.unfinished() if job.state == "running" and job.kind != DEMO]  # which would give way
    before = [job.id for job in (*waiting, *running) if job.id in known]
    ends = [known[job_id].ends for job_id in before]
    if not before:
        return 0, 0.0
    return len(before), None if None in ends else max(end for end in ends if end is not None)
