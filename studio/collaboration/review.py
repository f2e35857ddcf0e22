"""Where the work on an image stands: open, submitted, accepted, returned."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.accounts.rights import changing_image
from studio.errors import StudioError
from studio.images.work import check_acceptance, work_of
from studio.projects.audit import record
from studio.store.tables import Comment, Image, Project, Work


def _check(image: Image, *states: str) -> None:
    """Raise `StudioError` if the image is in none of these states."""
    if image.state not in states:
        raise StudioError(f"the image is {image.state} by now: look at it again")


def submit(image_id: int, user_id: int) -> None:
    """Hand one's work in. The image is submitted once as many have as the project wants."""
    with changing_image(user_id, image_id) as (db, image):
        _check(image, "open", "returned")
        work = work_of(db, image_id, user_id)
        if work.state == "submitted":
            return  # a second click
        work.state = "submitted"
        db.flush()
        ready = db.scalars(select(Work).where(Work.image_id == image_id, Work.state == "submitted")).all()
        if len(ready) >= db.get_one(Project, image.project_id).overlap:
            image.state = "submitted"
        record(db, image.project_id, user_id, "submitted", image_id)


def accept(image_id: int, user_id: int, seen: int | None = None) -> None:
    """Accept submitted work; the image is read-only then. Raises `Forbidden` for one's own, see `own_work`.

    `seen`: the image's `strokes` when it was looked at, for lists that do not follow what is drawn.
    """
    with changing_image(user_id, image_id, "reviewer") as (db, image):
        _check(image, "submitted")
        if seen is not None and image.strokes != seen:
            raise StudioError("somebody drew on this image meanwhile: look at it again")
        check_acceptance(db, image.project_id, [image_id], user_id)
        _move(db, image, user_id, "accepted", "accepted")


def give_back(image_id: int, user_id: int, to: int | None = None, why: str = "") -> None:
    """Return submitted work to its annotator, or with None to all who submitted, with a comment that those read."""
    with changing_image(user_id, image_id, "reviewer") as (db, image):
        _check(image, "submitted")
        image.state = "returned"
        submitted = select(Work).where(Work.image_id == image_id, Work.state == "submitted")
        for work in db.scalars(submitted if to is None else submitted.where(Work.user_id == to)):
            work.state = "returned"
        why = why.strip()[:2000]
        if why:
            db.add(Comment(image_id=image_id, author_id=user_id, text=why, by_reviewer=True, to_id=to))
        record(db, image.project_id, user_id, "returned", image_id, why=why)


def reopen(image_id: int, user_id: int) -> None:
    """Let accepted work be drawn on again."""
    with changing_image(user_id, image_id, "reviewer") as (db, image):
        _check(image, "accepted")
        _move(db, image, user_id, "open", "reopened")


def _move(db: Session, image: Image, user_id: int, after: str, what: str) -> None:
    """Take an image, and the work on it that stands where it does, to another state."""
    for work in db.scalars(select(Work).where(Work.image_id == image.id, Work.state == image.state)):
        work.state = after
    image.state = after
    record(db, image.project_id, user_id, what, image.id)
