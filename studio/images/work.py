"""Nobody accepts their own work, unless the project says so or has no other reviewer."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from studio.accounts.rights import changing
from studio.errors import Forbidden
from studio.projects.audit import record
from studio.store.database import reading
from studio.store.tables import Image, Member, Project, Stroke, Work

JUDGES = ("reviewer", "admin")
"""The roles that judge work."""

_AT_ONCE = 500  # databases bound the number of variables


def set_accept_own(project_id: int, by: int, allowed: bool) -> None:
    """Say whether reviewers may accept their own work."""
    with changing(by, project_id, "admin") as db:
        project = db.get_one(Project, project_id)
        if project.accept_own != allowed:
            project.accept_own = allowed
            record(db, project_id, by, "own work", to="may" if allowed else "may not")


def check_acceptance(db: Session, project_id: int, image_ids: Collection[int], user_id: int) -> None:
    """Raise `Forbidden` if the user may not accept these images, because one of them is their own work.

    It is if they handed it in, or if nobody else drew on it. A project's only reviewer may accept their own, else an
    inspector alone could finish nothing.
    """
    if db.get_one(Project, project_id).accept_own or is_only_reviewer(db, project_id, user_id):
        return
    ids = list(image_ids)
    count = sum(
        len(db.scalars(_own(ids[start : start + _AT_ONCE], user_id)).all()) for start in range(0, len(ids), _AT_ONCE)
    )
    if count:
        what = "this is your own work" if len(ids) == 1 else f"{count:,} of these are your own work"
        raise Forbidden(f"{what}: another reviewer of the project accepts it")


def is_only_reviewer(db: Session, project_id: int, user_id: int) -> bool:
    """Whether nobody else in the project judges work."""
    others = exists().where(Member.project_id == project_id, Member.role.in_(JUDGES), Member.user_id != user_id)
    return not db.scalar(select(others))


def refusal(project_id: int, image_id: int, user_id: int) -> str:
    """Why the user may not accept an image; empty if they may."""
    with reading() as db:
        try:
            check_acceptance(db, project_id, [image_id], user_id)
        except Forbidden as error:
            return str(error)
    return ""


def own_among(project_id: int, image_ids: Collection[int], user_id: int) -> set[int]:
    """Which of these images the user may not accept because they are their own work; at most some hundred images."""
    with reading() as db:
        if db.get_one(Project, project_id).accept_own or is_only_reviewer(db, project_id, user_id):
            return set()
        return set(db.scalars(_own(image_ids, user_id)))


def work_of(db: Session, image_id: int, user_id: int) -> Work:
    """A person's work on an image, made where there was none."""
    work = db.get(Work, (image_id, user_id))
    if work is None:
        db.get(Image, image_id, with_for_update=True)  # of two who would make it, one waits for the other
        work = db.get(Work, (image_id, user_id))
    if work is None:
        work = Work(image_id=image_id, user_id=user_id)
        db.add(work)
        db.flush()
    return work


def _own(image_ids: Collection[int], user_id: int) -> Select[int]:
    drew = exists().where(Stroke.image_id == Image.id, Stroke.author_id == user_id)
    others_drew = exists().where(Stroke.image_id == Image.id, Stroke.author_id != user_id)
    handed_in = exists().where(Work.image_id == Image.id, Work.user_id == user_id, Work.state == "submitted")
    return select(Image.id).where(Image.id.in_(image_ids), or_(handed_in, drew & ~others_drew))
