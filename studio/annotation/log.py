"""The annotation log in the database: rows are only ever added, and the mask is their fold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import NamedTuple

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from studio.accounts.rights import changing_image
from studio.annotation.mask_cache import keep, kept
from studio.annotation.rasterise import fold, paint, repaint
from studio.annotation.strokes import Drawn, Painted, Revision, Toggle, Undo, parse
from studio.errors import StudioError
from studio.images.work import work_of
from studio.projects.audit import record
from studio.projects.classes import classes_of
from studio.store.database import reading
from studio.store.home import home
from studio.store.tables import Image, ImageClass, Stroke

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


def append(image_id: int, author_id: int, strokes: Sequence[Drawn]) -> int:
    """Add strokes to an image's log, those whose id is not there yet. Returns how many were new, once on disk.

    Raises `StudioError` for a stroke that is malformed, of an unknown class, or on an image that takes none; then
    none of them is added. A class that was removed meanwhile is still known: its strokes are kept, and not shown.
    """
    with changing_image(author_id, image_id) as (db, image):
        return add(db, image, author_id, strokes)


def add(db: Database, image: Image, author_id: int, strokes: Sequence[Drawn]) -> int:
    """What `append` does, within a transaction of `studio.accounts.rights` that holds the image until its end.

    So numbers rise in the order in which they can be read.
    """
    numbers = set(db.scalars(select(ImageClass.number).where(ImageClass.project_id == image.project_id)))
    for stroke in strokes:
        stroke.check(numbers, image.height, image.width)
    ids = [stroke.id for stroke in strokes]
    known = set(db.scalars(select(Stroke.id).where(Stroke.image_id == image.id, Stroke.id.in_(ids))))
    new = [stroke for stroke in {stroke.id: stroke for stroke in strokes}.values() if stroke.id not in known]
    if new and image.state == "accepted":
        raise StudioError("this image is accepted and read-only: a reviewer can reopen it")
    for stroke in new:
        db.add(Stroke(image_id=image.id, **stroke.row() | {"author_id": author_id}))
        db.flush()  # one by one, so that their numbers rise in the order given
    if new:
        image.strokes += len(new)
        work = work_of(db, image.id, author_id)
        work.assigned_at = work.assigned_at or time.time()
    return len(new)


def restore(image: Image, user_id: int, past: np.ndarray) -> None:
    """Make an earlier mask, uint8 (height, width), the image's again, by a stroke; the audit log tells it."""
    with changing_image(user_id, image.id) as (db, held):
        add(db, held, user_id, [Revision.of(past, f"restore-{token_hex(8)}")])
        record(db, held.project_id, user_id, "restored", held.id)


def read(image_id: int, after: int = 0, author_id: int | None = None, upto: int | None = None) -> list[Stroke]:
    """The rows of an image's log behind position `after`, in order; of one author, and up to a position, if wanted."""
    query = select(Stroke).where(Stroke.image_id == image_id, Stroke.seq > after).order_by(Stroke.seq)
    if author_id is not None:
        query = query.where(Stroke.author_id == author_id)
    if upto is not None:
        query = query.where(Stroke.seq <= upto)
    with reading() as db:
        return list(db.scalars(query))


def drawn(row: Stroke) -> Drawn:
    """A row as the fold takes it."""
    return parse(row.id, row.kind, row.class_number, row.geometry, row.author_id)


def position(image_id: int) -> int:
    """The log's last position; 0 where nothing was drawn."""
    with reading() as db:
        return db.scalar(select(func.max(Stroke.seq)).where(Stroke.image_id == image_id)) or 0


def mask(image: Image, upto: int | None = None, author_id: int | None = None) -> np.ndarray:
    """The index mask, uint8 (height, width), as of now or of an earlier position of the log; the caller's own copy.

    `author_id`: of that person's strokes alone. Pixels of classes that were removed are 0.
    """
    return shown(_all_classes(image, upto, author_id), image.project_id)


def shown(values: np.ndarray, project_id: int) -> np.ndarray:
    """An index mask, uint8 (height, width), with 0 for classes that were removed; a copy."""
    numbers = np.zeros(256, np.uint8)
    for one in classes_of(project_id):
        numbers[one.number] = one.number
    return numbers[values]


def _all_classes(image: Image, upto: int | None, author_id: int | None) -> np.ndarray:
    if upto is not None:
        return fold([drawn(row) for row in read(image.id, 0, author_id, upto)], image.height, image.width)
    key = (home(), image.id, author_id)
    with _LOCK:
        before = _FOLDED.get(key)
    if before is None:
        before = _Folded(*(kept(image, author_id) or (0, np.zeros((image.height, image.width), np.uint8))))
    new = [(row.seq, drawn(row)) for row in read(image.id, before.position, author_id)]
    if not new:
        with _LOCK:
            _FOLDED.setdefault(key, before)
        return before.mask
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
    return values


def last(image_id: int, author_id: int, kind: str) -> str | None:
    """Id of the stroke that an author's next undo or redo (`kind`) is about; None if there is none."""
    done: list[str] = []
    undone: list[str] = []
    for stroke in map(drawn, read(image_id, author_id=author_id)):
        if isinstance(stroke, Toggle):
            source, goal = (done, undone) if stroke.hides else (undone, done)
            if stroke.target in source:
                source.remove(stroke.target)
                goal.append(stroke.target)
        else:
            done.append(stroke.id)
            undone.clear()  # a new stroke ends what could be redone
    stack = done if kind == Undo.kind else undone
    return stack[-1] if stack else None
