"""Photographs that are handed in with nothing drawn on them, though their class says that something is there."""

from __future__ import annotations

from sqlalchemy import select

from studio.annotation import log
from studio.store.database import reading
from studio.store.tables import Image, ImageClass, Stroke


def undrawn_class(image: Image, author_id: int | None = None) -> str:
    """The image's class, if its defects are drawn in this project but not on this image; empty otherwise.

    An empty mask that was handed in says that there is no defect. `author_id`: of whose strokes alone the mask is.
    """
    with reading() as db:
        known = db.get(ImageClass, image.class_id) if image.class_id is not None else None
        if known is None or known.removed:
            return ""
        there = select(Stroke.seq).join(Image).where(Image.project_id == image.project_id)
        if known.name != "Crack" and db.scalar(there.where(Stroke.class_number == known.number).limit(1)) is None:
            return ""  # as Background, whose photographs have nothing to draw
    return "" if log.mask(image, author_id=author_id).any() else known.name
