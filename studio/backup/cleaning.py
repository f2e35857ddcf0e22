"""The zip of a backup, read in a child of `studio.sandbox`: no name leads anywhere, and nothing unpacks without end."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from studio.annotation.strokes import parse
from studio.backup.rows import LATER, TABLES, Row
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

    It gives the SHA-256 sums of the photographs, once `project.json` is there. Then it is sent, again and again, either
    such a sum, and that photograph is there as `photograph`; or a table's name until it gives False, and the table's
    next piece is there as `<table>.<number>`. The images come first; geometries and areas are checked, and text.

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
            numbers = _about(archive, made / "project.json")
            wanted = yield [one[7:] for one in archive.namelist() if one.startswith("images/")]
            sizes: dict[str, tuple[int, int]] = {}
            while True:
                if wanted in TABLES:
                    for _ in _parts(_rows(archive, wanted, numbers, sizes), made / wanted):
                        yield True
                    wanted = yield False
                else:
                    _photograph(archive, wanted, made / "photograph")
                    wanted = yield True


@contextmanager
def sentence(what: str) -> Iterator[None]:
    """Tell of what is damaged by a `StudioError`."""
    try:
        yield
    except MemoryError:  # reported by `studio.sandbox`
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
    if missing := _NAMES - {f"{table}.jsonl" for table in LATER} - set(names):
        raise StudioError(f"this is no backup: it lacks {', '.join(sorted(missing))}")
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


def _about(archive: zipfile.ZipFile, target: Path) -> set[int]:
    """Write `project.json`, and tell the numbers of its classes."""
    with sentence("project.json"), archive.open("project.json") as file:
        text = file.read(_MOST_ABOUT + 1)
        if len(text) > _MOST_ABOUT:
            raise StudioError("project.json of the backup is larger than any can be")
        about = _plain(read_json(text), "project.json")
        target.write_text(json.dumps(about), encoding="utf-8")
    with suppress(KeyError, TypeError):  # who reads it tells what is wrong
        return {one["number"] for one in about["classes"]}
    return set()


def _parts(rows: Iterator[Any], target: Path) -> Iterator[None]:
    """Write a table, a piece at a time: an answer may take so long, and a file be so large."""
    for number, first in enumerate(rows):
        with target.with_suffix(f".{number}").open("w", encoding="utf-8") as part:
            size = part.write(f"{json.dumps(first, check_circular=False)}\n")
            while size < _PART and (row := next(rows, None)) is not None:
                size += part.write(f"{json.dumps(row, check_circular=False)}\n")
        yield


def _rows(archive: zipfile.ZipFile, table: str, numbers: set[int], sizes: dict[str, tuple[int, int]]) -> Iterator[Any]:
    """A table's rows. `numbers`: of the classes; `sizes`: height and width of each image, as far as they are known."""
    number = 0
    if table in LATER and f"{table}.jsonl" not in archive.namelist():
        return
    with sentence(f"{table}.jsonl"), io.BufferedReader(archive.open(f"{table}.jsonl")) as file:  # type: ignore[type-var]
        while line := file.readline(_MOST_LINE + 1):
            number += 1
            if len(line) > _MOST_LINE or number > _MOST_ROWS:
                raise StudioError(f"{table}.jsonl of the backup is larger than any that the studio takes")
            row = _plain(read_json(line), f"line {number:,} of {table}.jsonl")
            if not isinstance(row, dict):
                raise StudioError(f"line {number:,} of {table}.jsonl of the backup has no columns")
            if table == "images":
                with suppress(KeyError, TypeError):
                    sizes[row["sha256"]] = (row["height"], row["width"])
            elif table == "strokes":
                row["geometry"] = _geometry(row, numbers, sizes)
            elif table == "proposals":
                row["areas"] = _areas(row, numbers, sizes)
            yield row


def _areas(row: Row, numbers: set[int], sizes: dict[str, tuple[int, int]]) -> str:
    """The areas of a proposal as JSON, if each can be drawn, and all are counted."""
    try:
        height, width = sizes[row["image"]]
        for one in row["areas"]:
            left, top, wide, high = one["box"]
            counts = one["counts"]
            if (
                one.keys() != {"box", "counts", "pixels", "class_number"}
                or {*map(type, (left, top, wide, high, one["class_number"], *counts))} != {int}
                or min(left, top, wide - 1, high - 1, *counts) < 0
                or left + wide > width
                or top + high > height
                or (sum(counts), sum(counts[1::2])) != (wide * high, one["pixels"])
                or one["class_number"] not in {0, *numbers}
            ):
                raise ValueError(one)
        if len(row["areas"]) != row["count"]:
            raise ValueError(row["count"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudioError("the backup proposes an area that cannot be drawn") from error
    return json.dumps(row["areas"], check_circular=False)


def _geometry(row: Row, numbers: set[int], sizes: dict[str, tuple[int, int]]) -> str:
    """A stroke's geometry as JSON, if it can be drawn: nobody else needs to parse it."""
    try:
        size = sizes.get(row["image"])
        if size is None:
            raise StudioError("the backup tells of an image that is not in it")
        if not isinstance(row["geometry"], dict):
            raise TypeError
        parse("here", row["kind"], row["class_number"], row["geometry"]).check(numbers, *size)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise StudioError("a stroke has no usable geometry") from error
    return json.dumps(row["geometry"], check_circular=False)


def _plain(value: Any, where: str) -> Any:
    """The value, if anybody can read and store it: not deep, with whole letters, and numbers of 64 bits."""
    for column, one in value.items() if isinstance(value, dict) else [("value", value)]:
        if not _is_plain(one) or not _is_plain(column):
            raise StudioError(f"{where} of the backup cannot have such a {shown(column)}")
    return value


def _is_plain(value: Any) -> bool:
    level, lists = [value], 0
    for _ in range(_DEEPEST):
        kinds = set(map(type, level))
        if float in kinds and not all(map(isfinite, (one for one in level if type(one) is float))):
            return False
        if int in kinds:
            whole = [one for one in level if type(one) is int]
            if min(whole) < -(2**63) or max(whole) >= 2**63:
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
