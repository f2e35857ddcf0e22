"""Latencies by machine and runtime, of networks of either kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ftl.evaluation.candidate import in_runtime, runtimes_of
from ftl.evaluation.fastest import slower_than_float32
from ftl.evaluation.runtimes import TITLES
from ftl.formatting import NOTHING, count, milliseconds, number
from ftl.models.layout import TIME
from ftl.reporting import made
from ftl.reporting.document import Block, Bullets, Heading, Row, Table
from ftl.reporting.subject import Subject, times_elsewhere

Network = Any
"""A classifier or a network that draws masks, as `Measured`; mypy loses its way in comprehensions over that."""


def latency_blocks(
    own: Network,
    members: Sequence[Network],
    out: Path,
    subject: Subject,
    worth: tuple[str, Callable[[Network], str]],
) -> list[Block]:
    """The section on one network's latency, here and on other machines, beside the unpruned one of `members`.

    `worth`: what its quality in a runtime is called, and that quality in words.
    """
    time = made.found(out / own.name / TIME)
    here, threads = made.machine_of(time), made.threads_of(time)
    rows = [(here, row[0], threads, *row[1:]) for row in _in_runtimes(own, members, worth[1])]
    for other, timed in times_elsewhere(subject, members, out):
        machine = f"{other.machine.name} ({other.machine.processor})"
        for one in (one for one in timed if one.name == own.name):
            rows += [(machine, row[0], str(other.threads), *row[1:]) for row in _in_runtimes(one, timed, worth[1])]
    head = ("Machine", "Runtime", "Threads", "Latency (quartiles)", "Rounds", "Of the unpruned", worth[0])
    blocks: list[Block] = [Heading("Latency by machine"), Table(head, tuple(rows), frozenset({0, 1}))]
    if sentences := slower_than_float32(own):
        blocks.append(Bullets(tuple(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences)))
    return blocks


def elsewhere_blocks(members: Sequence[Network], out: Path, subject: Subject) -> list[Block]:
    """The latencies of a sweep's networks on other machines; nothing where there are none."""
    blocks: list[Block] = []
    head = ("Machine", "Network", "Runtime", "Latency (quartiles)", "Rounds", "Of the unpruned")
    for other, timed in times_elsewhere(subject, members, out):
        rows = [(other.machine.name, one.name, *row) for one in timed for row in _in_runtimes(one, timed)]
        blocks += [Heading(f"Latency on {other.machine.name}"), Table(head, tuple(rows), frozenset({0, 1, 2}))]
    return blocks


def faster(own: Network, unpruned: Network | None) -> str:
    """How many times as fast a network is as the unpruned one in the same runtime: `1/26`; a dash for that itself."""
    if unpruned is None or unpruned.name == own.name:
        return NOTHING
    return f"1/{number(unpruned.time_ms / own.time_ms)}"


def _in_runtimes(one: Network, members: Sequence[Network], worth: Callable[[Network], str] | None = None) -> list[Row]:
    """In each runtime that a network was timed in: its title, latency, rounds, speed-up, and its worth."""
    unpruned, rows = next((member for member in members if member.is_unpruned), None), list[Row]()
    for runtime in runtimes_of([one]):
        own = in_runtime([one], runtime)[0]
        has = unpruned is not None and runtime in runtimes_of([unpruned])
        whole = in_runtime([unpruned], runtime)[0] if has and unpruned is not None else None
        quartiles = "" if own.time_q1_ms is None else f" ({number(own.time_q1_ms)} to {number(own.time_q3_ms)})"
        latency = f"{milliseconds(own.time_ms)}{quartiles}{', unstable' if own.unstable else ''}"
        rows.append(
            (TITLES[runtime], latency, count(own.time_rounds), faster(own, whole), *([worth(own)] if worth else []))
        )
    return rows
