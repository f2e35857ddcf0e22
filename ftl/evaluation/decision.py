"""Choose a network: by the rule of `ftl.evaluation.recommend` or by a weighted decision score; Pareto front and knee.

Everything here looks at figures of the validation images; the test set only reports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate, unpruned_of
from ftl.evaluation.metrics import mcnemar
from ftl.evaluation.recommend import LEVEL, OUTSIDE, RECOMMENDED, USELESS, Limits, none_within, recommend, usefulness

KNEE_LEAST = 0.1
"""A knee must stand this far from the straight line between the front's ends, both axes scaled to 0..1."""

ALIKE_ABOVE = 0.05
"""Candidates with McNemar's two-sided p above this are not significantly different from the recommended one."""

ALIKE = "not significantly different"


class Weights(NamedTuple):
    """Weights of the decision score's terms; their sum does not matter to the order."""

    quality: float
    parameters: float
    time: float


PRESETS = {
    "balanced": Weights(4.0, 1.0, 1.0),
    "published": Weights(1.0, 0.75, 0.0),
}
"""`balanced`: a point of quality is worth four points of size or time.

`published`: what the original's CSVs show. Least squares on their last column give 1.06 F1 - 1.00 P for VGG16 and
1.04 F1 - 0.79 P for AlexNet (P: share of parameters left; residual below 1e-5), and no weight at all on time. With 1
and 0.75 both published networks come first."""


def preset(name: str) -> Weights:
    """Weights by name. Raises `FtlError` that lists the names."""
    if name not in PRESETS:
        raise FtlError(f"there is no preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def decision_score(candidate: Candidate, unpruned: Candidate, weights: Weights) -> float:
    """quality * F1 / F1 of the unpruned network + parameters * (1 - share of parameters) + time * (1 - share of time).

    Where F1 is unknown, accuracy stands in; where only the unpruned network's is unknown, it counts as 1.
    """
    by_accuracy = candidate.accuracy / unpruned.accuracy
    quality = by_accuracy if candidate.f1 is None else candidate.f1 / (unpruned.f1 or 1.0)
    left = 1 - candidate.parameters / unpruned.parameters
    saved = 1 - candidate.time_ms / unpruned.time_ms
    return weights.quality * quality + weights.parameters * left + weights.time * saved


Measure = Callable[[Candidate], float]
"""A figure of a candidate."""


def _time(candidate: Candidate) -> float:
    return candidate.time_ms


def _accuracy(candidate: Candidate) -> float:
    return candidate.accuracy


@dataclass(frozen=True)
class Front:
    """The Pareto front of a quality over a cost: candidates, by rising cost and quality, that no other beats in both.

    By default of accuracy over time. `measured`: all candidates that it is the front of.
    """

    candidates: tuple[Candidate, ...]
    cost: Measure = _time
    quality: Measure = _accuracy
    measured: tuple[Candidate, ...] = ()

    def best(
        self,
        *,
        max_ms: float | None = None,
        min_recall: float | None = None,
        max_mb: float | None = None,
        min_accuracy: float | None = None,
        min_f1: float | None = None,
        min_precision: float | None = None,
        min_balanced_accuracy: float | None = None,
        margin: float = 0.0,
    ) -> Candidate:
        """The recommended candidate within the limits, see `ftl.evaluation.recommend.recommend`.

        On a front of another quality or cost: of those on it that pass the tests, the one of the highest quality.
        Raises `FtlError` when there is none, with the reason.
        """
        limits = Limits(max_ms, min_recall, max_mb, min_accuracy, min_f1, min_precision, min_balanced_accuracy)
        found = recommend(self.measured or self.candidates, limits, margin=margin)
        if found.network is not None and (self.cost, self.quality) == (_time, _accuracy):
            return found.network
        if found.network is None:
            raise FtlError(found.reason)
        passed = [one for one in self.candidates if one.name in found.passed]
        if not passed:
            raise FtlError("no candidate on the front passes: loosen a limit")
        return max(passed, key=lambda one: (self.quality(one), -self.cost(one)))

    def knee(self) -> Candidate | None:
        """The candidate farthest above the line between the front's ends; None if the front has no clear bend."""
        if len(self.candidates) < 3:
            return None
        x = np.array([self.cost(one) for one in self.candidates])
        y = np.array([self.quality(one) for one in self.candidates])
        height = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
        best = int(height.argmax())
        return self.candidates[best] if height[best] >= KNEE_LEAST else None


def pareto(candidates: Sequence[Candidate], cost: Measure = _time, quality: Measure = _accuracy) -> Front:
    """The front of candidates that no other beats or equals in both quality and cost, better in one."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: (cost(one), -quality(one))):
        if not front or quality(candidate) > quality(front[-1]):
            front.append(candidate)
    return Front(tuple(front), cost, quality, tuple(candidates))


class Choice(NamedTuple):
    """What is recommended and what stands around it. `pick`: the recommended network; None: none is, `reason` says why.

    `scores`: decision scores by name, best first; `alike`: those not significantly different from the recommended one;
    `standings`: a phrase on each candidate, by name, which may be empty; `notes`: what else to know, a sentence each.
    """

    pick: Candidate | None
    scores: dict[str, float]
    alike: list[Candidate]
    front: Front
    knee: Candidate | None
    standings: dict[str, str]
    reason: str
    notes: tuple[str, ...] = ()


def choose(
    candidates: Sequence[Candidate],
    weights: Weights | str | None = None,
    limits: Limits | None = None,
    *,
    margin: float = 0.0,
) -> Choice:
    """Recommend a network within the limits: by `recommend`, or a pruned one by decision score.

    `weights`: of the decision score, or their preset's name; None: the rule that tests, with its `margin`. Raises
    `FtlError` when the preset's name is unknown, or there is no unpruned network.
    """
    limits, front = limits or Limits(), pareto(candidates)
    scores = scores_of(candidates, PRESETS["balanced"] if weights is None else weights)
    if weights is None:
        found = recommend(candidates, limits, margin=margin)
        pick, standings, reason, notes = found.network, found.standings, found.reason, found.notes
    else:
        pick, standings, reason, notes = _by_score(candidates, scores, limits)
    alike = [] if pick is None else [one for one in candidates if one is not pick and _alike(one, pick)]
    if weights is not None:
        standings |= {one.name: ALIKE for one in alike if standings[one.name] == ""}
    return Choice(pick, scores, alike, front, front.knee(), standings, reason, notes)


def scores_of(candidates: Sequence[Candidate], weights: Weights | str) -> dict[str, float]:
    """The decision scores of the pruned networks by name, best first."""
    weights, unpruned = preset(weights) if isinstance(weights, str) else weights, unpruned_of(candidates)
    scores = {one.name: decision_score(one, unpruned, weights) for one in candidates if not one.is_unpruned}
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _by_score(
    candidates: Sequence[Candidate], scores: dict[str, float], limits: Limits
) -> tuple[Candidate | None, dict[str, str], str, tuple[str, ...]]:
    """The pruned network with the highest decision score within the limits, as the original chooses."""
    by_name = {one.name: one for one in candidates}
    standings = {one.name: "" if one.is_unpruned or limits.allow(one) else OUTSIDE for one in candidates}
    pick = next((by_name[name] for name in scores if limits.allow(by_name[name])), None)
    if pick is None:
        pruned = [one for one in candidates if not one.is_unpruned]
        reason = none_within(pruned or candidates, "pruned network")
        return None, standings, reason, ()
    standings[pick.name] = RECOMMENDED
    useful = usefulness(pick)
    notes = () if useful is None or useful <= LEVEL else (f"On the validation images it is {USELESS}.",)
    return pick, standings, "It has the best decision score within the limits.", notes


def _alike(one: Candidate, pick: Candidate) -> bool:
    if not pick.right or len(one.right) != len(pick.right):
        return False
    return mcnemar(np.array(one.right), np.array(pick.right)) > ALIKE_ABOVE
