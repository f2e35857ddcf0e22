"""The annotation log in the database: rows are only ever added, and the mask is their fold."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from sqlalchemy import func, select

from studio.annotation.fold import KINDS, Drawn, fold, paint
from studio.errors import StudioError
from studio.home import home
from studio.projects import classes_of
from studio.store.database import reading, writing
from studio.store.models import Image, Stroke

_MOST_FOLDED = 16
_FOLDED: dict[tuple[Path, int], tuple[int, np.ndarray]] = {}
"""Masks by image, with the log's position that they hold: only what came since need be drawn."""
_LOCK = Lock()


def append(image_id: int, author_id: int, strokes: Sequence[Drawn]) -> int:
    """Add strokes to an image's log, those whose id is not there yet. Returns how many were new, once on disk.

    Raises `StudioError` for a stroke that is malformed, of an unknown class, or on an image that takes none; then
    none of them is added.
    """
    with writing() as db:
        image = db.get(Image, image_id)
        if image is None:
            raise StudioError("this image is no longer there")
        numbers = {one.number for one in classes_of(image.project_id)}
        for stroke in strokes:
            _check(stroke, numbers, image.height, image.width)
        ids = [stroke.id for stroke in strokes]
        known = set(db.scalars(select(Stroke.id).where(Stroke.image_id == image_id, Stroke.id.in_(ids))))
        new = [stroke for stroke in {one.id: one for one in strokes}.values() if stroke.id not in known]
        if new and image.state == "accepted":
            raise StudioError("this image is accepted and read-only: a reviewer can reopen it")
        for stroke in new:
            row = stroke._replace(author_id=author_id)._asdict()
            db.add(Stroke(image_id=image_id, **row))
            db.flush()  # one by one, so that their numbers rise in the order given
        image.strokes += len(new)
    return len(new)


def _check(stroke: Drawn, numbers: set[int], height: int, width: int) -> None:
    geometry = stroke.geometry
    paints = stroke.kind in ("brush", "polygon", "rectangle", "region")
    if stroke.kind not in KINDS or not 1 <= len(stroke.id) <= 100:
        raise StudioError("a stroke is of no known kind")
    erases = stroke.kind == "region" and stroke.class_number == 0
    if paints and not erases and stroke.class_number not in numbers:
        raise StudioError("a stroke is of a class that this project has not")
    try:
        if stroke.kind in ("undo", "redo"):
            fits = isinstance(geometry["stroke"], str)
        elif stroke.kind == "region":
            counts = geometry["counts"]
            fits = all(isinstance(one, int) and one >= 0 for one in counts) and sum(counts) == height * width
        elif stroke.kind == "rectangle":
            fits = len(geometry["box"]) == 4 and all(map(isfinite, geometry["box"])) and min(geometry["box"][2:]) >= 0
        else:
            points = geometry["points"]
            fits = 1 <= len(points) <= 100_000 and all(len(one) == 2 and all(map(isfinite, one)) for one in points)
            fits = fits and (stroke.kind == "polygon" or 0 < geometry["width"] <= 10_000)
    except (KeyError, TypeError) as error:
        raise StudioError("a stroke has no usable geometry") from error
    if not fits:
        raise StudioError("a stroke has no usable geometry")


def read(image_id: int, after: int = 0) -> list[Stroke]:
    """The rows of an image's log behind position `after`, in order."""
    with reading() as db:
        return list(
            db.scalars(select(Stroke).where(Stroke.image_id == image_id, Stroke.seq > after).order_by(Stroke.seq))
        )


def drawn(row: Stroke) -> Drawn:
    """A row as the fold takes it."""
    return Drawn(row.id, row.kind, row.class_number, row.geometry, row.author_id)


def position(image_id: int) -> int:
    """The log's last position; 0 where nothing was drawn."""
    with reading() as db:
        return db.scalar(select(func.max(Stroke.seq)).where(Stroke.image_id == image_id)) or 0


def mask(image: Image, upto: int | None = None) -> np.ndarray:
    """The index mask, uint8 (height, width), as of now or of an earlier position of the log; the caller's own copy."""
    if upto is not None:
        rows = [drawn(row) for row in read(image.id) if row.seq <= upto]
        return fold(rows, image.height, image.width)
    with _LOCK:
        at, known = _FOLDED.pop((home(), image.id), (0, np.zeros((image.height, image.width), np.uint8)))
    new = read(image.id, at)
    if any(row.kind in ("undo", "redo") for row in new):
        new = read(image.id)
        known = fold([drawn(row) for row in new], image.height, image.width)
    else:
        known = known.copy()
        paint(known, [drawn(row) for row in new])
    with _LOCK:
        _FOLDED[home(), image.id] = (new[-1].seq if new else at, known)
        while len(_FOLDED) > _MOST_FOLDED:
            del _FOLDED[next(iter(_FOLDED))]
    return known.copy()


def toggle(image_id: int, author_id: int, kind: str) -> dict[str, Any] | None:
    """The stroke that an author's next undo or redo is about: its id as a geometry; None if there is none."""
    rows = [row for row in read(image_id) if row.author_id == author_id]
    done: list[str] = []
    undone: list[str] = []
    for row in rows:
        if row.kind == "undo":
            target = row.geometry["stroke"]
            if target in done:
                done.remove(target)
                undone.append(target)
        elif row.kind == "redo":
            target = row.geometry["stroke"]
            if target in undone:
                undone.remove(target)
                done.append(target)
        else:
            done.append(row.id)
            undone.clear()  # a new stroke ends what could be redone
    stack = done if kind == "undo" else undone
    return {"stroke": stack[-1]} if stack else None
