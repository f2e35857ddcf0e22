"""The zip of a backup, read in a child of `studio.sandbox`: no name leads anywhere, and nothing unpacks without end."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from studio.backup.rows import TABLES
from studio.errors import StudioError
from studio.images.zips import DAMAGED, MOST_TIMES, Bounds, open_zip, shown

_MOST_ROWS = 1_000_000
_MOST_ABOUT, _MOST_LINE = 8 * 2**20, 64 * 2**20
_DEEPEST = 8  # a point of a stroke is a number in a list in a list in a geometry in a row
_MOST_LISTS = 200_000  # in a row: a stroke has at most 100,000 points
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: JSON can tell of one, and no database takes it
_BLOCK, _PART = 1 << 20, 64 * 2**20
_NAMES = {"project.json", *(f"{table}.jsonl" for table in TABLES)}


def clean(file: str, folder: str, given: list[int]) -> Generator[Any, str, None]:
    """Put what a backup holds into `folder` as plain JSON that was written here. `given`: `Bounds`.

    It gives the SHA-256 sums of the photographs, once `project.json` is there; then for each piece of a table the
    table's name, which is there as `<table>.<number>`; then None. After that it is sent sums, and each one's photograph
    is then there as `photograph`.

    Raises `StudioError` for what is damaged, too large or too deep, or no part of a backup.
    """
    bounds, made = Bounds(*given), Path(folder)
    with open(file, "rb") as packed:
        size = packed.seek(0, 2)
        try:
            archive = open_zip(packed, bounds.list)
        except MemoryError:
            raise
        except (*DAMAGED, StudioError) as error:
            raise StudioError(
                f"this file cannot be unpacked ({shown(str(error))}): it is damaged, or no backup"
            ) from error
        with archive:
            _check_list(archive.infolist(), bounds, size)
            _about(archive, made / "project.json")
            yield [one[7:] for one in archive.namelist() if one.startswith("images/")]
            for table in TABLES:
                yield from _parts(archive, table, made)
            wanted = yield None
            while True:
                _photograph(archive, wanted, made / "photograph")
                wanted = yield wanted


@contextmanager
def sentence(what: str) -> Iterator[None]:
    """Tell of what is damaged by a `StudioError`."""
    try:
        yield
    except MemoryError:  # told by `studio.sandbox`
        raise
    except DAMAGED as error:
        raise StudioError(f"{what} cannot be read ({shown(str(error))}): the backup is damaged") from error


def read_json(text: bytes) -> Any:
    """The value of a JSON text in UTF-8, without NaN and infinity."""
    return json.loads(text.decode(), parse_constant=_refuse)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _check_list(members: list[zipfile.ZipInfo], bounds: Bounds, packed: int) -> None:
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
    if sum(one.file_size for one in members) > min(bounds.zip, 100 * 2**20 + MOST_TIMES * packed):
        raise StudioError("this backup unpacks to more than the studio takes: nothing was restored")
    if max(pictures, default=0) > bounds.file:
        raise StudioError(f"a photograph of the backup is larger than {bounds.file / 2**20:,.0f} MB")


def _about(archive: zipfile.ZipFile, target: Path) -> None:
    with sentence("project.json"), archive.open("project.json") as file:
        text = file.read(_MOST_ABOUT + 1)
        if len(text) > _MOST_ABOUT:
            raise StudioError("project.json of the backup is larger than any can be")
        target.write_bytes(_written(read_json(text), "project.json"))


def _parts(archive: zipfile.ZipFile, table: str, made: Path) -> Iterator[str]:
    """Write a table's rows, a piece at a time: an answer may take so long, and a file be so large."""
    rows = _rows(archive, table)
    for number, first in enumerate(rows):
        with open(made / f"{table}.{number}", "wb") as target:
            size = target.write(first)
            while size < _PART and (row := next(rows, b"")):
                size += target.write(row)
        yield table


def _rows(archive: zipfile.ZipFile, table: str) -> Iterator[bytes]:
    number = 0
    with sentence(f"{table}.jsonl"), io.BufferedReader(archive.open(f"{table}.jsonl")) as file:  # type: ignore[type-var]
        while line := file.readline(_MOST_LINE + 1):
            number += 1
            if len(line) > _MOST_LINE or number > _MOST_ROWS:
                raise StudioError(f"{table}.jsonl of the backup is larger than any that the studio takes")
            yield _written(read_json(line), f"line {number:,} of {table}.jsonl")


def _written(value: Any, where: str) -> bytes:
    """A row as a line that anybody can read and store: not deep, with whole letters, and numbers of 64 bits."""
    for column, one in value.items() if isinstance(value, dict) else [("line", value)]:
        if not _is_plain(one) or not _is_plain(column):
            raise StudioError(f"{where} of the backup cannot have such a {shown(column)}")
    return f"{json.dumps(value, ensure_ascii=False, check_circular=False)}\n".encode()


def _is_plain(value: Any) -> bool:
    level, lists = [value], 0
    for _ in range(_DEEPEST):
        kinds = set(map(type, level))
        if float in kinds and not all(isfinite(one) for one in level if type(one) is float):
            return False
        if int in kinds and not all(-(2**63) <= one < 2**63 for one in level if type(one) is int):
            return False
        if str in kinds and _HALF.search("".join(one for one in level if type(one) is str)):
            return False
        if not kinds & {dict, list}:
            return True
        inside: list[Any] = []
        for one in level:
            if type(one) is list:
                inside += one
                lists += 1
            elif type(one) is dict:
                inside += [*one, *one.values()]
                lists += 1
        if lists > _MOST_LISTS:
            return False
        level = inside
    return not level


def _photograph(archive: zipfile.ZipFile, sha256: str, target: Path) -> None:
    """Copy a photograph's bytes out, if they are those of that sum."""
    found = hashlib.sha256()
    with sentence("a photograph"), archive.open(f"images/{sha256}") as file, open(target, "wb") as made:
        while block := file.read(_BLOCK):
            found.update(block)
            made.write(block)
    if found.hexdigest() != sha256:
        raise StudioError(f"the photograph {sha256[:12]}... of the backup is not the one that was backed up")
