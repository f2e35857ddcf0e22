"""Whose images were returned to them, as the audit log has it.

A line of it does not say to whom an image was returned. But whoever got it back had handed it in, and handed it in
again before it was accepted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.store.tables import Event, Work

_WORDS = ("submitted", "returned", "accepted", "reopened")


def accepted_but_returned(db: Session, project_id: int) -> Counter[int]:
    """By user: how many of their accepted images were once returned to them."""
    own = Event.project_id == project_id
    images = select(Event.image_id).where(own, Event.what == "returned")
    lines = select(Event.image_id, Event.user_id, Event.what).where(own, Event.what.in_(_WORDS))
    events = db.execute(lines.where(Event.image_id.in_(images)).order_by(Event.id))
    again = returned((image, user, what) for image, user, what in events)
    accepted = select(Work.image_id, Work.user_id).where(Work.state == "accepted", Work.assigned_at.is_not(None))
    return Counter(
        user for image, user in db.execute(accepted.where(Work.image_id.in_(images))) if (image, user) in again
    )


def returned(lines: Iterable[tuple[int | None, int, str]]) -> set[tuple[int | None, int]]:
    """Images with the users to whom they were returned, of lines (image, user, what was done) in their order."""
    handed_in: defaultdict[int | None, set[int]] = defaultdict(set)
    may_have_it_back: defaultdict[int | None, set[int]] = defaultdict(set)
    found: set[tuple[int | None, int]] = set()
    for image, user, what in lines:
        if what == "submitted":
            if user in may_have_it_back[image]:
                found.add((image, user))
            handed_in[image].add(user)
        elif what == "returned":
            may_have_it_back[image] |= handed_in[image]
        else:
            may_have_it_back[image].clear()
            handed_in[image].clear()
    return found
