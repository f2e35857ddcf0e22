"""How far a project is, in numbers: each answer is a handful of grouped queries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, case, cast, distinct, func, select
from sqlalchemy.orm import Session

from studio.annotation.strokes import Toggle, kinds_of
from studio.collaboration.returned import accepted_but_returned
from studio.store.database import reading
from studio.store.tables import STATES, Event, Image, ImageClass, Stroke, User, Work

_DAY = 24 * 3600
_TOGGLES = kinds_of(Toggle)  # rows of the log that are no strokes


class Project(NamedTuple):
    """`states`: images in each of `STATES`. `drawn`: images with a log. `classes`: images of each class that has any,
    by the class's name; None counts those without a class."""

    images: int
    states: dict[str, int]
    drawn: int
    classes: dict[str | None, int]


class Annotator(NamedTuple):
    """A person who has images, or drew on any.

    `images`: those drawn on. `open` to `accepted`: where their own work stands on the images that are theirs.
    `first_pass`: share of their accepted images that were never returned to them; None while none is accepted.
    `hours`: how long they had images open, to judge them as well. `minutes`: median of an image that is theirs.
    `strokes`: undone ones too, but no undo.
    """

    user_id: int
    name: str
    images: int
    open: int
    submitted: int
    returned: int
    accepted: int
    first_pass: float | None
    hours: float
    minutes: float | None
    strokes: int


class Day(NamedTuple):
    """What was done on a day; an image counts once a day."""

    day: date
    strokes: int
    submitted: int
    accepted: int


def project(project_id: int) -> Project:
    """Where the images stand."""
    drawn = func.sum(case((Image.strokes > 0, 1), else_=0))
    query = select(Image.state, ImageClass.name, func.count(), drawn)
    query = query.outerjoin(ImageClass, ImageClass.id == Image.class_id).where(Image.project_id == project_id)
    with reading() as db:
        found = db.execute(
            query.group_by(Image.state, ImageClass.id, ImageClass.name).order_by(ImageClass.number)
        ).all()
    states, classes = dict.fromkeys(STATES, 0), dict[str | None, int]()
    for state, name, count, _ in found:
        states[state] += count
        classes[name] = classes.get(name, 0) + count
    return Project(sum(states.values()), states, sum(one[3] for one in found), classes)


def annotators(project_id: int, only: int | None = None) -> list[Annotator]:
    """A row for everybody who draws, by name; `only`: for that user alone."""
    with reading() as db:
        log, works = _log(db, project_id, only), _works(db, project_id, only)
        returned, middles = accepted_but_returned(db, project_id), _middles(db, project_id, only)
        ids = log.keys() | {user for user, own in works.items() if own["theirs"]}
        names = dict(db.execute(select(User.id, User.name).where(User.id.in_(ids))).all())
    found = []
    for user, name in names.items():
        own = works.get(user, dict.fromkeys((*STATES, "seconds"), 0))
        passed = 1 - returned[user] / own["accepted"] if own["accepted"] else None
        middle = middles.get(user)
        strokes, images = log.get(user, (0, 0))
        found.append(
            Annotator(
                user_id=user,
                name=name,
                images=images,
                open=own["open"],
                submitted=own["submitted"],
                returned=own["returned"],
                accepted=own["accepted"],
                first_pass=passed,
                hours=own["seconds"] / 3600,
                minutes=None if middle is None else middle / 60,
                strokes=strokes,
            )
        )
    return sorted(found, key=lambda one: one.name.lower())


def _log(db: Session, project_id: int, only: int | None) -> dict[int, tuple[int, int]]:
    """By user: strokes, and images drawn on."""
    query = select(Stroke.author_id, func.count(), func.count(distinct(Stroke.image_id)))
    query = query.join(Image, Image.id == Stroke.image_id)
    query = query.where(Image.project_id == project_id, Stroke.kind.not_in(_TOGGLES), _is(Stroke.author_id, only))
    return {user: (strokes, images) for user, strokes, images in db.execute(query.group_by(Stroke.author_id))}


def _works(db: Session, project_id: int, only: int | None) -> dict[int, dict[str, Any]]:
    """By user: images that are theirs in each state and in all, and seconds."""
    theirs = Work.assigned_at.is_not(None)
    states = [func.sum(case((theirs & (Work.state == one), 1), else_=0)).label(one) for one in STATES]
    total = [func.sum(case((theirs, 1), else_=0)).label("theirs"), func.sum(Work.seconds).label("seconds")]
    query = select(Work.user_id, *states, *total).join(Image, Image.id == Work.image_id)
    query = query.where(Image.project_id == project_id, _is(Work.user_id, only)).group_by(Work.user_id)
    return {row.user_id: dict(row._mapping) for row in db.execute(query)}


def _middles(db: Session, project_id: int, only: int | None) -> dict[int, float]:
    """By user: the median of seconds of the images that are theirs and that they opened."""
    ranked = select(
        Work.user_id, Work.seconds,
        func.row_number().over(partition_by=Work.user_id, order_by=Work.seconds).label("rank"),
        func.count().over(partition_by=Work.user_id).label("count"),
    ).join(Image, Image.id == Work.image_id)  # fmt: skip
    mine = (Image.project_id == project_id, Work.seconds > 0, Work.assigned_at.is_not(None), _is(Work.user_id, only))
    table = ranked.where(*mine).subquery()
    middle = (2 * table.c.rank >= table.c.count) & (2 * table.c.rank <= table.c.count + 2)  # one, or two that are equal
    query = select(table.c.user_id, func.avg(table.c.seconds)).where(middle).group_by(table.c.user_id)
    return dict(db.execute(query).all())


def days(project_id: int, only: int | None = None, offset: int = 0) -> list[Day]:
    """Every day from the first on which something was done to the last, in order.

    Args:
        only: what that user drew and handed in, and what was accepted that they drew on.
        offset: seconds by which the reader's clock is ahead of UTC.
    """
    strokes = select(_day(Stroke.at, offset).label("day"), func.count()).join(Image, Image.id == Stroke.image_id)
    strokes = strokes.where(
        Image.project_id == project_id, Stroke.kind.not_in(_TOGGLES), _is(Stroke.author_id, only)
    ).group_by("day")
    judged = select(_day(Event.at, offset).label("day"), Event.what, func.count(distinct(Event.image_id)))
    judged = judged.join(Image, Image.id == Event.image_id)
    judged = judged.where(Event.project_id == project_id, Event.what.in_(("submitted", "accepted")))
    if only is not None:
        theirs = select(Work.image_id).where(Work.user_id == only, Work.assigned_at.is_not(None))
        judged = judged.where((Event.user_id == only) | (Event.what == "accepted"), Event.image_id.in_(theirs))
    with reading() as db:
        drawn: dict[int, int] = dict(db.execute(strokes).all())
        done = {(day, what): count for day, what, count in db.execute(judged.group_by("day", Event.what))}
    return _every_day(drawn, done)


def _every_day(drawn: dict[int, int], done: dict[tuple[int, str], int]) -> list[Day]:
    known = drawn.keys() | {day for day, _ in done}
    if not known:
        return []
    start = datetime.fromtimestamp(0, UTC).date()
    return [
        Day(start + timedelta(one), drawn.get(one, 0), done.get((one, "submitted"), 0), done.get((one, "accepted"), 0))
        for one in range(min(known), max(known) + 1)
    ]


def _day(at: Any, offset: int) -> Any:
    """The number of a time's day since 1970."""
    return (cast(at, BigInteger) + offset) // _DAY


def _is(column: Any, user_id: int | None) -> Any:
    return column.is_not(None) if user_id is None else column == user_id
