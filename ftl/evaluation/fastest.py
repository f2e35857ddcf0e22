"""The runtime that a network is fastest in, and how many times as fast it is there as another is in its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from ftl.evaluation.candidate import Candidate, Measured
from ftl.evaluation.runtimes import FLOAT32, IN_FLOAT32, RUNTIMES, TITLES
from ftl.formatting import milliseconds, number

MOST_LOST = 0.02
"""What other numbers may lose of a network's accuracy or F1 in float32 on the validation images; or one image."""


class Fastest(NamedTuple):
    """A runtime of `ftl.evaluation.runtimes`, and a network's latency in it."""

    runtime: str
    time_ms: float


def fastest(candidate: Measured) -> Fastest:
    """The fastest of the runtimes that a network was timed in, of those that do not lose more than `MOST_LOST`."""
    measured = _figures(candidate)
    exact = [_quality(its) for runtime, its in measured.items() if RUNTIMES[runtime].numbers == FLOAT32]
    least = max(exact) - _most_lost(candidate)
    times = {runtime: its["time_ms"] for runtime, its in measured.items() if _quality(its) >= least}
    return Fastest(*min(times.items(), key=lambda time: time[1]))


def best_against_best(candidate: Measured, unpruned: Measured) -> tuple[float, str]:
    """How many times as fast a network is as the unpruned one, each in its fastest runtime; and both times in words."""
    own, other = fastest(candidate), fastest(unpruned)
    if not (candidate.runtimes or unpruned.runtimes):
        words = f"{number(own.time_ms)} against {milliseconds(other.time_ms)}"
    elif own.runtime == other.runtime:
        words = f"{number(own.time_ms)} against {milliseconds(other.time_ms)}, both fastest in {TITLES[own.runtime]}"
    else:
        times = [f"{milliseconds(one.time_ms)} in {TITLES[one.runtime]}" for one in (own, other)]
        words = f"each in its fastest runtime: {times[0]} against {times[1]}"
    return other.time_ms / own.time_ms, words


def slower_than_float32(candidate: Measured) -> list[str]:
    """A sentence on each kind of numbers that makes a network slower than float32 does, in the same program."""
    measured, found = _figures(candidate), []
    for runtime, plain in IN_FLOAT32.items():
        if runtime in measured and plain in measured:
            times = [measured[name]["time_ms"] for name in (runtime, plain)]
            if times[0] > times[1]:
                numbers, verb = RUNTIMES[runtime].numbers, "are" if RUNTIMES[runtime].numbers.endswith("s") else "is"
                found.append(
                    f"{numbers} {verb} slower than float32 in {TITLES[plain]} ({number(times[0])} against "
                    f"{milliseconds(times[1])})"
                )
    return found


def _figures(candidate: Measured) -> dict[str, dict[str, Any]]:
    """What was measured of a network in each runtime: its latency and its quality."""
    quality = "accuracy" if isinstance(candidate, Candidate) else "validation"
    own = {key: getattr(candidate, key) for key in ("time_ms", quality)}
    return {candidate.timed_in: own} | {runtime: own | its for runtime, its in candidate.runtimes.items()}


def _quality(figures: dict[str, Any]) -> float:
    value: float = figures["accuracy"] if "accuracy" in figures else figures["validation"].f1.value
    return value


def _most_lost(candidate: Measured) -> float:
    return (
        max(MOST_LOST, 1.5 / len(candidate.right))
        if isinstance(candidate, Candidate) and candidate.right
        else MOST_LOST
    )
