"""Who has which image open. A browser says so every few seconds: a lease, which tells others and hinders nobody."""

from __future__ import annotations

import time
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from studio.accounts.rights import changing_image
from studio.images.work import work_of
from studio.store.database import reading
from studio.store.tables import Image, User, Work

BEAT_SECONDS = 5.0
"""How often a browser says that it shows an image."""

PRESENT_SECONDS = 15.0
"""So long after the last beat, somebody is still shown as there."""

LEASE_SECONDS = 120.0
"""So long after the last beat, the image is given to nobody else unasked. A stroke is taken at any time."""


def beat(image_id: int, user_id: int, now: float | None = None) -> None:
    """Say that a user has an image open. The time since the last beat counts as work, unless they were away."""
    now = time.time() if now is None else now
    with reading() as db:
        known = db.get(Work, (image_id, user_id))
    if known is not None and 0 <= now - known.seen_at < BEAT_SECONDS - 0.5:
        return  # another tab has just said so
    with changing_image(user_id, image_id, archived=True) as (db, _):
        work = work_of(db, image_id, user_id)
        if 0 < now - work.seen_at <= PRESENT_SECONDS:
            work.seconds += now - work.seen_at
        work.seen_at = now


def present(image_ids: Collection[int], now: float | None = None) -> dict[int, list[User]]:
    """Who has these images open, by image id, in the order of their names."""
    since = (time.time() if now is None else now) - PRESENT_SECONDS
    found: dict[int, list[User]] = {}
    with reading() as db:
        query = select(Work).where(Work.image_id.in_(image_ids), Work.seen_at > since).options(joinedload(Work.user))
        for work in db.scalars(query):
            found.setdefault(work.image_id, []).append(work.user)
    return {image: sorted(users, key=lambda one: one.name.lower()) for image, users in found.items()}


def in_project(
    project_id: int, image_ids: Collection[int] | None = None, now: float | None = None
) -> list[tuple[User, Image]]:
    """Who has which image of a project open, or which of these images, in the order of their names."""
    since = (time.time() if now is None else now) - PRESENT_SECONDS
    query = select(User, Image).join(Work, Work.user_id == User.id).join(Image, Image.id == Work.image_id)
    query = query.where(Image.project_id == project_id, Work.seen_at > since).order_by(func.lower(User.name))
    if image_ids is not None:
        query = query.where(Work.image_id.in_(image_ids))
    with reading() as db:
        rows = db.execute(query)
        return [(user, image) for user, image in rows]
