"""All candidates in order, and what is recommended of each sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ftl.evaluation.candidate import Candidate
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.decision import Choice, Weights, choose, decision_score
from ftl.evaluation.fastest import best_against_best
from ftl.evaluation.recommend import OUTSIDE, RECOMMENDED, SLOWER, UNTESTED, USELESS, WORSE, Limits
from ftl.formatting import fixed, milliseconds, percent
from studio.ui.choose.read_sweep import Network, Sweep

_ORDER = (RECOMMENDED, SLOWER, WORSE, USELESS, UNTESTED, OUTSIDE)


class Ranked(NamedTuple):
    """A sweep with what is recommended of it within the limits; `weights` of the decision score, if that does it."""

    sweep: Sweep
    choice: Choice
    limits: Limits
    weights: Weights | None = None

    @property
    def pick(self) -> Network | None:
        """The recommended candidate."""
        return None if self.choice.pick is None else Network(self.sweep.job_id, self.choice.pick.name)

    @property
    def problem(self) -> str:
        """Why none is recommended, or nothing."""
        return "" if self.choice.pick is not None else self.choice.reason


def rank(sweep: Sweep, weights: Weights | None, limits: Limits, margin: float = 0.0) -> Ranked:
    """Choose within a sweep, as `choose` does: each sweep has a recommended network of its own."""
    return Ranked(sweep, choose(sweep.candidates, weights, limits, margin=margin), limits, weights)


def in_order(ranked: Sequence[Ranked]) -> list[tuple[Ranked, Candidate]]:
    """All candidates, the recommended network of each sweep first, those outside the limits last.

    By decision score, best first and the unpruned network last, where there are weights.
    """
    return [(one, candidate) for one in ranked for candidate in _in_order(one)]


def _in_order(ranked: Ranked) -> list[Candidate]:
    sweep, standings = ranked.sweep, ranked.choice.standings

    def place(one: Candidate) -> tuple[float, ...]:
        if ranked.weights is not None:
            return one.is_unpruned, not ranked.limits.allow(one), -decision_score(one, sweep.unpruned, ranked.weights)
        standing = standings[one.name]
        return _ORDER.index(standing), one.time_ms if standing == SLOWER else -one.accuracy

    return sorted(sweep.candidates, key=place)


def standing_of(ranked: Ranked, one: Candidate) -> str:
    """What was found of a candidate, in words."""
    unpruned = "unpruned" if one.is_unpruned else ""
    return ", ".join(filter(None, (ranked.choice.standings[one.name], unpruned, one.above_limit, one.time_mark)))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def summary(ranked: Ranked) -> str:
    """What the recommended network is worth, in plain text. Accuracy is the test set's, never used for choosing."""
    unpruned, pick = ranked.sweep.unpruned, ranked.choice.pick
    assert pick is not None
    low, high = (_percent(end) for end in (pick.test_accuracy_low, pick.test_accuracy_high))
    interval = "" if low is None else f" ({fixed(low, 1)} to {fixed(high, 1)})"
    right = f"{percent(shown_accuracy(pick))} of the test images right{interval}"
    if pick is unpruned:
        return f"is the unpruned network: an image takes {milliseconds(pick.time_ms)}, and it classifies {right}."
    times, words = best_against_best(pick, unpruned)
    return (
        f"keeps {percent(pick.parameters / unpruned.parameters)} of the parameters, is {fixed(times, 1)} times as fast "
        f"as the unpruned network ({words}), and classifies {right}, the unpruned network "
        f"{percent(shown_accuracy(unpruned))}."
    )
