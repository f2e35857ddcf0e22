"""Where the work on an image stands: open, submitted, accepted, returned."""

from __future__ import annotations

from sqlalchemy import select

from studio.errors import StudioError
from studio.rights import changing_image
from studio.store.models import Comment, Image, Project, Work
from studio.together.audit import record
from studio.together.presence import work_of


def _check(image: Image, *states: str) -> None:
    """Raise `StudioError` if the image is in none of these states."""
    if image.state not in states:
        raise StudioError(f"the image is {image.state} by now: look at it again")


def submit(image_id: int, user_id: int) -> None:
    """Hand one's work in. The image is submitted once as many have as the project wants."""
    with changing_image(user_id, image_id) as (db, image):
        _check(image, "open", "returned")
        work_of(db, image_id, user_id).state = "submitted"
        db.flush()
        ready = db.scalars(select(Work).where(Work.image_id == image_id, Work.state == "submitted")).all()
        if len(ready) >= db.get_one(Project, image.project_id).overlap:
            image.state = "submitted"
        record(db, image.project_id, user_id, "submitted", image_id)


def accept(image_id: int, user_id: int) -> None:
    """Accept submitted work; the image is read-only then."""
    _move(image_id, user_id, "submitted", "accepted", "accepted")


def give_back(image_id: int, user_id: int, to: int | None = None, why: str = "") -> None:
    """Return submitted work to its annotator, or with None to all who submitted, with a comment."""
    with changing_image(user_id, image_id, "reviewer") as (db, image):
        _check(image, "submitted")
        image.state = "returned"
        submitted = select(Work).where(Work.image_id == image_id, Work.state == "submitted")
        for work in db.scalars(submitted if to is None else submitted.where(Work.user_id == to)):
            work.state = "returned"
        if why.strip():
            db.add(Comment(image_id=image_id, author_id=user_id, text=why.strip()[:2000]))
        record(db, image.project_id, user_id, "returned", image_id)


def reopen(image_id: int, user_id: int) -> None:
    """Let accepted work be drawn on again."""
    _move(image_id, user_id, "accepted", "open", "reopened")


def _move(image_id: int, user_id: int, before: str, after: str, what: str) -> None:
    """Take an image, and the work on it, from one state to another."""
    with changing_image(user_id, image_id, "reviewer") as (db, image):
        _check(image, before)
        image.state = after
        for work in db.scalars(select(Work).where(Work.image_id == image_id, Work.state == before)):
            work.state = after
        record(db, image.project_id, user_id, what, image_id)
