"""All candidates in order, and what is recommended of each sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.decision import Choice, Weights, choose, decision_score
from ftl.evaluation.recommend import OUTSIDE, RECOMMENDED, SLOWER, UNTESTED, USELESS, WORSE, Limits
from ftl.formatting import fixed, milliseconds, number, percent
from studio.ui.choose.read_sweep import Network, Sweep

_ORDER = (RECOMMENDED, SLOWER, WORSE, USELESS, UNTESTED, OUTSIDE)


class Ranked(NamedTuple):
    """A sweep with what is recommended of it within the limits."""

    sweep: Sweep
    choice: Choice
    limits: Limits

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
    return Ranked(sweep, choose(sweep.candidates, weights, limits, margin=margin), limits)


def table(ranked: Sequence[Ranked], weights: Weights | None) -> list[dict[str, Any]]:
    """Rows for the page, the recommended network of each sweep first, those outside the limits last.

    By decision score, best first and the unpruned network last, where there are weights. `key` names the candidate
    (`Network.key`); shares are in per cent.
    """
    rows = [row for one in ranked for row in _rows(one, weights)]
    if not any(row["Warnings"] for row in rows):
        for row in rows:
            del row["Warnings"]
    return rows


def _rows(ranked: Ranked, weights: Weights | None) -> list[dict[str, Any]]:
    sweep, standings = ranked.sweep, ranked.choice.standings

    def place(one: Candidate) -> tuple[float, ...]:
        if weights is not None:
            return one.is_unpruned, not ranked.limits.allow(one), -decision_score(one, sweep.unpruned, weights)
        standing = standings[one.name]
        return _ORDER.index(standing), one.time_ms if standing == SLOWER else -one.accuracy

    return [
        {
            "key": Network(sweep.job_id, one.name).key,
            "Sweep": sweep.name,
            "Network": one.name,
            "Standing": ("⚠ " if warnings(one) else "") + standing_of(ranked, one),
            **({} if weights is None else {"Score": decision_score(one, sweep.unpruned, weights)}),
            "Validation accuracy": 100 * one.accuracy,
            "Test accuracy": 100 * shown_accuracy(one),
            "Balanced accuracy": _percent(one.balanced_accuracy),
            "Recall": _percent(one.recall),
            "Latency": one.time_ms,
            "Size": one.size_mb,
            "Parameters": 100 * one.parameters / sweep.unpruned.parameters,
            "Warnings": "; ".join(warnings(one)),
        }
        for one in sorted(sweep.candidates, key=place)
    ]


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
    return (
        f"keeps {percent(pick.parameters / unpruned.parameters)} of the parameters, is "
        f"{fixed(unpruned.time_ms / pick.time_ms, 1)} times as fast as the unpruned network ({number(pick.time_ms)} "
        f"against {milliseconds(unpruned.time_ms)}), and classifies {right}, the unpruned network "
        f"{percent(shown_accuracy(unpruned))}."
    )
