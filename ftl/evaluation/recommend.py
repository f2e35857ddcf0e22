"""Which network to recommend: the fastest of those that are useful and not significantly worse than the best.

Of those that are as fast as that, as one network under two heads, it is the most accurate.

All tests look at the validation images; the test set only reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ftl.evaluation.candidate import Candidate
from ftl.evaluation.metrics import beats_constant, beats_rate, worse
from ftl.formatting import counted, fixed, listed, megabytes, milliseconds, number, percent, probability

LEVEL = 0.05
"""Both tests are one-sided at this level."""

AS_FAST = 0.1
"""A network is as fast as the fastest one up to such a share above it: by as much, rounds of one network may differ."""

RECOMMENDED = "recommended"
PASSED = "not significantly worse"
WORSE = "significantly worse than the best"
USELESS = "no better than the most frequent class"
UNTESTED = "cannot be tested"
OUTSIDE = "outside the limits"


class Limits(NamedTuple):
    """Constraints on a network that a person sets; None: any. Shares are 0..1, of the validation images."""

    max_ms: float | None = None
    min_recall: float | None = None
    max_mb: float | None = None
    min_accuracy: float | None = None
    min_f1: float | None = None
    min_precision: float | None = None
    min_balanced_accuracy: float | None = None

    def allow(self, candidate: Candidate) -> bool:
        """Whether a candidate keeps within all limits; a figure that is not known keeps within none."""
        return all(
            (
                _at_most(candidate.time_ms, self.max_ms),
                _at_most(candidate.size_mb, self.max_mb),
                _at_least(candidate.recall, self.min_recall),
                _at_least(candidate.accuracy, self.min_accuracy),
                _at_least(candidate.f1, self.min_f1),
                _at_least(candidate.precision, self.min_precision),
                _at_least(candidate.balanced_accuracy, self.min_balanced_accuracy),
            )
        )


def _at_most(value: float, most: float | None) -> bool:
    return most is None or value <= most


def _at_least(value: float | None, least: float | None) -> bool:
    return least is None or (value is not None and value >= least)


class Recommendation(NamedTuple):
    """The `network` to recommend, or None; `standings`: what was found of each candidate, by name.

    `reason`: why it is this one, or why there is none and what to try. `notes`: what else to know, a sentence each.
    """

    network: Candidate | None
    standings: dict[str, str]
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> list[str]:
        """Names of the candidates that passed all tests."""
        return [name for name, standing in self.standings.items() if standing in (RECOMMENDED, PASSED)]


def recommend(candidates: Sequence[Candidate], limits: Limits | None = None, *, margin: float = 0.0) -> Recommendation:
    """Recommend one of the candidates, the unpruned network among them, or none.

    Of those within the limits that

    1. beat the constant answer of the most frequent class on the validation images
       (`ftl.evaluation.metrics.beats_constant`), and
    2. are not significantly worse there than the best within the limits, that of the highest accuracy (one-sided exact
       McNemar on the same images), or at most `margin` (0..1) below it,

    it is the fastest; or the most accurate of those that are as fast as that, and of these the first by latency and
    size. As fast: by `AS_FAST`, or with as many MACs, as one network has under two heads.

    Each test is made at `LEVEL` and not corrected for the number of candidates. Of many candidates none of which is
    useful, each may pass the first by chance in at most 5 of 100 cases; a useful one beside them makes these fail the
    second. The best is chosen on the images that it is tested on, so that its accuracy there is too high rather than
    too low: the second test then refuses too many rather than too few. "Not significantly worse" is no proof of equal
    worth: few images show only large differences. What the network is worth is measured on the test set.

    Results that hold no answers image by image: where all lack them, as in the original's tables, nothing can be tested
    and accuracies are compared by themselves, which `notes` say; where some do, these cannot be recommended. Where the
    classes of the validation images are not known, the first test is binomial, against the share of the most frequent
    class in the test set.
    """
    limits = limits or Limits()
    standings = {one.name: OUTSIDE for one in candidates}
    allowed = [one for one in candidates if limits.allow(one)]
    if not allowed:
        return Recommendation(None, standings, none_within(candidates))
    testable = any(one.right for one in candidates)
    best = max(allowed, key=lambda one: (one.accuracy, -one.time_ms, -one.size_mb))
    for one in allowed:
        standings[one.name] = _standing(one, best, margin, testable)
    left = [one for one in allowed if standings[one.name] == PASSED]
    if not left:
        return Recommendation(None, standings, _none_left(candidates, standings, best, limits))
    left.sort(key=lambda one: (one.time_ms, one.size_mb, -one.accuracy, one.name))
    as_fast = [one for one in left if _is_as_fast(one, left[0])]
    chosen = max(as_fast, key=lambda one: one.accuracy)  # of equally accurate ones the first, which is the fastest
    standings[chosen.name] = RECOMMENDED
    reason = _why(chosen, best, left, as_fast) if testable else _compared(chosen, best, as_fast)
    outside = [one for one in candidates if standings[one.name] == OUTSIDE]
    return Recommendation(chosen, standings, reason, tuple(_notes(chosen, left, outside)))


def none_within(candidates: Sequence[Candidate], what: str = "network") -> str:
    """Why none of the candidates keeps within the limits, by the fastest of them."""
    fastest = min(candidates, key=lambda one: one.time_ms)
    recall = "unknown" if fastest.recall is None else fixed(fastest.recall, 3)
    return (
        f"no {what} keeps within the limits: the fastest takes {milliseconds(fastest.time_ms)}, with recall {recall} "
        f"and {megabytes(fastest.size_mb)}; loosen one"
    )


def usefulness(candidate: Candidate) -> float | None:
    """One-sided p-value that a candidate beats the most frequent class on the validation images; None: not testable."""
    if candidate.validation_confusion:
        return beats_constant(np.array(candidate.validation_confusion))
    if candidate.right and candidate.confusion:
        images = [sum(row) for row in candidate.confusion]
        return beats_rate(sum(candidate.right), len(candidate.right), max(images) / max(1, sum(images)))
    return None


def significantly_worse(one: Candidate, other: Candidate) -> float | None:
    """One-sided p-value that a candidate is worse than another on the validation images; None: not testable."""
    if not one.right or len(one.right) != len(other.right):
        return None
    return worse(np.array(one.right), np.array(other.right))


def against(candidate: Candidate, other: Candidate) -> str:
    """How another stands to a candidate on the validation images, as `not significantly better`; empty: not testable.

    By the same test and at the same level as `recommend`.
    """
    worse_than, better_than = significantly_worse(candidate, other), significantly_worse(other, candidate)
    if worse_than is None or better_than is None:
        return ""
    if worse_than <= LEVEL:
        return "significantly better"
    return "significantly worse" if better_than <= LEVEL else "not significantly better"


def _standing(one: Candidate, best: Candidate, margin: float, testable: bool) -> str:
    if testable:
        useful = usefulness(one)
        if useful is None:
            return UNTESTED
        if useful > LEVEL:
            return USELESS
    if best.accuracy - one.accuracy <= margin + 1e-12:
        return PASSED
    p = significantly_worse(one, best)
    if p is None:
        return UNTESTED if testable else WORSE
    return PASSED if p > LEVEL else WORSE


def _why(chosen: Candidate, best: Candidate, left: Sequence[Candidate], as_fast: Sequence[Candidate]) -> str:
    p = significantly_worse(chosen, best)
    ahead = f"{_called(best)} ({number(100 * (best.accuracy - chosen.accuracy))} points more"
    if chosen is best:
        second = "is the most accurate there"
    elif p is not None and p > LEVEL:
        second = f"is not significantly worse there than the best, {ahead}, {probability(p)})"
    else:
        second = f"is within the margin of the best, {ahead})"
    if len(left) == 1:
        third = "no other network does"
    elif len(as_fast) == 1:
        third = f"is the fastest of the {len(left)} networks that do"
    else:
        third = f"is the most accurate of the {len(as_fast)} fastest, which take as long, of the {len(left)} that do"
    images = counted(len(chosen.right), "validation image")
    return f"It beats the most frequent class on the {images}, {second}, and {third}."


def _compared(chosen: Candidate, best: Candidate, as_fast: Sequence[Candidate]) -> str:
    if chosen is best:
        which = "is the most accurate"
    elif len(as_fast) == 1:
        which = f"is the fastest within the margin of {_called(best)}"
    else:
        which = f"is the most accurate of the fastest within the margin of {_called(best)}"
    return (
        f"It {which}. These results do not say which images each network got right, so it was not tested whether it "
        "beats the most frequent class, nor what differs by chance."
    )


def _none_left(candidates: Sequence[Candidate], standings: dict[str, str], best: Candidate, limits: Limits) -> str:
    parts, unpruned = [], {one.name for one in candidates if one.is_unpruned}
    for verdict, words in (
        (USELESS, f"no better than the most frequent class on the {counted(len(best.right), 'validation image')}"),
        (WORSE, f"significantly worse than the best, {_called(best)}"),
        (UNTESTED, "without the answers that a test needs"),
        (OUTSIDE, OUTSIDE),
    ):
        if names := [name for name, standing in standings.items() if standing == verdict]:
            called = ["the unpruned network" if name in unpruned else name for name in names]
            parts.append(f"{listed(called)} {'is' if len(names) == 1 else 'are'} {words}")
    tries = ["more photographs", "a larger keep fraction", "fine-tuning"]
    tries += ["looser limits"] if limits != Limits() else []
    return f"no network is recommended: {'; '.join(parts)}. Try {', '.join(tries[:-1])} or {tries[-1]}"


def _called(candidate: Candidate, *, begins: bool = False) -> str:
    return candidate.name if not candidate.is_unpruned else f"{'T' if begins else 't'}he unpruned network"


def _notes(chosen: Candidate, left: Sequence[Candidate], outside: Sequence[Candidate]) -> list[str]:
    notes = []
    if near := [_called(one) for one in left if one is not chosen and _overlap(chosen, one)]:
        verb = "overlaps" if len(near) == 1 else "overlap"
        notes.append(f"The latency of {listed(near)} {verb} with its own: which is faster is not certain.")
    tested = [(one, significantly_worse(chosen, one)) for one in outside]
    if better := [one for one, p in tested if p is not None and p <= LEVEL]:
        top = max(better, key=lambda one: one.accuracy)
        shares = f"{percent(top.accuracy)} against {percent(chosen.accuracy)} of the validation images"
        notes.append(f"{_called(top, begins=True)} is significantly better ({shares}), but outside the limits.")
    return notes


def _is_as_fast(one: Candidate, fastest: Candidate) -> bool:
    """Whether what sets two latencies apart is how they were taken, and no other work."""
    return one.time_ms <= (1 + AS_FAST) * fastest.time_ms or (one.macs is not None and one.macs == fastest.macs)


def _overlap(one: Candidate, other: Candidate) -> bool:
    """Whether the quartiles of two latencies overlap."""
    faster, slower = sorted((one, other), key=lambda each: each.time_ms)
    return (faster.time_q3_ms or faster.time_ms) > (slower.time_q1_ms or slower.time_ms)
