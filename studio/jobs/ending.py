"""The end of a job: written down, and sent to webhooks."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from studio.jobs import queue, webhook
from studio.store.database import reading
from studio.store.tables import Job, Project


def end(job_id: int, state: str, **values: Any) -> None:
    """Write that a job is done, failed or cancelled; the first two are sent to webhooks, and nobody waits for those."""
    queue.change(job_id, state=state, process=None, ended_at=time.time(), **values)
    if state != "cancelled":
        with reading() as db:
            own = select(Job).join(Project, Project.id == Job.project_id).where(Job.id == job_id)
            job = db.scalar(own)  # none if it, or its project, was deleted meanwhile
        if job is not None:
            webhook.announce(job)
