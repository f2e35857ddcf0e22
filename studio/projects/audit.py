"""The audit log: who did what, and when. A line is written in the transaction that does it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from studio.store.database import reading
from studio.store.tables import Event

TEXTS = {
    "uploaded": "uploaded {count} photographs",
    "imported": "imported masks of {count} images",
    "changed": "set {count} images to {to}",
    "classed": "set the image class to {to}",
    "assigned": "was given the image",
    "submitted": "submitted the image",
    "accepted": "accepted the image",
    "returned": "returned the image",
    "reopened": "reopened the image",
    "commented": "commented: {text}",
    "settled": "settled a comment: {text}",
    "restored": "restored an earlier state of the mask",
    "agreed": "made a consensus of {people}",
    "class added": "added the class {name}",
    "class renamed": "renamed the class {name} to {new}",
    "class removed": "removed the class {name}",
    "class brought back": "brought the class {name} back",
    "joined": "joined as {role}",
    "role": "made {name} {role}",
    "left": "took {name} out of the project",
    "overlap": "set the people for each image to {count}",
    "drawing order": "set the order of drawing to {to}",
    "own work": "said that reviewers {to} accept their own work",
    "launched": "launched {name}",
    "picked": "picked {name}",
    "tried": "tried {name} on photographs",
    "downloaded": "downloaded {name}",
    "image deleted": "deleted the image",
    "image renamed": "renamed the image {name} to {new}",
    "job deleted": "deleted the job {name}",
    "network deleted": "deleted the network {name}",
    "backbone renamed": "renamed the backbone {name} to {new}",
    "job renamed": "renamed the job {name} to {new}",
    "backbone deleted": "deleted the network file {name}",
    "project deleted": "deleted the project",
    "project renamed": "renamed the project {name} to {new}",
    "archived": "archived the project",
    "brought back from the archive": "brought the project back from the archive",
    "taken out of the trash": "restored {name} from the trash",
    "invitation revoked": "revoked an invitation as {role}",
}
"""What can be done, and its text; the braces are a line's details."""


def record(db: Session, project_id: int, user_id: int, what: str, image_id: int | None = None, **details: Any) -> None:
    """Write a line, with the rest of the transaction or not at all. `what`: one of `TEXTS`."""
    TEXTS[what].format_map(details)  # details that do not fit are an error here, not on a page
    db.add(Event(project_id=project_id, user_id=user_id, image_id=image_id, what=what, details=details))


def text_of(event: Event) -> str:
    """A line in words, without its user and time."""
    return TEXTS[event.what].format_map(event.details)


def history(
    project_id: int, *, image_id: int | None = None, before: int | None = None, count: int = 100
) -> list[Event]:
    """The newest lines of a project or of one image, newest first; `before`: older than that line's id."""
    query = select(Event).where(Event.project_id == project_id).options(joinedload(Event.user))
    if image_id is not None:
        query = query.where(Event.image_id == image_id)
    if before is not None:
        query = query.where(Event.id < before)
    with reading() as db:
        return list(db.scalars(query.order_by(Event.id.desc()).limit(count)))
