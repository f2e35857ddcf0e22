"""What holds for the whole studio, and who may change it: its owner, who used the link that the first start prints."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from studio.accounts.rights import acting
from studio.errors import Forbidden, StudioError
from studio.store.database import engine, reading
from studio.store.tables import Invitation, Setting

_FRESH_SECONDS = 5


class Settings(NamedTuple):
    """`scheduler`: address of the Dask cluster that computes; empty for this machine's own.

    `time_on`: the name of its worker that takes the times; empty for any that is idle. `webhook`: where the end of
    every job is sent, empty for nowhere; `private_webhooks`: whether this and those of projects may lie in a private
    network; `address`: what links to the studio begin with. The others: see `QUOTAS`.
    """

    scheduler: str = ""
    time_on: str = ""
    most_jobs: int = 10
    webhook: str = ""
    private_webhooks: bool = False
    address: str = ""
    most_images: int = 100_000
    most_megapixels: int = 100
    most_upload_mb: int = 1000
    most_requests: int = 6000

    @property
    def most_pixels(self) -> int:
        """Pixels that a photograph may have."""
        return self.most_megapixels * 1_000_000


class Quota(NamedTuple):
    """How much of something there may be: `label` names it, from `least` to `most`; `why`: what happens beyond."""

    label: str
    least: int
    most: int
    why: str


QUOTAS = {
    "most_jobs": Quota("Jobs of one project that may wait or run", 1, 1000,
                       "A further job is refused until one has ended. One runs at a time, with all workers, so that "
                       "none disturbs another's times; projects take turns."),
    "most_images": Quota("Images of one project", 1, 1_000_000,
                         "Further photographs are refused; what is there stays."),
    "most_megapixels": Quota("Megapixels of one photograph", 1, 100, "Larger photographs are refused before they are "
                             "decoded: they take the memory of everybody."),
    "most_upload_mb": Quota("Megabytes of one upload", 1, 1000, "Of a file on the pages, and of all files of a request "
                            "to the API. Larger ones are refused while they come."),
    "most_requests": Quota("Requests a minute", 300, 1_000_000, "Of a person with all tabs and programs, and of an "
                           "address from which nobody is signed in. Photographs, and what an open image asks every "
                           "second, are counted apart."),
}  # fmt: skip
"""The settings that are numbers, by their names."""


def settings() -> Settings:
    """The settings now. `STUDIO_SCHEDULER` stands above what was saved."""
    with reading() as db:
        saved = {one.key: one.value for one in db.scalars(select(Setting)) if one.key in Settings._fields}
    return Settings(**saved | ({"scheduler": fixed_scheduler()} if fixed_scheduler() else {}))


def recent() -> Settings:
    """The settings as they were a few seconds ago at most, for what every request asks."""
    return _read_at(str(engine().url), int(time.monotonic() // _FRESH_SECONDS))


@lru_cache(maxsize=1)
def _read_at(database: str, moment: int) -> Settings:
    return settings()


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


def check_owner(db: Database, user_id: int, does: str = "does") -> None:
    """Raise `Forbidden` for everybody but the studio's owner. `does`: what only they do, as a verb."""
    if not is_owner(db, user_id):
        raise Forbidden(f"only the studio's owner, who used the link of its first start, {does} this")


def owner_of(db: Database) -> int | None:
    """The studio's owner, in a transaction; None as long as there is none."""
    first = select(Invitation.used_by).where(Invitation.project_id.is_(None), Invitation.used_by.is_not(None))
    return db.scalar(first.order_by(Invitation.used_by).limit(1))


def save(user_id: int, new: Settings) -> None:
    """Change the settings. Raises `Forbidden` for everybody but the owner, `StudioError` for what cannot be."""
    scheme, _, rest = new.scheduler.partition("://")
    port = rest.rpartition(":")[2]
    if new.scheduler and not (scheme in ("tcp", "tls") and port.isdecimal() and int(port) < 65536):
        raise StudioError("a scheduler's address reads tcp://HOST:PORT or tls://HOST:PORT, as tcp://10.0.0.5:8786")
    for key, quota in QUOTAS.items():
        if not quota.least <= getattr(new, key) <= quota.most:
            raise StudioError(f"{quota.label.lower()}: from {quota.least:,} to {quota.most:,}")
    with acting(user_id) as db:
        check_owner(db, user_id, "changes")
        for key, value in new._asdict().items():
            if key == "scheduler" and fixed_scheduler():  # what was saved comes back with the end of the variable
                continue
            db.merge(Setting(key=key, value=value))
    _read_at.cache_clear()
