"""Folded masks on disk, so that a long log need not be drawn anew after a restart. They may be dropped at any time."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from sqlalchemy import select

from ftl.files import whole_file
from studio.store.database import reading
from studio.store.home import home
from studio.store.tables import Image, Stroke


def _file(image: Image, author_id: int | None) -> Path:
    return home() / "masks" / f"{image.id}-{author_id or 'all'}.npz"


def keep(image: Image, author_id: int | None, position: int, row: str, mask: np.ndarray) -> None:
    """Keep a mask, uint8 (height, width), of the log up to a position, whose row's id is `row`; or not, if it fails."""
    with suppress(OSError), whole_file(_file(image, author_id)) as draft, open(draft, "wb") as handle:
        np.savez_compressed(handle, position=position, row=row, mask=mask)


def kept(image: Image, author_id: int | None) -> tuple[int, np.ndarray] | None:
    """Position and mask of the one kept; None if there is none, or its row is not in this log."""
    try:
        with np.load(_file(image, author_id), allow_pickle=False) as file:
            position, row, mask = int(file["position"]), str(file["row"]), file["mask"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
        return None
    with reading() as db:
        found = db.scalar(select(Stroke.id).where(Stroke.seq == position, Stroke.image_id == image.id))
    fits = found == row and mask.shape == (image.height, image.width) and mask.dtype == np.uint8
    return (position, mask) if fits else None
