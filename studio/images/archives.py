"""Uploaded files one by one, those of zips too. Nothing is trusted: not names, not types, not the sizes a zip tells."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import count as numbers
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple

from studio.errors import StudioError

MOST_FILES = 10_000
MOST_FILE_BYTES = 500 * 2**20
MOST_ZIP_BYTES = 20 * 2**30
_MOST_TIMES = 100  # a zip of photographs hardly shrinks; one that unpacks to more than this, and 100 MB, is a bomb
_MOST_LIST_BYTES = 16 * 2**20  # of a zip's list of contents, which is read as a whole
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
_LITTER = ("thumbs.db", "desktop.ini")


class Entry(NamedTuple):
    """A single file: its name, with folders, and a copy that whoever takes it removes; or a sentence instead of it.

    `archive`: the name of the zip that it was in.
    """

    name: str
    draft: Path | None
    problem: str = ""
    archive: str = ""


def shown(name: str) -> str:
    """A name for a sentence: its printable characters, at most 60."""
    plain = "".join(one for one in name if one.isprintable())
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def count(uploads: Sequence[tuple[str, BinaryIO]]) -> int:
    """How many files these are, with those in zips. Raises `StudioError` for more than `MOST_FILES`."""
    total = 0
    for name, file in uploads:
        if not _is_zip(name):
            total += not _hidden(name)
            continue
        try:
            with _open(file) as archive:
                total += len(_members(archive))
        except (*_DAMAGED, StudioError):  # told when its turn comes
            total += 1
    if total > MOST_FILES:
        raise StudioError(
            f"these are {total:,} files: upload at most {MOST_FILES:,} at a time; nothing of them was stored"
        )
    return total


def entries(uploads: Sequence[tuple[str, BinaryIO]], scratch: Path) -> Iterator[Entry]:
    """Every single file, copied below `scratch` under a name of our own; hidden files are left out."""
    drafts = (scratch / f"{number}" for number in numbers())
    for name, file in uploads:
        file.seek(0)
        if _is_zip(name):
            yield from _unpack(name, file, drafts)
        elif not _hidden(name):
            yield _copy(name, shown(name), file, next(drafts), MOST_FILE_BYTES)


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _hidden(name: str) -> bool:
    """What systems leave lying about beside a user's files."""
    parts = _path(name).parts
    dotted = any(part[0] == "." and part != ".." for part in parts)
    return dotted or "__MACOSX" in parts or (bool(parts) and parts[-1].lower() in _LITTER)


def _open(file: BinaryIO) -> zipfile.ZipFile:
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined] # the very reading that ZipFile goes by
    if end and end[zipfile._ECD_SIZE] > _MOST_LIST_BYTES:  # type: ignore[attr-defined]
        raise StudioError("it lists more files than the studio takes")
    file.seek(0)
    return zipfile.ZipFile(file)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [one for one in archive.infolist() if not one.is_dir() and not _hidden(one.filename)]


def _copy(name: str, told: str, file: IO[bytes], draft: Path, most: int) -> Entry:
    size = 0
    with open(draft, "wb") as target:
        while size <= most and (block := file.read(1 << 20)):
            size += len(block)  # counted as it comes: what a zip says of itself may be a lie
            target.write(block)
    if size > most:
        draft.unlink()
        return Entry(name, None, f"{told} is larger than {most / 2**20:,.0f} MB: make it smaller")
    return Entry(name, draft)


def _unpack(name: str, file: BinaryIO, drafts: Iterator[Path]) -> Iterator[Entry]:
    """The files of a zip; one that is damaged or refused stops no other, a bomb is not unpacked at all."""
    packed = file.seek(0, 2)
    try:
        archive = _open(file)
    except (*_DAMAGED, StudioError) as error:
        yield Entry(name, None, f"{shown(name)} cannot be unpacked ({error}): zip it again")
        return
    with archive:
        members = _members(archive)
        left = min(MOST_ZIP_BYTES, 100 * 2**20 + _MOST_TIMES * packed)
        if sum(one.file_size for one in members) > left:
            yield Entry(name, None, f"{shown(name)} unpacks to more than the studio takes: nothing of it was stored")
            return
        if not members:
            yield Entry(name, None, f"{shown(name)} is empty: put photographs in and zip it again")
        for member in members:
            told = f"{shown(member.filename)} in {shown(name)}"
            if (refused := _refused(member)) is not None:
                yield Entry(name, None, f"{told} {refused}")
                continue
            draft = next(drafts)
            try:
                with archive.open(member) as unpacked:
                    entry = _copy(str(_path(member.filename)), told, unpacked, draft, min(MOST_FILE_BYTES, left))
            except _DAMAGED as error:
                draft.unlink(missing_ok=True)
                entry = Entry(name, None, f"{told} cannot be unpacked ({error}): zip it again")
            left -= entry.draft.stat().st_size if entry.draft else 0
            yield entry._replace(archive=name)


def _refused(member: zipfile.ZipInfo) -> str | None:
    """Why a file of a zip is not taken; None if it is."""
    path = _path(member.filename)
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        return "points out of the zip: left out"
    if member.flag_bits & 1:
        return "is encrypted: zip it without a password"
    if stat.S_ISLNK(member.external_attr >> 16) or _is_zip(member.filename):
        return "is a link or another zip: left out"
    return None
