"""Zips that strangers sent, unpacked in children of `studio.sandbox`, a file when it is asked for."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, NamedTuple

from studio.errors import StudioError

MOST_TIMES = 100  # a zip of photographs hardly shrinks; one that unpacks to more than this, and 100 MB, is a bomb
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError, MemoryError)
"""What reading a damaged zip leads to."""

_LITTER = ("thumbs.db", "desktop.ini")


class Bounds(NamedTuple):
    """Bytes at most: of a file, of all that a zip unpacks to, and of a zip's list of contents."""

    file: int
    zip: int
    list: int


def shown(name: str) -> str:
    """A name for a sentence: its printable characters, at most 60."""
    plain = "".join(one for one in name if one.isprintable())
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def is_zip(name: str) -> bool:
    """Whether a file's name says that it is a zip."""
    return name.lower().endswith(".zip")


def hidden(name: str) -> bool:
    """Whether it is what systems leave lying about beside a user's files."""
    parts = _path(name).parts
    dotted = any(part[0] == "." and part != ".." for part in parts)
    return dotted or "__MACOSX" in parts or (bool(parts) and parts[-1].lower() in _LITTER)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def open_zip(file: BinaryIO, most_list: int) -> zipfile.ZipFile:
    """Open a zip. Raises `StudioError` for one whose list of contents is too long, and one of `DAMAGED`."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined] # the very reading that ZipFile goes by
    if end and end[zipfile._ECD_SIZE] > most_list:  # type: ignore[attr-defined]
        raise StudioError("it lists more files than the studio takes")
    file.seek(0)
    return zipfile.ZipFile(file)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [one for one in archive.infolist() if not one.is_dir() and not hidden(one.filename)]


def members(file: str, most_list: int) -> Generator[int, None, None]:
    """How many files a zip holds; 1 for one that cannot be read, which is reported when its turn comes."""
    try:
        with open(file, "rb") as packed, open_zip(packed, most_list) as archive:
            yield len(_members(archive))
    except (*DAMAGED, StudioError):
        yield 1


def copy(file: IO[bytes], draft: Path, most: int) -> bool:
    """Copy a file; False, and no copy, where it is larger than `most` bytes."""
    size = 0
    with open(draft, "wb") as target:
        while size <= most and (block := file.read(1 << 20)):
            size += len(block)  # counted as it comes: what a zip says of itself may be a lie
            target.write(block)
    if size > most:
        draft.unlink()
    return size <= most


def too_large(file: str, most: int) -> str:
    """The sentence for a file that is larger than `most` bytes."""
    return f"{file} is larger than {most / 2**20:,.0f} MB: make it smaller"


def unpack(file: str, name: str, draft: str, given: list[int], done: int) -> Generator[Any, None, None]:
    """The files of a zip, one after another, each in `draft`: its name and an empty text, or a sentence instead.

    One that is damaged or refused stops no other, a bomb is not unpacked at all. `given`: `Bounds`. `done`: so many
    were dealt with already, and are passed over.
    """
    bounds = Bounds(*given)
    with open(file, "rb") as opened:
        packed = opened.seek(0, 2)
        try:
            archive = open_zip(opened, bounds.list)
        except (*DAMAGED, StudioError) as error:
            yield name, f"{shown(name)} cannot be unpacked ({error}): zip it again"
            return
        with archive:
            found = _members(archive)
            left = min(bounds.zip, 100 * 2**20 + MOST_TIMES * packed)
            if sum(one.file_size for one in found) > left:
                yield name, f"{shown(name)} unpacks to more than the studio takes: nothing of it was stored"
                return
            if not found:
                yield name, f"{shown(name)} is empty: put photographs in and zip it again"
            for member in found[done:]:
                own, problem, size = _unpacked(archive, member, name, Path(draft), min(bounds.file, left))
                left -= size
                yield own, problem


def _unpacked(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, draft: Path, most: int
) -> tuple[str, str, int]:
    which = f"{shown(member.filename)} in {shown(name)}"
    if (refused := _refused(member)) is not None:
        return name, f"{which} {refused}", 0
    try:
        with archive.open(member) as content:
            if not copy(content, draft, most):
                return str(_path(member.filename)), too_large(which, most), 0
    except DAMAGED as error:
        draft.unlink(missing_ok=True)
        reason = str(error).replace(str(draft), "it")
        return name, f"{which} cannot be unpacked ({reason}): zip it again", 0
    return str(_path(member.filename)), "", draft.stat().st_size


def _refused(member: zipfile.ZipInfo) -> str | None:
    """Why a file of a zip is not taken; None if it is."""
    path = _path(member.filename)
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        return "points out of the zip: left out"
    if member.flag_bits & 1:
        return "is encrypted: zip it without a password"
    if stat.S_ISLNK(member.external_attr >> 16) or is_zip(member.filename):
        return "is a link or another zip: left out"
    return None
