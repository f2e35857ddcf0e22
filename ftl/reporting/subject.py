"""What a report is given beside a folder: the sweep's name, times of other machines, where photographs may lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

from ftl.errors import FtlError
from ftl.evaluation.candidate import Measured
from ftl.sweeping.other_machine import OtherMachine, on_machine

SIGNED_BY = ("Accepted for use in", "Name", "Date and signature")
"""What is written on the lines at the end."""


class Subject(NamedTuple):
    """What a report is about. `name`: what the sweep is called; `day`: that of the report.

    `about`: rows of words for its first table, as whose project it is. `times`: latencies taken on other machines.
    `within`: the only folder whose photographs may be shown; None: any. `without`: networks that are left out.
    """

    name: str
    day: date
    about: tuple[tuple[str, str], ...] = ()
    times: tuple[OtherMachine, ...] = ()
    within: Path | None = None
    without: frozenset[str] = frozenset()

    @property
    def line(self) -> str:
        """What stands below the title."""
        return f"{self.name} · {self.day:%Y-%m-%d}"


def times_elsewhere(
    subject: Subject, candidates: Sequence[Measured], out: Path
) -> Iterator[tuple[OtherMachine, list[Measured]]]:
    """The networks as they are on each other machine that timed any of them."""
    for other in subject.times:
        with suppress(FtlError):  # of other networks, or of these before they were made anew
            yield other, on_machine(candidates, other, out)
