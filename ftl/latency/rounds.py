"""Rounds of timing: how often each network is timed, what its takes come to, and which networks are timed again.

A network that is timed while other programs use the processor seems slower than it is, by a factor of up to 100. So
each is timed several times, at other moments and in another order, and the lowest median counts. It is stable when two
rounds agree that were taken while nothing else ran. Nothing here measures: `take` and `look` are given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ftl.progress import Report, silent

ROUNDS = 3
"""Rounds over all networks, whatever comes out."""

MOST_ROUNDS = 9
"""Of a network whose times do not agree."""

QUIET = 0.1
"""A round counts as taken alone when others used at most this share of the processor."""

CLOSE = 0.1
"""Two rounds agree when the median of one is at most this share above the lowest."""

_WAIT = 0.25  # of the patience, at most, for a quiet machine; then a round is taken all the same: it may be the lowest
_POLL = 0.5

Key = TypeVar("Key", bound=Hashable)


class Take(NamedTuple):
    """One round of a network: quartiles of its `runs` in milliseconds.

    `others`: the share 0..1 of the processor that other programs used meanwhile, or just before if that was more.
    """

    median_ms: float
    q1_ms: float
    q3_ms: float
    runs: int
    others: float


def why_unstable(takes: Sequence[Take]) -> str:
    """Why the lowest median of some rounds cannot be relied on; empty where two quiet rounds confirm it."""
    lowest = min(take.median_ms for take in takes)
    quiet = sorted(take.median_ms for take in takes if take.others <= QUIET)
    if len(quiet) > 1 and quiet[1] <= lowest * (1 + CLOSE):
        return ""
    if len(takes) < ROUNDS:
        return f"only {len(takes)} of {ROUNDS} rounds taken so far"
    if len(quiet) > 1:
        return f"its rounds differ by {100 * (quiet[1] / lowest - 1):.0f} %"
    return f"other programs used up to {100 * max(take.others for take in takes):.0f} % of the processor"


def figure(takes: Sequence[Take]) -> dict[str, Any]:
    """What some rounds come to: the lowest median with its quartiles, why it is `unstable` if it is, and all rounds."""
    lowest = min(takes, key=lambda take: take.median_ms)
    return lowest._asdict() | {"unstable": why_unstable(takes), "rounds": [take._asdict() for take in takes]}


def take_rounds(
    keys: Sequence[Key],
    take: Callable[[Key], Take],
    keep: Callable[[Key, list[Take]], None],
    *,
    before: Mapping[Key, Sequence[Take]] | None = None,
    look: Callable[[], float],
    patience: float | None = None,
    report: Report = silent,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[Key, list[Take]]:
    """Time the networks called `keys` in rounds; then those whose times do not agree again, when the machine is quiet.

    Args:
        take: times one of them once.
        keep: called after each take, with all takes of this network.
        before: takes of an earlier run, after which the rounds go on.
        look: the share of the processor that others use now.
        patience: seconds for waiting and for taking again together; None: as many as the first rounds take.
        clock, sleep: as those of `time`.

    Returns all takes of each.
    """
    takes = {key: [*(before or {}).get(key, ())] for key in keys}
    missing = sum(max(0, ROUNDS - len(found)) for found in takes.values())
    begun, done = clock(), 0

    def one_round(number: int, chosen: Sequence[Key], total: int, what: str) -> None:
        nonlocal done
        for index in np.random.default_rng(number).permutation(len(chosen)):
            report(done, total, what)
            key = chosen[index]
            takes[key].append(take(key))
            keep(key, takes[key])
            done += 1

    for number in range(ROUNDS):
        one_round(number, [key for key in keys if len(takes[key]) <= number], missing, "timing")
    report(missing, missing, "timing")
    patience = clock() - begun if patience is None else patience
    end = clock() + patience
    for number in range(ROUNDS, ROUNDS + MOST_ROUNDS):
        unstable = [key for key in keys if why_unstable(takes[key]) and len(takes[key]) < MOST_ROUNDS]
        if not unstable or clock() >= end:
            break
        _await_quiet(look, min(end, clock() + patience * _WAIT), report, clock, sleep)
        done = 0
        one_round(number, unstable, len(unstable), "timing again what is unstable")
    return takes


def _await_quiet(
    look: Callable[[], float],
    end: float,
    report: Report,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Wait until other programs use little of the processor, or the clock comes to `end`."""
    while look() > QUIET and clock() < end:
        report(0, 1, "waiting until the machine is quiet, to time again")
        sleep(_POLL)
