"""What was done in a project, for its page and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select

from ftl.tables import csv_text
from studio.projects.audit import history, text_of
from studio.store.database import reading
from studio.store.tables import Event, Image

_AT_ONCE = 1000


def lines(project_id: int, only: int | None = None, before: int | None = None, count: int = 20) -> list[Event]:
    """The newest lines, newest first; `only`: of that user; `before`: older than that line's id."""
    if only is None:
        return history(project_id, before=before, count=count)
    found: list[Event] = []
    for event in _all(project_id, before):
        if event.user_id == only:
            found.append(event)
        if len(found) == count:
            break
    return found


def _all(project_id: int, before: int | None = None) -> Iterator[Event]:
    while part := history(project_id, before=before, count=_AT_ONCE):
        yield from part
        before = part[-1].id


def image_names(events: list[Event]) -> dict[int, str]:
    """The names of the images that these lines are about, by id."""
    ids = {one.image_id for one in events if one.image_id is not None}
    with reading() as db:
        return dict(db.execute(select(Image.id, Image.name).where(Image.id.in_(ids))).all())


def as_csv(project_id: int) -> bytes:
    """The whole audit log, oldest first, as a table: when (UTC), who, what, to which image, in words.

    Cells that a spreadsheet would take for a formula get an apostrophe in front; users wrote some of them.
    """
    rows = [["time", "user", "action", "image", "image sha256", "line"]]
    with reading() as db:
        query = select(Image.id, Image.name, Image.sha256).where(Image.project_id == project_id)
        images = {image_id: (name, sha256) for image_id, name, sha256 in db.execute(query)}
    for event in reversed(list(_all(project_id))):
        at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds")
        name, sha256 = images.get(event.image_id or 0, ("", ""))
        rows.append([at, event.user.name, event.what, name, sha256, text_of(event)])
    return csv_text(rows, "\r\n").encode(
        "utf-8-sig"
    )  # with its mark, without which Excel takes it for another encoding
