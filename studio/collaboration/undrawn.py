"""Photographs that are handed in with nothing drawn on them, though their class says that something is there."""

from __future__ import annotations

from sqlalchemy import select

from studio.annotation import log
from studio.store.database import reading
from studio.store.tables import Image, ImageClass, Stroke


def doubt(image: Image, author_id: int | None = None) -> str:
    """Why an image with nothing drawn on it may not be meant to be handed in, a sentence; empty where it may be.

    An empty mask that was handed in says that there is no defect. One of a class whose defects are drawn elsewhere in
    the project has some; and in a project that draws and has no classes of images, nothing says that one has none.
    `author_id`: of whose strokes alone the mask is.
    """
    with reading() as db:
        known = db.get(ImageClass, image.class_id) if image.class_id is not None else None
        images = select(Image.id).where(Image.project_id == image.project_id)
        strokes = select(Stroke.seq).where(Stroke.image_id.in_(images))
        if known is None:
            if db.scalar(images.where(Image.class_id.is_not(None)).limit(1)) or not db.scalar(strokes.limit(1)):
                return ""
        elif known.removed or (
            known.name != "Crack" and db.scalar(strokes.where(Stroke.class_number == known.number).limit(1)) is None
        ):
            return ""  # as Background, whose photographs have nothing to draw
    if log.mask(image, author_id=author_id).any():
        return ""
    return "Nothing is drawn on this image" + (f", but its image class is {known.name}." if known else ".")
