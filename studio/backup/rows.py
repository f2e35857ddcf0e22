"""The rows of a backup: people are identified by their names, images by their SHA-256, classes by their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, Text, cast, select
from sqlalchemy.orm import Session, aliased

from studio.collaboration.drawing_order import order_in
from studio.store.tables import Comment, Event, Image, ImageClass, Member, Project, Proposal, Stroke, Turn, User, Work

FORMAT, VERSION = "ftl-studio backup", 3

TABLES = ("images", "strokes", "works", "comments", "events", "proposals", "turns")
"""Each is a file `<table>.jsonl` of a backup, a row a line, in the order in which the rows came."""

LATER = ("proposals", "turns")
"""Those that a backup of an earlier version lacks."""

LONG = ("geometry", "areas")
"""Columns that are JSON, and text all the way from one database into the other."""

Row = dict[str, Any]
_AT_ONCE = 500


def about(db: Session, project_id: int) -> Row:
    """`project.json`: the project, its classes, the removed ones too, in which order it is drawn, and who is in it."""
    project = db.get_one(Project, project_id)
    classes = select(ImageClass).where(ImageClass.project_id == project_id).order_by(ImageClass.number)
    members = select(User.name, Member.role).join(User, User.id == Member.user_id)
    members = members.where(Member.project_id == project_id).order_by(User.name)
    return {
        "format": FORMAT,
        "version": VERSION,
        "project": {
            key: getattr(project, key) for key in ("name", "photo_pattern", "overlap", "accept_own", "created_at")
        },
        "classes": [
            {key: getattr(one, key) for key in ("number", "name", "colour", "removed")} for one in db.scalars(classes)
        ],
        "drawing_order": order_in(db, project_id),
        "members": [row._asdict() for row in db.execute(members)],
    }


def rows(db: Session, project_id: int, table: str) -> Iterator[Row]:
    """A table's rows of the project, of which some hundred are in memory at once; `LONG` columns are JSON already."""
    own = (Event if table == "events" else Image).project_id == project_id  # an event need not be about an image
    for found in db.execute(_QUERIES[table].where(own).execution_options(yield_per=_AT_ONCE)):
        yield dict(found._mapping)


def line(row: Row) -> str:
    """A row of `rows` as a line."""
    long = "".join(f', "{column}": {row.pop(column)}' for column in LONG if column in row)
    return f"{json.dumps(row, ensure_ascii=False)[:-1]}{long}}}\n"


_USER, _SETTLER, _READER = aliased(User), aliased(User), aliased(User)
_SHA = Image.sha256.label("image")
_QUERIES: dict[str, Select[*tuple[Any, ...]]] = {
    "images": select(
        Image.sha256, Image.name, Image.width, Image.height, ImageClass.number.label("class"), Image.split,
        Image.state, _USER.name.label("added_by"), Image.added_at,
    ).outerjoin(ImageClass, ImageClass.id == Image.class_id).join(_USER, _USER.id == Image.added_by).order_by(Image.id),
    "strokes": select(
        Stroke.seq, _SHA, Stroke.id, Stroke.kind, Stroke.class_number, cast(Stroke.geometry, Text).label("geometry"),
        _USER.name.label("author"), Stroke.at,
    ).join(Image, Image.id == Stroke.image_id).join(_USER, _USER.id == Stroke.author_id).order_by(Stroke.seq),
    "works": select(
        _SHA, _USER.name.label("user"), Work.state, Work.assigned_at, Work.seen_at, Work.seconds,
    ).join(Image, Image.id == Work.image_id).join(_USER, _USER.id == Work.user_id).order_by(Work.image_id, _USER.name),
    "comments": select(
        _SHA, _USER.name.label("author"), Comment.text, Comment.x, Comment.y, Comment.at,
        _SETTLER.name.label("done_by"), Comment.by_reviewer, _READER.name.label("to"),
    ).join(Image, Image.id == Comment.image_id).join(_USER, _USER.id == Comment.author_id)
    .outerjoin(_SETTLER, _SETTLER.id == Comment.done_by).outerjoin(_READER, _READER.id == Comment.to_id)
    .order_by(Comment.id),
    "turns": select(_SHA, Turn.place, Turn.why).join(Image, Image.id == Turn.image_id).order_by(Turn.place, Image.id),
    "events": select(_USER.name.label("user"), _SHA, Event.what, Event.details, Event.at)
    .join(_USER, _USER.id == Event.user_id).outerjoin(Image, Image.id == Event.image_id).order_by(Event.id),
    "proposals": select(
        _SHA, Proposal.network, Proposal.title, Proposal.digest, Proposal.threshold, Proposal.count,
        cast(Proposal.areas, Text).label("areas"), Proposal.made_at, Proposal.seen_at, _USER.name.label("seen_by"),
    ).join(Image, Image.id == Proposal.image_id).outerjoin(_USER, _USER.id == Proposal.seen_by)
    .order_by(Proposal.image_id),
}  # fmt: skip
