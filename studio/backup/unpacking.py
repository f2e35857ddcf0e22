"""A backup that somebody sent, as a child of `studio.sandbox` has cleaned it: the zip itself is never read here."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from studio.backup.checks import checked, checked_about
from studio.backup.cleaning import clean, read_json, sentence
from studio.backup.rows import Row
from studio.errors import StudioError
from studio.images.archives import bounds, placed
from studio.sandbox import Refused, each
from studio.store.home import scratch


class Unpacked:
    """An open backup. All that it gives raises `StudioError` for what is damaged, or no part of a backup."""

    def __init__(self, answers: Generator[Any, str | None, None], folder: Path) -> None:
        """`answers`: of `clean`, which has put into `folder` what `Unpacked` reads."""
        self._answers, self._folder = answers, folder
        with _naming_refusals():
            self._photographs = set(next(answers))
        self._parts: dict[str, int] = {}

    def about(self) -> Row:
        """What `project.json` holds."""
        with sentence("project.json"):
            return checked_about(read_json((self._folder / "project.json").read_bytes()))

    def rows(self, table: str) -> Iterator[Row]:
        """A table's rows, each checked by itself; a geometry is JSON, and the strokes come after the images."""
        if table not in self._parts:
            with _naming_refusals():
                self._parts[table] = sum(iter(lambda: self._answers.send(table), False))
        numbers = count(1)
        for part in range(self._parts[table]):
            with sentence(f"{table}.jsonl"), open(self._folder / f"{table}.{part}", "rb") as lines:
                for line in lines:
                    yield checked(table, read_json(line), f"line {next(numbers):,} of {table}.jsonl")

    def photographs(self) -> set[str]:
        """The names, which are SHA-256 sums, of the photographs that are in it."""
        return self._photographs

    def photograph(self, sha256: str, draft: Path) -> None:
        """Take a photograph out, as `draft`."""
        with _naming_refusals():
            self._answers.send(sha256)
        (self._folder / "photograph").replace(draft)


@contextmanager
def _naming_refusals() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise StudioError(f"this backup is not restored: {error}") from error


@contextmanager
def unpacked(file: BinaryIO) -> Iterator[Unpacked]:
    """Open a backup. Raises `StudioError` for a file that is none."""
    with scratch() as made:
        folder = Path(made)
        packed = placed(file, folder / "zip")
        with closing(each(clean, str(packed), str(folder), bounds(), folder=folder)) as answers:
            yield Unpacked(answers, folder)
