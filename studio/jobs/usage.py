"""Who has put a network of a project to use, by the audit log: tried it on photographs, or downloaded it."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from studio.accounts.rights import changing
from studio.errors import Forbidden
from studio.projects.audit import record
from studio.store.database import reading
from studio.store.tables import Event

TRIED, DOWNLOADED = "tried", "downloaded"


def note_use(project_id: int, who: int, what: str, job_id: int, name: str) -> None:
    """Write down that a user tried or downloaded a sweep's network, the first time that they do.

    Not in archived projects. Nothing is raised where it cannot be written: they have the network all the same.
    """
    own = select(Event).where(Event.project_id == project_id, Event.user_id == int(who), Event.what == what)
    with reading() as db:
        if any((one.details.get("job"), one.details["name"]) == (job_id, name) for one in db.scalars(own)):
            return
    with suppress(Forbidden, SQLAlchemyError):
        record_use(project_id, who, what, job_id, name)


def record_use(project_id: int, who: int, what: str, job_id: int, name: str) -> None:
    """Write a line on it in the audit log. Raises `Forbidden` as all that changes a project does."""
    with changing(who, project_id) as db:
        record(db, project_id, int(who), what, job=job_id, name=name)


def last_used(project_id: int) -> str | None:
    """The network that somebody was the last to put to use for the first time; None while none was."""
    used = select(Event).where(Event.project_id == project_id, Event.what.in_((TRIED, DOWNLOADED)))
    with reading() as db:
        event = db.scalar(used.order_by(Event.id.desc()).limit(1))
    return None if event is None else str(event.details["name"])
