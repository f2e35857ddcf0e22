"""What holds for the whole studio, and who may change it: its owner, who used the link that the first start prints."""

from __future__ import annotations

import os
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from studio.errors import Forbidden, StudioError
from studio.rights import acting
from studio.store.database import reading
from studio.store.models import Invitation, Setting


class Settings(NamedTuple):
    """`scheduler`: address of the Dask cluster that computes; empty for this machine's own.

    `time_on`: the name of its worker that takes the times; empty for any that is idle.
    `most_jobs`: so many jobs of a project may wait or run at once.
    `webhook`: where the end of every job is told, empty for nowhere; `private_webhooks`: whether this and those of
    projects may lie in a private network; `address`: what links to the studio begin with.
    """

    scheduler: str = ""
    time_on: str = ""
    most_jobs: int = 10
    webhook: str = ""
    private_webhooks: bool = False
    address: str = ""


def settings() -> Settings:
    """The settings now. `STUDIO_SCHEDULER` stands above what was saved."""
    with reading() as db:
        saved = {one.key: one.value for one in db.scalars(select(Setting)) if one.key in Settings._fields}
    return Settings(**saved | ({"scheduler": fixed_scheduler()} if fixed_scheduler() else {}))


def fixed_scheduler() -> str:
    """The scheduler's address where the studio is started with one, `STUDIO_SCHEDULER`; else empty."""
    return os.environ.get("STUDIO_SCHEDULER", "").strip()


def owns(user_id: int) -> bool:
    """Whether a user owns the studio: they used its first invitation, the only one without a project."""
    with reading() as db:
        return is_owner(db, user_id)


def is_owner(db: Database, user_id: int) -> bool:
    """As `owns`, in a transaction."""
    mine = select(Invitation).where(Invitation.project_id.is_(None), Invitation.used_by == int(user_id))
    return db.scalar(mine.limit(1)) is not None


def save(user_id: int, new: Settings) -> None:
    """Change the settings. Raises `Forbidden` for everybody but the owner, `StudioError` for what cannot be."""
    scheme, _, rest = new.scheduler.partition("://")
    port = rest.rpartition(":")[2]
    if new.scheduler and not (scheme in ("tcp", "tls") and port.isdecimal() and int(port) < 65536):
        raise StudioError("a scheduler's address reads tcp://HOST:PORT or tls://HOST:PORT, as tcp://10.0.0.5:8786")
    if not 1 <= new.most_jobs <= 1000:
        raise StudioError("a project may have from 1 to 1000 jobs at once")
    with acting(user_id) as db:
        if not is_owner(db, user_id):
            raise Forbidden("only the studio's owner, who used the link of its first start, changes this")
        for key, value in new._asdict().items():
            if key == "scheduler" and fixed_scheduler():  # what was saved comes back with the end of the variable
                continue
            db.merge(Setting(key=key, value=value))
