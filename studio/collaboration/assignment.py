"""Who draws what: images are given to people, by hand or one after the other, to as many as the project wants."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from studio.accounts.rights import changing
from studio.collaboration.drawing_order import sorting
from studio.collaboration.presence import LEASE_SECONDS
from studio.errors import StudioError
from studio.images.work import work_of
from studio.projects.audit import record
from studio.projects.members import role_of
from studio.store.database import reading
from studio.store.tables import Image, Member, Project, Stroke, Work

TO_DO = ("open", "returned")
"""States in which an image, or somebody's work on it, waits for being drawn."""


def set_overlap(project_id: int, by: int, count: int) -> None:
    """Say how many people draw each image."""
    if not 1 <= count <= 20:
        raise StudioError("an image is drawn by 1 to 20 people")
    with changing(by, project_id, "admin") as db:
        project = db.get_one(Project, project_id)
        if project.overlap != count:
            project.overlap = count
            record(db, project_id, by, "overlap", count=count)


def blind(project: Project, role: str) -> bool:
    """Whether somebody of that role sees only their own strokes."""
    return project.overlap > 1 and role == "annotator"


def draws_blind(project_id: int, user_id: int) -> bool:
    """Whether a member of a project sees only their own strokes."""
    with reading() as db:
        return blind(db.get_one(Project, project_id), str(role_of(user_id, project_id)))


def assign(project_id: int, image_ids: Sequence[int], user_id: int, by: int | None = None) -> int:
    """Give images to a member; how many were new to them. `by`: who gives them; None: the studio itself."""
    new = 0
    with changing(by, project_id, "reviewer") as db:
        if db.get(Member, (project_id, user_id)) is None:
            raise StudioError("this person is not in the project")
        for one in image_ids:
            image = db.get(Image, one)
            if image is None or image.project_id != project_id:
                raise StudioError("there is no such image in this project")
            work = work_of(db, one, user_id)
            if work.assigned_at is None:
                work.assigned_at = time.time()
                record(db, project_id, user_id, "assigned", one)
                new += 1
    return new


def give_next(project_id: int, user_id: int, after: int = 0, now: float | None = None) -> Image | None:
    """The next image for somebody, given to them; None when there is nothing left to do.

    What was returned to them comes first, then what was given to them and they have not drawn on. Else it is one that
    fewer people have than the project wants, in the project's order (`studio.collaboration.drawing_order`); having it
    open counts as having it. The search begins behind the image `after`. Two who ask at once never get the same one,
    for asking is a writing transaction.
    """
    now = time.time() if now is None else now
    with changing(user_id, project_id) as db:
        project = db.get_one(Project, project_id, with_for_update=True)
        order = (Image.id <= after, Image.id)
        todo = select(Image).where(Image.project_id == project_id, Image.state.in_(TO_DO), Image.id != after)
        own = todo.join(Work, and_(Work.image_id == Image.id, Work.user_id == user_id))
        drawn = select(Stroke.seq).where(Stroke.image_id == Image.id, Stroke.author_id == user_id).exists()
        waits = or_(Work.state == "returned", and_(Work.state == "open", Work.assigned_at.is_not(None), ~drawn))
        found = db.scalar(own.where(waits).order_by(Work.state != "returned", *order).limit(1))
        if found is not None:
            return found
        has = or_(Work.assigned_at.is_not(None), Work.seen_at > now - LEASE_SECONDS)
        counts = select(Work.image_id, func.count().label("people")).where(has, Work.user_id != user_id)
        taken = counts.group_by(Work.image_id).subquery()
        done = select(Work.image_id).where(Work.user_id == user_id, Work.assigned_at.is_not(None))
        free = todo.outerjoin(taken, taken.c.image_id == Image.id).where(
            Image.id.not_in(done), func.coalesce(taken.c.people, 0) < project.overlap
        )
        found = db.scalar(free.order_by(*sorting(db, project_id, after)).limit(1))
        if found is not None:
            work_of(db, found.id, user_id).assigned_at = now
            record(db, project_id, user_id, "assigned", found.id)
        return found


def works_on(image_id: int) -> list[Work]:
    """Everybody's work on an image, by name."""
    with reading() as db:
        rows = db.scalars(select(Work).where(Work.image_id == image_id).options(joinedload(Work.user)))
        return sorted(rows, key=lambda one: one.user.name.lower())
