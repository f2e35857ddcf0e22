"""Choose a network: Pareto front, knee, constraints, statistical ties, and a weighted decision score.

Everything here looks at figures of the images held out for choosing; the test set only reports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ftl.candidate import Candidate, base_of
from ftl.errors import FtlError
from ftl.metrics import mcnemar

KNEE_LEAST = 0.1
"""A knee must stand this far from the straight line between the front's ends, both axes scaled to 0..1."""

TIED_ABOVE = 0.05
"""Candidates with McNemar's p above this are not told apart from the pick."""


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


class Limits(NamedTuple):
    """Constraints on a pick; None: any."""

    max_ms: float | None = None
    min_recall: float | None = None
    max_mb: float | None = None

    def allow(self, candidate: Candidate) -> bool:
        """Whether a candidate keeps within all limits; an unknown recall does not."""
        return (
            (self.max_ms is None or candidate.time_ms <= self.max_ms)
            and (self.max_mb is None or candidate.size_mb <= self.max_mb)
            and (self.min_recall is None or (candidate.recall is not None and candidate.recall >= self.min_recall))
        )


def decision_score(candidate: Candidate, base: Candidate, weights: Weights) -> float:
    """quality * F1 / F1 of the base + parameters * (1 - share of parameters) + time * (1 - share of time).

    Where F1 is unknown, accuracy stands in; where only the base's is unknown, it counts as 1.
    """
    by_accuracy = candidate.accuracy / base.accuracy
    quality = by_accuracy if candidate.f1 is None else candidate.f1 / (base.f1 or 1.0)
    left = 1 - candidate.parameters / base.parameters
    saved = 1 - candidate.time_ms / base.time_ms
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

    By default of accuracy over time.
    """

    candidates: tuple[Candidate, ...]
    cost: Measure = _time
    quality: Measure = _accuracy

    def best(
        self, *, max_ms: float | None = None, min_recall: float | None = None, max_mb: float | None = None
    ) -> Candidate:
        """The candidate of the highest quality on the front within the limits. Raises `FtlError` when there is none."""
        allowed = [one for one in self.candidates if Limits(max_ms, min_recall, max_mb).allow(one)]
        if not allowed:
            raise FtlError("no candidate on the front keeps within the limits: loosen one")
        return max(allowed, key=lambda one: (self.quality(one), -self.cost(one)))

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
    return Front(tuple(front), cost, quality)


class Choice(NamedTuple):
    """A pick and what stands around it: `scores` by name, best first; `tied` with the pick; `front`; `knee`."""

    pick: Candidate
    scores: dict[str, float]
    tied: list[Candidate]
    front: Front
    knee: Candidate | None


def choose(
    candidates: Sequence[Candidate], weights: Weights | str = "balanced", limits: Limits | None = None
) -> Choice:
    """Pick the pruned network with the highest decision score within the limits.

    Raises `FtlError` when no candidate is within them, or the preset's name is unknown.
    """
    if isinstance(weights, str):
        weights = preset(weights)
    base = base_of(candidates)
    scores = {one.name: decision_score(one, base, weights) for one in candidates if not one.is_base}
    scores = dict(sorted(scores.items(), key=lambda item: -item[1]))
    by_name = {one.name: one for one in candidates}
    allowed = [by_name[name] for name in scores if limits is None or limits.allow(by_name[name])]
    if not allowed:
        fastest = min((one for one in candidates if not one.is_base), key=lambda one: one.time_ms, default=base)
        recall = "unknown" if fastest.recall is None else f"{fastest.recall:.3f}"
        raise FtlError(
            f"no pruned network keeps within the limits: the fastest takes {fastest.time_ms:.3g} ms, with recall "
            f"{recall} and {fastest.size_mb:.3g} MB; loosen one"
        )
    pick = allowed[0]
    tied = [one for one in candidates if one is not pick and _tied(one, pick)]
    front = pareto(candidates)
    return Choice(pick, scores, tied, front, front.knee())


def _tied(one: Candidate, pick: Candidate) -> bool:
    if not pick.right or len(one.right) != len(pick.right):
        return False
    return mcnemar(np.array(one.right), np.array(pick.right)) > TIED_ABOVE
