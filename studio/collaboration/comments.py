"""Remarks on an image, pinned to a place or not; they are settled, never deleted."""

from __future__ import annotations

from math import isfinite

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from studio.accounts.rights import changing_image
from studio.errors import StudioError
from studio.images.work import JUDGES
from studio.projects.audit import record
from studio.store.database import reading
from studio.store.tables import Comment, Image, Member


def comment(image: Image, author_id: int, text: str, at: tuple[float, float] | None = None) -> Comment:
    """Add a remark; `at`: image pixels. Raises `StudioError` for an empty one, or a place outside the image."""
    text = text.replace("\0", "").strip()  # no database need take that character
    if not 1 <= len(text) <= 2000:
        raise StudioError("a comment has 1 to 2,000 letters")
    if at is not None and not (all(map(isfinite, at)) and 0 <= at[0] <= image.width and 0 <= at[1] <= image.height):
        raise StudioError("this place is not on the image")
    x, y = at or (None, None)
    with changing_image(author_id, image.id) as (db, _):
        member = db.get(Member, (image.project_id, int(author_id)))
        judges = member is not None and member.role in JUDGES
        added = Comment(image_id=image.id, author_id=author_id, text=text, x=x, y=y, by_reviewer=judges)
        db.add(added)
        record(db, image.project_id, author_id, "commented", image.id, text=text[:200])
        return added


def comments_on(image_id: int) -> list[Comment]:
    """An image's remarks, oldest first, with their authors and whom they are for."""
    with reading() as db:
        query = select(Comment).where(Comment.image_id == image_id)
        query = query.options(joinedload(Comment.author), joinedload(Comment.to))
        return list(db.scalars(query.order_by(Comment.id)))


def comments_for(image_id: int, user_id: int, role: str, *, alone: bool) -> list[Comment]:
    """An image's remarks that a member with that role reads, oldest first. Those who judge read all.

    Others read none that is for somebody else; and who draws `alone`, without seeing the others' work, also none of
    the others' own, but what those who judge said.
    """
    found = comments_on(image_id)
    if role in JUDGES:
        return found
    return [
        comment
        for comment in found
        if comment.author_id == user_id or (comment.to_id in (None, user_id) and (comment.by_reviewer or not alone))
    ]


def settle(image: Image, comment_id: int, user_id: int) -> None:
    """Mark a remark as dealt with."""
    with changing_image(user_id, image.id) as (db, _):
        found = db.get(Comment, comment_id)
        if found is None or found.image_id != image.id:
            raise StudioError("there is no such comment on this image")
        if found.done_by is None:
            found.done_by = user_id
            record(db, image.project_id, user_id, "settled", image.id, text=found.text[:200])
