"""`images.json`, which every export holds: which file is which image. An import finds images by it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from studio.formats.format import VERSION, Beside
from studio.images.file_names import tidy_name

FILE = "images.json"


def write(rows: Sequence[dict[str, Any]]) -> bytes:
    """The list, of each image's `file` (of its photograph), `name`, `sha256` and whatever else is known."""
    return json.dumps([row | {"version": VERSION} for row in rows], ensure_ascii=False, indent=1).encode()


def read(text: str, known: Beside) -> Beside | None:
    """What is known with the list; None for another program's file of this name.

    Raises `ValueError`, `TypeError` or `KeyError` for a damaged one.
    """
    rows = json.loads(text)
    if not isinstance(rows, list):
        return None
    files = {tidy_name(row["file"]): str(row["sha256"]) for row in rows}
    stems = {PurePosixPath(name).stem: sha256 for name, sha256 in files.items()}
    return Beside(known.tables, stems, frozenset(files))
