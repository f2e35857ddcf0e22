"""Masks that a network disagrees with: a queue for reviewers, who look at each place or say that it is right."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select

from ftl.evaluation.suspicious import Suspicion
from studio.accounts.rights import changing_image
from studio.errors import StudioError
from studio.store.database import reading, writing
from studio.store.tables import Image, SuspiciousArea

_SAME = 0.5  # of two boxes' union, what they share from which on they are the same place


class Looked(NamedTuple):
    """What was found on an image when it had so many strokes."""

    strokes: int
    found: Sequence[Suspicion]


def keep(looked: Mapping[int, Looked]) -> int:
    """Keep what was found on images, by their ids, instead of what was found before; how many areas.

    What a person has called right is not asked about again, as long as nothing is drawn on the image.
    """
    kept = 0
    with writing() as db:
        for image_id, (strokes, found) in looked.items():
            image = db.get(Image, image_id)
            if image is None or image.strokes != strokes:
                continue
            own = select(SuspiciousArea).where(SuspiciousArea.image_id == image_id)
            settled = [
                (area.kind, (area.x, area.y, area.width, area.height))
                for area in db.scalars(own.where(SuspiciousArea.settled_at.is_not(None)))
                if area.strokes == strokes
            ]
            old = SuspiciousArea.settled_at.is_(None) | (SuspiciousArea.strokes != strokes)
            db.execute(delete(SuspiciousArea).where(SuspiciousArea.image_id == image_id, old))
            for area in found:
                if not any(area.kind == kind and _overlap(area.box, box) >= _SAME for kind, box in settled):
                    box = dict(zip(("x", "y", "width", "height"), area.box, strict=True))
                    about = {"kind": area.kind, "pixels": area.pixels, "weight": area.weight, "strokes": strokes}
                    db.add(SuspiciousArea(image_id=image_id, **box, **about))
                    kept += 1
    return kept


def waiting(project_id: int, start: int = 0, count: int | None = None) -> list[tuple[SuspiciousArea, Image]]:
    """What waits to be looked at, the weightiest first. What was drawn on since is left out: its mask is another."""
    query = select(SuspiciousArea, Image).join(Image, Image.id == SuspiciousArea.image_id)
    query = query.where(*_waits(project_id)).order_by(SuspiciousArea.weight.desc(), SuspiciousArea.id)
    with reading() as db:
        return [(area, image) for area, image in db.execute(query.offset(start).limit(count))]


def count_waiting(project_id: int) -> int:
    """How many areas wait to be looked at."""
    with reading() as db:
        query = select(func.count()).select_from(SuspiciousArea).join(Image, Image.id == SuspiciousArea.image_id)
        return db.scalar(query.where(*_waits(project_id))) or 0


def set_aside(image_id: int, who: int, area_id: int) -> None:
    """Say that the mask is right as it is there."""
    with changing_image(who, image_id, "reviewer") as (db, image):
        area = db.get(SuspiciousArea, area_id)
        if area is None or area.image_id != image.id:
            raise StudioError("this place was looked for anew meanwhile: look at the list again")
        if area.settled_at is None:
            area.settled_at, area.settled_by = time.time(), int(who)


def _waits(project_id: int) -> Collection[Any]:
    current = SuspiciousArea.strokes == Image.strokes
    return (Image.project_id == project_id, SuspiciousArea.settled_at.is_(None), current)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes x, y, width, height."""
    sides = [
        max(0, min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) - max(one[axis], other[axis]))
        for axis in (0, 1)
    ]
    both = sides[0] * sides[1]
    return both / (one[2] * one[3] + other[2] * other[3] - both)
