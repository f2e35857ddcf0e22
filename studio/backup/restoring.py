"""A new project out of a backup. What was drawn keeps its author's name, but gives nobody a way in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import column, insert, select, table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from ftl.errors import FtlError
from ftl.progress import Report, silent
from studio.accounts.rights import acting
from studio.accounts.settings import settings
from studio.backup.accounts import accounts
from studio.backup.plan import REST, Plan, look_through
from studio.backup.rows import Row
from studio.backup.unpacking import Unpacked, unpacked
from studio.collaboration.drawing_order import UPLOADED
from studio.errors import StudioError
from studio.images.archives import shown
from studio.projects.classes import checked_name
from studio.store import files
from studio.store.home import scratch
from studio.store.tables import Comment, DrawingOrder, Event, Image, ImageClass, Member, Project, Turn, Work

_AT_ONCE = 1000


def restore(user_id: int, file: BinaryIO, report: Report = silent) -> int:
    """Make a new project of a backup, whose only member is the user, as admin. Returns its id.

    The user's own name in it means them. Everybody else gets a new account that nobody can sign in with.

    Raises:
        StudioError: the backup is damaged, or none of this studio; then there is no project and no account of it.
    """
    with unpacked(file) as given, scratch() as folder:
        plan = look_through(given)
        _keep_photographs(given, plan, Path(folder) / "draft", report)
        report(0, 1, "writing the log")
        try:
            with acting(user_id) as db:
                project_id = _write(db, user_id, given, plan)
        except (SQLAlchemyError, OverflowError, UnicodeError) as error:
            raise StudioError("the database does not take what is in this backup: nothing was restored") from error
        report(1, 1, "writing the log")
    return project_id


class _Json(UserDefinedType[str]):
    """JSON that is text already, and goes into its column as it is."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column's type."""
        return "JSON"


_LOG = table(
    "strokes", column("geometry", _Json), *map(column, ("id", "image_id", "kind", "class_number", "author_id", "at"))
)
_PROPOSED = table(
    "proposals", column("areas", _Json),
    *map(column, ("image_id", "network", "title", "digest", "threshold", "count", "made_at", "seen_at", "seen_by")),
)  # fmt: skip
_GOALS = {
    "strokes": _LOG, "works": Work.__table__, "comments": Comment.__table__, "events": Event.__table__,
    "proposals": _PROPOSED, "turns": Turn.__table__,
}  # fmt: skip
_PEOPLE = {"author": "author_id", "user": "user_id", "done_by": "done_by", "to": "to_id", "seen_by": "seen_by"}


def _keep_photographs(given: Unpacked, plan: Plan, draft: Path, report: Report) -> None:
    limits = settings()
    if len(plan.images) > limits.most_images:
        raise StudioError(
            f"the backup has {len(plan.images):,} images, and a project may have {limits.most_images:,}: "
            "ask the studio's owner for more"
        )
    with files.keeping(draft.parent) as keep:
        for done, (sha256, row) in enumerate(plan.images.items()):
            report(done, len(plan.images), "reading photographs")
            given.photograph(sha256, draft)
            try:
                _, width, height = keep(draft, limits.most_pixels)
            except FtlError as error:
                raise StudioError(str(error).replace(str(draft), shown(row["name"]))) from error
            if (width, height) != (row["width"], row["height"]):
                raise StudioError(f"{shown(row['name'])} has not the size that the backup tells")


def _write(db: Session, user_id: int, given: Unpacked, plan: Plan) -> int:
    project = Project(**plan.about["project"])
    db.add(project)
    db.flush()
    db.add(Member(project_id=project.id, user_id=user_id, role="admin"))
    if (order := plan.about["drawing_order"]) != UPLOADED:
        db.add(DrawingOrder(project_id=project.id, by=order))
    classes = {}
    for one in plan.about["classes"]:
        if checked_name(db, project.id, one["name"]) != one["name"]:
            raise StudioError(f"{shown(one['name'])} is no name for a class")
        classes[one["number"]] = ImageClass(project_id=project.id, **one)
        db.add(classes[one["number"]])
        db.flush()
    people = accounts(db, user_id, plan.people)
    made: list[dict[str, Any]] = []
    for row in plan.images.values():
        number, sha256 = row["class"], row["sha256"]
        own = {key: value for key, value in row.items() if key != "class"}
        own |= {"project_id": project.id, "class_id": classes[number].id if number is not None else None}
        made.append(own | {"added_by": people[row["added_by"]], "strokes": plan.strokes[sha256]})
    _insert(db, Image.__table__, iter(made))
    ids: dict[str | None, int | None] = {None: None}
    for one in db.execute(select(Image.sha256, Image.id).where(Image.project_id == project.id)):
        ids[one.sha256] = one.id
    for name, rows in REST.items():
        own_project = {"project_id": project.id} if name == "events" else {}
        _insert(db, _GOALS[name], (_with_ids(row, ids, people) | own_project for row in rows(given, plan)))
    return project.id


def _with_ids(row: Row, ids: dict[str | None, int | None], people: dict[str, int]) -> dict[str, Any]:
    own = {key: value for key, value in row.items() if key not in (*_PEOPLE, "image", "seq")}
    own |= {column: people.get(row[key]) for key, column in _PEOPLE.items() if key in row}
    return own | {"image_id": ids[row["image"]]}


def _insert(db: Session, goal: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Add rows in their order, many at a time."""
    while part := list(islice(rows, _AT_ONCE)):
        db.execute(insert(goal), part)
