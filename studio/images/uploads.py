"""What people upload: photographs, zips, folders of class folders. Never trusted: names, types and sizes alike."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ftl.progress import Report, silent
from studio.errors import StudioError
from studio.home import home
from studio.images.library import add_image
from studio.projects import add_class, classes_of
from studio.store.database import writing

MOST_FILES = 10_000
MOST_FILE_BYTES = 500 * 2**20
MOST_ZIP_BYTES = 20 * 2**30
_SPLITS = ("train", "test")


class Received(NamedTuple):
    """What became of an upload: ids of the images added, of those known before, and a sentence for every problem."""

    added: list[int]
    known: list[int]
    problems: list[str]


class _Entry(NamedTuple):
    name: str
    draft: Path | None  # None: there is a problem instead
    problem: str = ""


def shown(name: str) -> str:
    """A name for a sentence: its printable characters, at most 60."""
    plain = "".join(one for one in name if one.isprintable())
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def receive(
    project_id: int,
    user_id: int,
    uploads: Sequence[tuple[str, BinaryIO]],
    *,
    class_id: int | None = None,
    split: str | None = None,
    report: Report = silent,
) -> Received:
    """Add uploaded files to a project; a bad one becomes a sentence and stops no other.

    Args:
        uploads: names with their open files. A name may hold folders, as in "Crack/a.jpg" or "test/Crack/a.jpg": they
            give class and split, and classes that the project lacks are made. A zip is unpacked.
        class_id, split: for files whose folders do not tell.
        report: (files done, files in all, what).

    Raises:
        StudioError: more than `MOST_FILES` files; nothing is stored then.
    """
    total = sum(_count(name, file) for name, file in uploads)
    if total > MOST_FILES:
        raise StudioError(
            f"these are {total:,} files: upload at most {MOST_FILES:,} at a time; nothing of them was stored"
        )
    added: list[int] = []
    known: list[int] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory(dir=home(), prefix=".upload-") as scratch:
        for done, entry in enumerate(_entries(uploads, Path(scratch))):
            report(done, total, "adding photographs")
            if entry.draft is None:
                problems.append(entry.problem)
                continue
            try:
                own_class, own_split = _folders(project_id, entry.name)
                image, new = add_image(
                    project_id, user_id, entry.draft, entry.name, own_class or class_id, own_split or split
                )
                (added if new else known).append(image.id)
            except StudioError as error:
                problems.append(_sentence(entry.name, str(error)))
            finally:
                entry.draft.unlink(missing_ok=True)
    report(total, total, "adding photographs")
    return Received(added, known, problems)


def _sentence(name: str, problem: str) -> str:
    own = shown(PurePosixPath(name.replace("\\", "/")).name)
    return problem if own and own in problem else f"{own}: {problem}"


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of a zip, without folders, hidden files and what macOS adds."""
    return [
        one
        for one in archive.infolist()
        if not one.is_dir()
        and not any(part[0] == "." and part != ".." for part in PurePosixPath(one.filename).parts)
        and "__MACOSX" not in one.filename
    ]


def _count(name: str, file: BinaryIO) -> int:
    if not _is_zip(name):
        return 1
    try:
        with zipfile.ZipFile(file) as archive:
            return len(_members(archive))
    except zipfile.BadZipFile:
        return 1
    finally:
        file.seek(0)


def _entries(uploads: Sequence[tuple[str, BinaryIO]], scratch: Path) -> Iterator[_Entry]:
    """Every single file, copied below `scratch` under a name of our own."""
    for name, file in uploads:
        if _is_zip(name):
            yield from _unpack(name, file, scratch)
        else:
            yield _copy(name, file, scratch, MOST_FILE_BYTES)


def _copy(name: str, file: BinaryIO, scratch: Path, most: int) -> _Entry:
    draft = scratch / "draft"
    size = 0
    with open(draft, "wb") as target:
        while block := file.read(1 << 20):
            size += len(block)
            if size > most:  # counted as it comes: what a zip says of itself may be a lie
                break
            target.write(block)
    if size > most:
        draft.unlink()
        return _Entry(name, None, f"{shown(name)} is larger than {most // 2**20} MB: make it smaller")
    return _Entry(name, draft)


def _unpack(name: str, file: BinaryIO, scratch: Path) -> Iterator[_Entry]:
    try:
        with zipfile.ZipFile(file) as archive:
            left = MOST_ZIP_BYTES
            for member in _members(archive):
                path = PurePosixPath(member.filename.replace("\\", "/"))
                told = f"{shown(member.filename)} in {shown(name)}"
                if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
                    yield _Entry(name, None, f"{told} points out of the zip: left out")
                elif member.flag_bits & 1:
                    yield _Entry(name, None, f"{told} is encrypted: zip it without a password")
                elif stat.S_ISLNK(member.external_attr >> 16) or _is_zip(member.filename):
                    yield _Entry(name, None, f"{told} is a link or another zip: left out")
                else:
                    with archive.open(member) as unpacked:
                        entry = _copy(str(path), unpacked, scratch, min(MOST_FILE_BYTES, left))  # type: ignore[arg-type]
                    left -= entry.draft.stat().st_size if entry.draft else MOST_FILE_BYTES
                    yield entry
                    if left <= 0:
                        raise StudioError("it unpacks to more than the studio takes")
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, StudioError) as error:
        yield _Entry(name, None, f"{shown(name)} cannot be unpacked ({error}): zip it again")


def _folders(project_id: int, name: str) -> tuple[int | None, str | None]:
    """The class and split that a name's folders tell: its last folder is the class, one above may be train or test."""
    folders = PurePosixPath(name.replace("\\", "/")).parts[:-1]
    if not folders or ".." in folders:
        return None, None
    split = next((one.lower() for one in folders if one.lower() in _SPLITS), None)
    last = folders[-1]
    if last.lower() in (*_SPLITS, "images", "photos"):
        return None, split
    for one in classes_of(project_id):
        if one.name.lower() == last.lower():
            return one.id, split
    try:
        with writing() as db:
            return add_class(db, project_id, last).id, split
    except StudioError:  # no name for a class: the photograph is taken without one
        return None, split


def clean_up() -> None:
    """Remove what an upload left behind when the studio was killed in its midst."""
    for left in home().glob(".upload-*"):
        shutil.rmtree(left, ignore_errors=True)
