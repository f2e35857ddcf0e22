"""In which order images are given to people who ask for the next one, and why an image is next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from studio.accounts.rights import changing
from studio.annotation.proposals import TO_DO
from studio.errors import StudioError
from studio.projects.audit import record
from studio.store.database import reading, writing
from studio.store.tables import DrawingOrder, Image, Turn

UPLOADED, RANDOM, TEACHING = "uploaded", "random", "teaching"
ORDERS = {
    UPLOADED: "in the order of upload",
    RANDOM: "at random",
    TEACHING: "what teaches most first",
}
"""The orders, and how they are called; the first one is the default."""

UNLIKE, UNSURE, ALIKE = "unlike", "unsure", "alike"
REASONS = {
    UNLIKE: "This photograph is next because it is unlike those that are drawn.",
    UNSURE: "This photograph is next because the network is unsure of it.",
    ALIKE: "This photograph waited because it is nearly the same as another.",
}
"""Why an image's turn comes when it does."""


class Standing(NamedTuple):
    """How far an order by what teaches most still fits: `turns`, images that it holds and that wait to be drawn.

    `drawn`: how many of it were drawn since; `new`: how many wait that it does not hold.
    """

    turns: int
    drawn: int
    new: int


def order_of(project_id: int) -> str:
    """A project's order, a key of `ORDERS`."""
    with reading() as db:
        return order_in(db, project_id)


def order_in(db: Session, project_id: int) -> str:
    """`order_of`, in a transaction that has begun."""
    found = db.get(DrawingOrder, project_id)
    return UPLOADED if found is None else found.by


def set_order(project_id: int, by: int, order: str) -> None:
    """Say in which order images are given to people."""
    if order not in ORDERS:
        raise StudioError(f"there is no such order: choose one of {', '.join(ORDERS)}")
    with changing(by, project_id, "admin") as db:
        if order_in(db, project_id) != order:
            db.merge(DrawingOrder(project_id=project_id, by=order))
            record(db, project_id, by, "drawing order", to=ORDERS[order])


def sorting(db: Session, project_id: int, after: int) -> tuple[Any, ...]:
    """What images are sorted by to find the next one. In the order of upload the search begins behind `after`."""
    place = select(Turn.place).where(Turn.image_id == Image.id).scalar_subquery()
    return {
        UPLOADED: (Image.id <= after, Image.id),
        RANDOM: (Image.sha256, Image.id),  # a digest knows nothing of names and times
        TEACHING: (place.is_(None), place, Image.sha256),
    }[order_in(db, project_id)]


def keep(project_id: int, turns: Sequence[tuple[int, str]]) -> None:
    """Keep an order instead of the one before: ids of images, each with the reason why, the first one first."""
    with writing() as db:
        own = select(Image.id).where(Image.project_id == project_id)
        db.execute(delete(Turn).where(Turn.image_id.in_(own)).execution_options(synchronize_session=False))
        there = set(db.scalars(own))  # some may be gone by now
        db.add_all(Turn(image_id=one, place=place, why=why) for place, (one, why) in enumerate(turns) if one in there)


def reason(image: Image) -> str:
    """Why an image is next, a sentence; empty where the project goes by another order, or it is drawn already."""
    with reading() as db:
        if image.strokes or order_in(db, image.project_id) != TEACHING:
            return ""
        turn = db.get(Turn, image.id)
        return REASONS[turn.why] if turn is not None else ""


def standing(project_id: int) -> Standing:
    """How far the order by what teaches most still fits."""
    with reading() as db:
        waits = (Image.strokes == 0) & Image.state.in_(TO_DO)
        held = Turn.image_id.is_not(None)
        counts = (func.count(Image.id).filter(one) for one in (held & waits, held & ~waits, ~held & waits))
        query = (
            select(*counts)
            .select_from(Image)
            .outerjoin(Turn, Turn.image_id == Image.id)
            .where(Image.project_id == project_id)
        )
        return Standing(*map(int, db.execute(query).one()))
