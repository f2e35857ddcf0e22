"""Masks that exist already, in every form that is taken. Each becomes a region in the annotation log."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ftl.progress import Report, silent
from studio.accounts.rights import changing
from studio.annotation import log
from studio.annotation.strokes import Drawn, parse
from studio.errors import Forbidden, StudioError
from studio.formats.reading_child import masks_of
from studio.formats.targets import Targets
from studio.images.archives import count, entries, shown
from studio.images.file_names import tidy_name
from studio.projects.audit import record
from studio.sandbox import Refused, each
from studio.store.home import scratch

_MOST_FAILURES = 10  # of children that read files of one zip


class Imported(NamedTuple):
    """What an import did: images that have a mask from it, regions that are new, and a sentence for every problem."""

    images: int
    regions: int
    problems: list[str]


def import_masks(
    project_id: int,
    user_id: int,
    uploads: Sequence[tuple[str, BinaryIO]],
    *,
    class_number: int,
    report: Report = silent,
) -> Imported:
    """Read masks and add them to the images whose name they bear; doing it twice changes nothing.

    Args:
        uploads: names with open files of any format that `registry` lists, or zips of them. Class names are made where
            the project lacks them. Files beside those with masks, in the same zip or among what is uploaded without
            one, tell the names of classes (`Companion`), and the studio's own `images.json` which image a file is.
            Photographs that come along with masks are passed over: JPEGs, pictures in a folder of photographs, and
            those that a file with masks names as its image.
        class_number: the class of masks that hold only one.
        report: (files done, files in all, what), first for unpacking them, then for reading them.

    Raises:
        StudioError: more files than are taken at a time; nothing is stored then.
    """
    total = count(uploads)
    reading = _Reading(user_id, Targets(project_id, user_id, class_number), set(), [])
    unpacked = 0
    for group in _groups(uploads):
        with scratch() as drafts:
            taken = []
            for entry in entries(group, Path(drafts)):
                report(unpacked, total, "unpacking")
                unpacked += 1
                if entry.draft is None:
                    reading.problems.append(entry.problem)
                else:
                    taken.append((entry.name, str(entry.draft)))
            _read(reading, taken, Path(drafts), lambda read: report(min(read, total), total, "reading masks"))
    report(total, total, "reading masks")
    if reading.new:
        with changing(user_id, project_id) as db:
            record(db, project_id, user_id, "imported", count=len(reading.images))
    return Imported(len(reading.images), reading.new, reading.problems)


@dataclass
class _Reading:
    """What an import has come to: ids of images that have a mask from it, sentences, new regions, files read."""

    user_id: int
    targets: Targets
    images: set[int]
    problems: list[str]
    new: int = 0
    read: int = 0


def _read(reading: _Reading, taken: Sequence[tuple[str, str]], folder: Path, report: Callable[[int], None]) -> None:
    """Have the masks of files read that tell about each other. A file that ends the child is reported and left out."""
    done, failed, photographs, name = 0, 0, set[str](), ""
    while True:
        answers = each(masks_of, taken, done, sorted(photographs), reads=[folder])
        try:
            for what, value in _kept(reading, answers, photographs):
                if what == "file":
                    report(reading.read)
                    reading.read += 1
                    done, name = done + 1, value
                elif what == "damaged":
                    reading.problems.append(_problem(*value))
                elif what == "refused":
                    reading.problems.append(_problem(name, value))
            return
        except Refused as error:
            reading.problems.append(_problem(name, error) if name else str(error))
            failed += 1
            if not name or failed == _MOST_FAILURES:
                return
            name = ""
        finally:
            answers.close()


def _kept(reading: _Reading, answers: Generator[Any, Any, None], photographs: set[str]) -> Iterator[tuple[str, Any]]:
    """What a child tells of files; its answers about an image are dealt with, and the strokes put into the log."""
    name, image = "", None
    reply: Any = None
    regions: list[Drawn] = []
    problems: list[StudioError | str] = []
    while True:
        try:
            what, value = answers.send(reply)
        except StopIteration:
            return
        reply = None
        try:
            if what == "image":
                if value["name"]:
                    photographs.add(tidy_name(value["name"]))
                regions, problems = [], []
                image = reading.targets.image(value["name"], value["stem"], value["size"], value["sha256"])
                reply = [image.height, image.width]
            elif what == "label":
                try:
                    reply = reading.targets.number(value)
                except Forbidden:
                    raise
                except StudioError as error:
                    problems.append(error)
            elif what == "region":
                regions.append(parse(**value))
            elif what == "problem":
                problems.append(value)
            elif what == "drawn" and image is not None:
                reading.new += log.append(image.id, reading.user_id, regions)
                reading.images |= {image.id} if regions else set()
                reading.problems += [_problem(name, problem) for problem in problems]
            else:
                name = value if what == "file" else name
                yield what, value
        except Forbidden:  # whoever was removed meanwhile adds no more
            raise
        except StudioError as error:
            reading.problems.append(_problem(name, error))


def _problem(name: str, problem: Exception | str) -> str:
    return f"{shown(tidy_name(name))}: {problem}"


def _groups(uploads: Sequence[tuple[str, BinaryIO]]) -> Iterator[list[tuple[str, BinaryIO]]]:
    """Files that tell about each other: those without a zip, and those of each zip."""
    zips = [upload for upload in uploads if upload[0].lower().endswith(".zip")]
    loose = [upload for upload in uploads if not upload[0].lower().endswith(".zip")]
    yield from ([loose] if loose else [])
    yield from ([upload] for upload in zips)
