"""Uploaded files one by one, those of zips too. Nothing is trusted: not names, not types, not the sizes a zip tells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count as numbers
from pathlib import Path
from typing import BinaryIO, NamedTuple

from studio.errors import StudioError
from studio.images.zips import Bounds, copy, hidden, is_zip, members, shown, too_large, unpack
from studio.sandbox import Refused, call, each
from studio.store.home import scratch

__all__ = ["Entry", "count", "entries", "shown"]

MOST_FILES = 10_000
MOST_FILE_BYTES = 500 * 2**20
MOST_ZIP_BYTES = 20 * 2**30
_MOST_FAILURES = 10  # of children that unpack the same zip
_MOST_LIST_BYTES = 16 * 2**20  # of a zip's list of contents, which is read as a whole


class Entry(NamedTuple):
    """A single file: its name, with folders, and a copy that whoever takes it removes; or a sentence instead of it.

    `archive`: the name of the zip that it was in.
    """

    name: str
    draft: Path | None
    problem: str = ""
    archive: str = ""


def count(uploads: Sequence[tuple[str, BinaryIO]]) -> int:
    """How many files these are, with those in zips. Raises `StudioError` for more than `MOST_FILES`."""
    total = sum(not hidden(name) for name, _ in uploads if not is_zip(name))
    for name, file in uploads:
        if is_zip(name):
            total += _count(file)
    if total > MOST_FILES:
        raise StudioError(
            f"these are {total:,} files: upload at most {MOST_FILES:,} at a time; nothing of them was stored"
        )
    return total


def _count(file: BinaryIO) -> int:
    with scratch() as folder:
        try:
            packed = placed(file, Path(folder) / "zip")
            return int(call(members, str(packed), _MOST_LIST_BYTES, reads=[packed]))
        except Refused:  # reported when its turn comes
            return 1


def bounds() -> Bounds:
    """Of zips of photographs and of backups."""
    return Bounds(MOST_FILE_BYTES, MOST_ZIP_BYTES, _MOST_LIST_BYTES)


def placed(file: BinaryIO, target: Path) -> Path:
    """A zip where a child can read it."""
    file.seek(0)
    with open(target, "wb") as placed:
        shutil.copyfileobj(file, placed, 1 << 20)
    return target


def entries(uploads: Sequence[tuple[str, BinaryIO]], scratch: Path) -> Iterator[Entry]:
    """Every single file, copied below `scratch` under a name of our own; hidden files are left out."""
    drafts = (scratch / f"{number}" for number in numbers())
    for name, file in uploads:
        if is_zip(name):
            yield from _unpack(name, file, drafts)
        elif not hidden(name):
            file.seek(0)
            draft, most = next(drafts), MOST_FILE_BYTES
            taken = copy(file, draft, most)
            yield Entry(name, draft) if taken else Entry(name, None, too_large(shown(name), most))


def _unpack(name: str, file: BinaryIO, drafts: Iterator[Path]) -> Iterator[Entry]:
    """The files of a zip. One that ends the child which unpacks it is reported, and those behind it are unpacked."""
    with scratch() as folder:
        packed, draft = placed(file, Path(folder) / "zip"), Path(folder) / "file"
        done = failed = before = 0
        while True:
            try:
                with closing(each(unpack, str(packed), name, str(draft), bounds(), done, folder=Path(folder))) as found:
                    for own, problem in found:
                        done += 1
                        if problem:
                            yield Entry(own, None, problem, name)
                        else:
                            yield Entry(own, draft.replace(next(drafts)), archive=name)
                return
            except Refused as error:
                yield Entry(name, None, f"a file in {shown(name)}: {error}", name)
                failed += 1
                if failed == _MOST_FAILURES or (failed > 1 and done == before):  # it is not a file, but the zip
                    return
                done += 1
                before = done
