"""The zip of a backup, read as what a stranger sent: no name leads anywhere, and nothing unpacks without end."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from studio.backup.checks import checked, checked_about
from studio.backup.rows import TABLES, Row
from studio.errors import StudioError
from studio.images.archives import _MOST_LIST_BYTES, MOST_FILE_BYTES, MOST_ZIP_BYTES
from studio.images.zips import DAMAGED, MOST_TIMES, open_zip, shown

MOST_ROWS = 1_000_000
_MOST_ABOUT, _MOST_LINE = 8 * 2**20, 64 * 2**20
_BLOCK = 1 << 20
_NAMES = {"project.json", *(f"{table}.jsonl" for table in TABLES)}


@contextmanager
def _sentence(what: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise StudioError(f"{what} cannot be read ({shown(str(error))}): the backup is damaged") from error


class Unpacked:
    """An open backup. All that it gives raises `StudioError` for what is damaged, or no part of a backup."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def about(self) -> Row:
        """What `project.json` holds."""
        with _sentence("project.json"), self._archive.open("project.json") as file:
            text = file.read(_MOST_ABOUT + 1)
            if len(text) > _MOST_ABOUT:
                raise StudioError("project.json of the backup is larger than any can be")
            return checked_about(json.loads(text, parse_constant=_refuse))

    def rows(self, table: str) -> Iterator[Row]:
        """A table's rows, each checked by itself."""
        number = 0
        with _sentence(f"{table}.jsonl"), io.BufferedReader(self._archive.open(f"{table}.jsonl")) as file:  # type: ignore[type-var]
            while line := file.readline(_MOST_LINE + 1):
                number += 1
                if len(line) > _MOST_LINE or number > MOST_ROWS:
                    raise StudioError(f"{table}.jsonl of the backup is larger than any that the studio takes")
                yield checked(table, json.loads(line, parse_constant=_refuse), f"line {number:,} of {table}.jsonl")

    def photographs(self) -> set[str]:
        """The names, which are SHA-256 sums, of the photographs that are in it."""
        return {one[7:] for one in self._archive.namelist() if one.startswith("images/")}

    def photograph(self, sha256: str, draft: Path) -> None:
        """Copy a photograph's bytes out, if they are those of that sum."""
        found = hashlib.sha256()
        with _sentence("a photograph"), self._archive.open(f"images/{sha256}") as file, open(draft, "wb") as target:
            while block := file.read(_BLOCK):
                found.update(block)
                target.write(block)
        if found.hexdigest() != sha256:
            raise StudioError(f"the photograph {sha256[:12]}... of the backup is not the one that was backed up")


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


@contextmanager
def unpacked(file: BinaryIO) -> Iterator[Unpacked]:
    """Open a backup. Raises `StudioError` for a file that is none."""
    packed = file.seek(0, 2)
    try:
        archive = open_zip(file, _MOST_LIST_BYTES)
    except (*DAMAGED, StudioError) as error:
        raise StudioError(f"this file cannot be unpacked ({shown(str(error))}): it is damaged, or no backup") from error
    with archive:
        _check_list(archive.infolist(), packed)
        yield Unpacked(archive)


def _check_list(members: list[zipfile.ZipInfo], packed: int) -> None:
    names = [one.filename for one in members]
    if not set(names) >= _NAMES:
        raise StudioError(f"this is no backup: it lacks {', '.join(sorted(_NAMES - set(names)))}")
    for name in names:
        if name not in _NAMES and not re.fullmatch("images/[0-9a-f]{64}", name):
            raise StudioError(f"this backup also holds {shown(name)}, which is no part of one: nothing was restored")
    if len(set(names)) < len(names) or any(one.flag_bits & 1 for one in members):
        raise StudioError("this backup holds a file twice, or an encrypted one: nothing was restored")
    pictures = [one.file_size for one in members if one.filename not in _NAMES]
    # no more than it tells of itself is ever unpacked
    if sum(one.file_size for one in members) > min(MOST_ZIP_BYTES, 100 * 2**20 + MOST_TIMES * packed):
        raise StudioError("this backup unpacks to more than the studio takes: nothing was restored")
    if max(pictures, default=0) > MOST_FILE_BYTES:
        raise StudioError(f"a photograph of the backup is larger than {MOST_FILE_BYTES / 2**20:,.0f} MB")
