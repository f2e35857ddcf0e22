"""What people upload: photographs, zips, folders of class folders."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ftl.data.images import EXTENSIONS
from ftl.progress import Report, silent
from studio.accounts.rights import changing
from studio.errors import Forbidden, StudioError
from studio.images.archives import Entry, count, entries, shown
from studio.images.library import add_image
from studio.images.zips import hidden, is_zip
from studio.projects.audit import record
from studio.projects.classes import add_class, classes_of
from studio.store import files
from studio.store.home import SCRATCH, home, scratch

Upload = tuple[str, BinaryIO]
"""A file's name and its content."""

_SPLITS = ("train", "test")
_NO_CLASSES = (*_SPLITS, "images", "photos")


class Chosen(NamedTuple):
    """What somebody has chosen to upload, by its names alone: photographs by class ("" for none), zips, other files."""

    photographs: dict[str, int]
    zips: list[str]
    others: list[str]


class Received(NamedTuple):
    """What became of an upload: ids of the images added, of those known before, and a sentence for every problem."""

    added: list[int]
    known: list[int]
    problems: list[str]


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
        StudioError: more files than are taken at a time; nothing is stored then.
    """
    total = count(uploads)
    got = Received([], [], [])
    folders = _Folders(project_id, user_id)
    with scratch() as drafts, files.keeping(Path(drafts)) as keep:
        for done, entry in enumerate(entries(uploads, Path(drafts))):
            report(done, total, "adding photographs")
            if entry.draft is None:
                got.problems.append(entry.problem)
                continue
            try:
                own_class, own_split = folders.tell(entry)
                image, new = add_image(
                    project_id, user_id, entry.draft, entry.name, own_class or class_id, own_split or split, keep
                )
                (got.added if new else got.known).append(image.id)
            except Forbidden:  # whoever was removed meanwhile adds no more
                raise
            except StudioError as error:
                got.problems.append(_sentence(entry.name, str(error)))
            finally:
                entry.draft.unlink(missing_ok=True)
    report(total, total, "adding photographs")
    if got.added:
        with changing(user_id, project_id) as db:
            record(db, project_id, user_id, "uploaded", count=len(got.added))
    return got


def look_over(names: Iterable[str], classes: Iterable[str], given: str = "") -> Chosen:
    """What `receive` would take files of these names for; `given`: the class of those whose folders tell none."""
    own = {one.lower(): one for one in classes}
    found = Chosen({}, [], [])
    for name in names:
        if hidden(name):
            continue
        if is_zip(name):
            found.zips.append(name)
        elif PurePosixPath(name.lower()).suffix not in EXTENSIONS:
            found.others.append(name)
        else:
            folder, _ = _class_and_split(name, "", own)
            which = given if folder is None else own.setdefault(folder.lower(), folder)
            found.photographs[which] = found.photographs.get(which, 0) + 1
    return found


def clean_up() -> None:
    """Remove what an upload left behind when the studio was killed in its midst."""
    for left in home().glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


def from_browser(files: Sequence[BinaryIO], classes: Collection[str] = (), whole: bool = False) -> list[Upload]:
    """Files that a browser sent, with their names as the user knows them.

    `whole`: it sent a folder, whose own name is left out, unless it is a class (`classes`: names in lower case).
    """
    found = []
    for file in files:
        name = file.name.replace("%22", '"')  # how browsers write a quotation mark in a name
        root, _, rest = name.partition("/")
        found.append((rest if whole and rest and root.lower() not in (*classes, *_SPLITS) else name, file))
    return found


def _sentence(name: str, problem: str) -> str:
    own = shown(PurePosixPath(name.replace("\\", "/")).name)
    return problem if own and own in problem else f"{own}: {problem}"


def _class_and_split(name: str, archive: str, classes: Collection[str]) -> tuple[str | None, str | None]:
    """The class and split that a file's folders tell: the last is the class, one above may be train or test.

    `classes`: names of those that are there, in lower case.
    """
    folders = PurePosixPath(name.replace("\\", "/")).parts[:-1]
    if not folders or ".." in folders:
        return None, None
    split = next((one.lower() for one in folders if one.lower() in _SPLITS), None)
    last = " ".join(folders[-1].split())
    # zipping a folder puts it into a zip of the same name: that is no wish for a class
    wrapped = len(folders) == 1 and archive.lower() == f"{folders[0]}.zip".lower()
    if last.lower() in _NO_CLASSES or (wrapped and last.lower() not in classes):
        return None, split
    return last, split


class _Folders:
    """What the folders of a name tell; new classes are made as their folders turn up."""

    def __init__(self, project_id: int, user_id: int) -> None:
        self._project_id, self._user_id = project_id, user_id
        self._classes: dict[str, int | None] = {one.name.lower(): one.id for one in classes_of(project_id)}

    def tell(self, entry: Entry) -> tuple[int | None, str | None]:
        """The class and split of a file, each None where its folders do not tell."""
        name, split = _class_and_split(entry.name, entry.archive, self._classes)
        if name is None:
            return None, split
        if name.lower() not in self._classes:
            self._classes[name.lower()] = self._made(name)
        return self._classes[name.lower()], split

    def _made(self, name: str) -> int | None:
        try:
            with changing(self._user_id, self._project_id) as db:
                return add_class(db, self._project_id, self._user_id, name).id
        except Forbidden:
            raise
        except StudioError:  # made meanwhile by somebody else; or no name for a class, and so without one
            return next((one.id for one in classes_of(self._project_id) if one.name.lower() == name.lower()), None)
