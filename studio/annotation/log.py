"""The annotation log in the database: rows are only ever added, and the mask is their fold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from studio.accounts.rights import changing_image
from studio.annotation.mask_cache import keep, kept
from studio.annotation.patches import around, patch
from studio.annotation.pixels import Box
from studio.annotation.rasterise import fold, paint, repaint
from studio.annotation.strokes import KINDS, Drawn, Painted, Revision, Shape, Toggle, Undo, kinds_of, parse
from studio.errors import StudioError
from studio.images.work import work_of
from studio.projects.audit import record
from studio.projects.classes import classes_of
from studio.store.database import reading
from studio.store.home import home
from studio.store.tables import Image, ImageClass, Stroke

_ACCEPTED = "this image is accepted and read-only: a reviewer can reopen it"
_ARCHIVED = "this project is archived, and nothing in it changes: its admin can bring it back"

MOST_ROWS = 500
"""So many rows in one answer of `changes`; who is further behind gets the mask."""

_MOST_FOLDED = 16

_KEEP_AFTER = 300
"""So many rows after the last one on disk, a folded mask is kept there; it may be dropped at any time."""


class _Folded(NamedTuple):
    """A mask and the log's position that it holds: only what came since need be drawn.

    `unkept`: how many rows of it the one on disk lacks.
    """

    position: int
    mask: np.ndarray
    unkept: int = 0


_FOLDED: dict[tuple[Path, int, int | None], _Folded] = {}
_LOCK = Lock()


def closed(image: Image, archived: bool) -> str | None:
    """Why nothing can be drawn on an image now, a sentence; None where it can. `archived`: its project is."""
    return _ARCHIVED if archived else _ACCEPTED if image.state == "accepted" else None


def append(image_id: int, author_id: int, strokes: Sequence[Drawn]) -> int:
    """Add strokes to an image's log, those whose id is not there yet. Returns how many were new, once on disk.

    Raises `StudioError` for a stroke that is malformed, of an unknown class, or on an image that takes none; then
    none of them is added. A class that was removed meanwhile is still known: its strokes are kept, and not shown.
    """
    with changing_image(author_id, image_id) as (db, image):
        return add(db, image, author_id, strokes)


def add(db: Database, image: Image, author_id: int, strokes: Sequence[Drawn]) -> int:
    """What `append` does, within a transaction of `studio.accounts.rights` that holds the image until its end.

    So numbers rise in the order in which they can be read. An undo or redo that names no stroke is of the author's
    last one, found here: a row that comes twice is known by its id, and undoes nothing further.
    """
    numbers = set(db.scalars(select(ImageClass.number).where(ImageClass.project_id == image.project_id)))
    for stroke in strokes:
        stroke.check(numbers, image.height, image.width)
    ids = [stroke.id for stroke in strokes]
    known = set(db.scalars(select(Stroke.id).where(Stroke.image_id == image.id, Stroke.id.in_(ids))))
    new = [stroke for stroke in {stroke.id: stroke for stroke in strokes}.values() if stroke.id not in known]
    if new and image.state == "accepted":
        raise StudioError(_ACCEPTED)
    added = 0
    for stroke in new:
        if isinstance(stroke, Toggle) and not stroke.geometry:
            target = _last(db, image.id, author_id, stroke.kind)
            if target is None:
                continue  # there is nothing to undo
            stroke = replace(stroke, geometry={"stroke": target})
        added += 1
        db.add(Stroke(image_id=image.id, **stroke.row() | {"author_id": author_id}))
        db.flush()  # one by one, so that their numbers rise in the order given
    if added:
        image.strokes += added
        work = work_of(db, image.id, author_id)
        work.assigned_at = work.assigned_at or time.time()
    return added


def restore(image: Image, user_id: int, past: np.ndarray) -> None:
    """Make an earlier mask, uint8 (height, width), the image's again, by a stroke; the audit log tells it."""
    with changing_image(user_id, image.id) as (db, held):
        add(db, held, user_id, [Revision.of(past, f"restore-{token_hex(8)}")])
        record(db, held.project_id, user_id, "restored", held.id)


def read(image_id: int, after: int = 0, author_id: int | None = None, upto: int | None = None) -> list[Stroke]:
    """The rows of an image's log behind position `after`, in order; of one author, and up to a position, if wanted."""
    with reading() as db:
        return _rows(db, image_id, after, author_id, upto)


def _rows(
    db: Database,
    image_id: int,
    after: int = 0,
    author_id: int | None = None,
    upto: int | None = None,
    most: int | None = None,
) -> list[Stroke]:
    query = select(Stroke).where(Stroke.image_id == image_id, Stroke.seq > after).order_by(Stroke.seq)
    if author_id is not None:
        query = query.where(Stroke.author_id == author_id)
    if upto is not None:
        query = query.where(Stroke.seq <= upto)
    return list(db.scalars(query.limit(most)))


def drawn(row: Stroke) -> Drawn:
    """A row as the fold takes it."""
    return parse(row.id, row.kind, row.class_number, row.geometry, row.author_id)


def position(image_id: int) -> int:
    """The log's last position; 0 where nothing was drawn."""
    with reading() as db:
        return db.scalar(select(func.max(Stroke.seq)).where(Stroke.image_id == image_id)) or 0


class Changes(NamedTuple):
    """What leads from one position of a log to the last one.

    `rows`: those behind it that paint, in order. `patch`: what to put over them afterwards, as of `position`, see
    `studio.annotation.patches`; None where rows are all.
    """

    position: int
    rows: list[Stroke]
    patch: dict[str, Any] | None


def changes(image: Image, after: int | None, author_id: int | None = None) -> Changes:
    """What is new on an image behind position `after`; None: all, as one patch. `author_id`: of that person's strokes.

    Classes that were removed are in it: they may come back.
    """
    if after is None:
        return _whole(image, author_id)
    with reading() as db:
        rows = _rows(db, image.id, after, author_id, most=MOST_ROWS + 1)
        known = after == 0 or db.scalar(select(Stroke.seq).where(Stroke.seq == after, Stroke.image_id == image.id))
    if known is None or len(rows) > MOST_ROWS:  # it is no position of this log: one from before a backup came back
        return _whole(image, author_id)
    if all(issubclass(KINDS[row.kind], Shape) for row in rows):
        return Changes(rows[-1].seq if rows else after, rows, None)
    folded = _folded(image, author_id)
    rows = read(image.id, after, author_id, upto=folded.position)
    if len(rows) > MOST_ROWS:
        return _whole(image, author_id)
    box = around(_changed(image, [drawn(row) for row in rows]))
    shapes = [row for row in rows if issubclass(KINDS[row.kind], Shape)]
    return Changes(folded.position, shapes, patch(folded.mask, box) if box else None)


def _whole(image: Image, author_id: int | None) -> Changes:
    folded = _folded(image, author_id)
    return Changes(folded.position, [], patch(folded.mask, (slice(0, image.height), slice(0, image.width))))


def _changed(image: Image, rows: Sequence[Drawn]) -> list[Box]:
    """Boxes that hold all that these rows change otherwise than by painting on top of what was there."""
    targets = {row.target for row in rows if isinstance(row, Toggle)}
    with reading() as db:
        found = list(db.scalars(select(Stroke).where(Stroke.image_id == image.id, Stroke.id.in_(targets))))
    toggled = [stroke for stroke in map(drawn, found) if isinstance(stroke, Painted)]
    revisions = [row for row in rows if isinstance(row, Revision)]
    return [stroke.extent(image.height, image.width) for stroke in (*toggled, *revisions)]


def mask(image: Image, upto: int | None = None, author_id: int | None = None) -> np.ndarray:
    """The index mask, uint8 (height, width), as of now or of an earlier position of the log; the caller's own copy.

    `author_id`: of that person's strokes alone. Pixels of classes that were removed are 0.
    """
    if upto is None:
        return shown(_folded(image, author_id).mask, image.project_id)
    rows = [drawn(row) for row in read(image.id, 0, author_id, upto)]
    return shown(fold(rows, image.height, image.width), image.project_id)


def shown(values: np.ndarray, project_id: int) -> np.ndarray:
    """An index mask, uint8 (height, width), with 0 for classes that were removed; a copy."""
    numbers = np.zeros(256, np.uint8)
    for one in classes_of(project_id):
        numbers[one.number] = one.number
    return numbers[values]


def _folded(image: Image, author_id: int | None) -> _Folded:
    """The mask as of now, of all classes; not to be changed."""
    key = (home(), image.id, author_id)
    with _LOCK:
        before = _FOLDED.get(key)
    if before is None:
        before = _Folded(*(kept(image, author_id) or (0, np.zeros((image.height, image.width), np.uint8))))
    new = [(row.seq, drawn(row)) for row in read(image.id, before.position, author_id)]
    if not new:
        with _LOCK:
            _FOLDED.setdefault(key, before)
        return before
    values = before.mask.copy()
    paint(values, [stroke for _, stroke in new if isinstance(stroke, Painted)])
    toggled = {stroke.target for _, stroke in new if isinstance(stroke, Toggle)}
    if toggled:  # what they uncover was drawn at any time
        rows = [drawn(row) for row in read(image.id, 0, author_id, upto=new[-1][0])]
        repaint(values, rows, toggled)
    made = _Folded(new[-1][0], values, before.unkept + len(new))
    if made.unkept >= _KEEP_AFTER:
        keep(image, author_id, made.position, new[-1][1].id, values)
        made = made._replace(unkept=0)
    with _LOCK:
        if key not in _FOLDED or _FOLDED[key].position < new[-1][0]:
            _FOLDED.pop(key, None)
            _FOLDED[key] = made
        while len(_FOLDED) > _MOST_FOLDED:
            del _FOLDED[next(iter(_FOLDED))]
    return made


def last(image_id: int, author_id: int, kind: str) -> str | None:
    """Id of the stroke that an author's next undo or redo (`kind`) is about; None if there is none."""
    with reading() as db:
        return _last(db, image_id, author_id, kind)


def _last(db: Database, image_id: int, author_id: int, kind: str) -> str | None:
    own = (Stroke.image_id == image_id, Stroke.author_id == author_id)
    toggles = Stroke.kind.in_(kinds_of(Toggle))  # of all others the geometry, which may be long, is not read
    targets = {
        row.id: row.geometry["stroke"] for row in db.execute(select(Stroke.id, Stroke.geometry).where(*own, toggles))
    }
    done: list[str] = []
    undone: list[str] = []
    for row in db.execute(select(Stroke.id, Stroke.kind).where(*own).order_by(Stroke.seq)):
        if row.id in targets:
            source, goal = (done, undone) if row.kind == Undo.kind else (undone, done)
            if targets[row.id] in source:
                source.remove(targets[row.id])
                goal.append(targets[row.id])
        else:
            done.append(row.id)
            undone.clear()  # a new stroke ends what could be redone
    stack = done if kind == Undo.kind else undone
    return stack[-1] if stack else None
