"""All candidates in the order of their decision scores, and each sweep's pick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ftl.candidate import Candidate
from ftl.charts import shown_accuracy
from ftl.choose import Choice, Limits, Weights, choose, decision_score
from ftl.errors import FtlError
from studio.choosing.reading import Network, Sweep


class Ranked(NamedTuple):
    """A sweep with what the limits and weights make of it: a choice, or a sentence on why there is none."""

    sweep: Sweep
    choice: Choice | None
    problem: str
    limits: Limits

    @property
    def pick(self) -> Network | None:
        """The candidate chosen."""
        return self.choice and Network(self.sweep.job_id, self.choice.pick.name)


def rank(sweep: Sweep, weights: Weights, limits: Limits) -> Ranked:
    """Choose within a sweep. Scores compare with the sweep's own base, so each sweep has a pick of its own."""
    try:
        return Ranked(sweep, choose(sweep.candidates, weights, limits), "", limits)
    except FtlError as error:
        return Ranked(sweep, None, str(error), limits)


def table(ranked: Sequence[Ranked], weights: Weights) -> list[dict[str, Any]]:
    """Rows for the page, best score first within each sweep, those outside the limits behind, the base last.

    `key` names the candidate (`Network.key`); shares are in per cent.
    """
    return [row for one in ranked for row in _rows(one, weights)]


def _rows(ranked: Ranked, weights: Weights) -> list[dict[str, Any]]:
    sweep, choice = ranked.sweep, ranked.choice
    tied = {one.name for one in choice.tied} if choice else set()

    def place(one: Candidate) -> tuple[bool, bool, float]:
        return one.is_base, not ranked.limits.allow(one), -decision_score(one, sweep.base, weights)

    def standing(one: Candidate) -> str:
        if choice and one.name == choice.pick.name:
            return "the pick"
        if one.is_base:
            return "base"
        if not ranked.limits.allow(one):
            return "outside the limits"
        return "not told apart" if one.name in tied else ""

    return [
        {
            "key": Network(sweep.job_id, one.name).key,
            "Sweep": sweep.name,
            "Network": one.name,
            "Standing": ", ".join(filter(None, (standing(one), one.above_limit, one.time_mark))),
            "Score": decision_score(one, sweep.base, weights),
            "Validation accuracy": 100 * one.accuracy,
            "Test accuracy": 100 * shown_accuracy(one),
            "Recall": None if one.recall is None else 100 * one.recall,
            "Time": one.time_ms,
            "Size": one.size_mb,
            "Parameters": 100 * one.parameters / sweep.base.parameters,
        }
        for one in sorted(sweep.candidates, key=place)
    ]


def summary(ranked: Ranked) -> str:
    """What the pick is worth, in plain text. Accuracy is the test set's, which chose nothing."""
    assert ranked.choice is not None
    base, pick = ranked.sweep.base, ranked.choice.pick
    times = base.time_ms / pick.time_ms
    low, high = (100 * (end or 0) for end in (pick.test_accuracy_low, pick.test_accuracy_high))
    return (
        f"keeps {100 * pick.parameters / base.parameters:.1f} % of the parameters, is {times:.1f} times as fast as "
        f"the base ({pick.time_ms:.3g} against {base.time_ms:.3g} ms), and classifies "
        f"{100 * shown_accuracy(pick):.1f} % of the test images right ({low:.1f} to {high:.1f}), "
        f"the base {100 * shown_accuracy(base):.1f} %."
    )
