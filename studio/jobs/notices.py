"""Ends of jobs on their way to the browser of whoever launched them."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Select, select

from studio.jobs.request import LEADS_TO
from studio.store.database import reading, writing
from studio.store.tables import Job, Member, Project

_DAY = 24 * 3600  # seconds after which a job's end is no news


def claim(user_id: int) -> list[dict[str, Any]]:
    """The jobs of a user that are done or failed and that no browser was told of; each is given out once.

    `title`, `text`: what is shown; `link`: the page to go to. Only of projects that they are still in.
    """
    with reading() as db:  # nearly always there is none, and a reader keeps nobody waiting
        if db.execute(_ended(user_id).limit(1)).first() is None:
            return []
    with writing() as db:
        rows = [(row[0], row[1]) for row in db.execute(_ended(user_id).with_for_update(of=Job))]
        for job, _ in rows:
            job.told = True
    return [_notice(job, project) for job, project in rows]


def _ended(user_id: int) -> Select[Job, Project]:
    query = select(Job, Project).join(Project, Job.project_id == Project.id)
    query = query.join(Member, (Member.project_id == Project.id) & (Member.user_id == user_id))
    ended = Job.state.in_(("done", "failed")), Job.told.is_(False), Job.ended_at > time.time() - _DAY
    return query.where(Job.created_by == user_id, *ended).order_by(Job.id)


def _notice(job: Job, project: Project) -> dict[str, Any]:
    done = job.state == "done"
    leads = "jobs" if not done else LEADS_TO.get(job.kind, "choose")
    return {
        "job": job.id,
        "done": done,
        "title": f"{job.name} {'is done' if done else 'has failed'}",
        "text": project.name if done else f"{project.name}: {job.error or 'its log says why'}",
        "link": f"/{leads}?project={project.id}",
    }
