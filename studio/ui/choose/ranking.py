"""All candidates in order, and what is recommended of each sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ftl.evaluation.candidate import Candidate, Measured
from ftl.evaluation.charts import WORDS, shown_accuracy
from ftl.evaluation.decision import Choice, Weights, choose, decision_score
from ftl.evaluation.fastest import best_against_best
from ftl.evaluation.recommend import OUTSIDE, PASSED, RECOMMENDED, UNTESTED, USELESS, WORSE, Limits, against
from ftl.evaluation.runtimes import PYTORCH, TITLES
from ftl.formatting import counted, fixed, listed, milliseconds, small_percent, times
from studio.ui.choose.read_sweep import Network, Sweep

_ORDER = (RECOMMENDED, PASSED, WORSE, USELESS, UNTESTED, OUTSIDE)
_NAMED = 8


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
        return _ORDER.index(standing), one.time_ms if standing == PASSED else -one.accuracy

    return sorted(sweep.candidates, key=place)


def standing_of(ranked: Ranked, one: Candidate) -> str:
    """What was found of a candidate, in words."""
    unpruned = "unpruned" if one.is_unpruned else ""
    return ", ".join(filter(None, (ranked.choice.standings[one.name], unpruned, one.above_limit, one.latency_mark)))


def where(candidate: Measured, machine: str) -> str:
    """In which runtime and on which `machine` a latency is, as ` on ... in ...`, where that is not plain."""
    on = f" on {machine}" if machine else ""
    named = machine or candidate.runtimes or candidate.timed_in != PYTORCH
    return f"{on} in {TITLES[candidate.timed_in]}" if named else on


def headline(ranked: Ranked) -> str:
    """What the recommended network is worth, in a sentence of plain text.

    Accuracy is the test set's, never used for choosing; what is significant is found on the validation images.
    """
    unpruned, pick = ranked.sweep.unpruned, ranked.choice.pick
    assert pick is not None
    worth = (
        f"{fixed(shown_accuracy(pick), 3)} accuracy at {milliseconds(pick.time_ms)}{where(pick, ranked.sweep.machine)}"
    )
    if pick is unpruned:
        return f"{worth}: it is the unpruned network."
    ratio, _ = best_against_best(pick, unpruned)
    each = " (each in its fastest runtime)" if pick.runtimes else ""
    stands, accuracy = against(pick, unpruned), fixed(shown_accuracy(unpruned), 3)
    is_ = f"is {stands} ({accuracy})" if stands else f"has {accuracy}"
    return f"{worth}, {times(ratio)} times as fast as the unpruned network{each}, which {is_}."


def details(ranked: Ranked) -> list[str]:
    """What the figures of `headline` are of, a sentence of plain text each."""
    unpruned, pick = ranked.sweep.unpruned, ranked.choice.pick
    assert pick is not None
    if pick.test_accuracy is None:
        found = ["Accuracy is of the validation images: nothing was tested."]
    else:
        images = sum(map(sum, pick.confusion))
        kind = "test tile" if ranked.sweep.tile else "test image"
        of = counted(images, kind) if images else f"the {kind}s"
        low, high = pick.test_accuracy_low, pick.test_accuracy_high
        interval = "" if low is None else f"; 95 % interval {fixed(low, 3)} to {fixed(high, 3)}"
        found = [f"Accuracy is of {of}, never used for training or selection{interval}."]
        if pick.confusion:
            found.append(_missed(pick.confusion, ranked.sweep))
        if ranked.sweep.tile:
            found.append("Tiles of one photograph are alike, so the figures are less certain than the interval says.")
    if pick is not unpruned:
        if stands := against(pick, unpruned):
            found.append(_validated(pick, unpruned, stands))
        _, words = best_against_best(pick, unpruned)
        left = small_percent(pick.parameters / unpruned.parameters)
        found.append(f"Latency of one image: {words}. It keeps {left} of the parameters.")
    return found


def _missed(confusion: Sequence[Sequence[int]], sweep: Sweep) -> str:
    """How many test images of the class that is looked for a network missed, and how many others it took for it."""
    label = sweep.classes.index(sweep.looked_for)
    found, there, taken = confusion[label][label], sum(confusion[label]), sum(row[label] for row in confusion)
    without = sum(map(sum, confusion)) - there
    return (
        f"Of {there:,} with {sweep.looked_for} it missed {there - found:,}; of {without:,} without, it took "
        f"{taken - found:,} for {sweep.looked_for}."
    )


def _validated(pick: Candidate, unpruned: Candidate, stands: str) -> str:
    """What the validation images tell of a network and the unpruned one, which `stands` to it as `against` says."""
    surely = "which may be chance" if stands == "not significantly better" else "which is significant"
    return (
        f"Of the {counted(len(pick.right), 'validation image')}, which networks are chosen by, it got "
        f"{sum(pick.right):,} right and the unpruned network {sum(unpruned.right):,}, {surely} (McNemar's test)."
    )


def why(ranked: Ranked) -> list[str]:
    """Why this network is recommended, and which are not significantly different, a sentence of plain text each."""
    found = [ranked.choice.reason]
    if alike := ["the unpruned network" if other.is_unpruned else other.name for other in ranked.choice.alike]:
        found.append(f"Not significantly different from it (McNemar, p > 0.05): {listed(alike, _NAMED)}.")
    return found


def words_of(member: tuple[Ranked, Candidate]) -> str:
    """What a filter finds a candidate by: its name, sweep, kind and standing, and whether it is on the Pareto front."""
    ranked, candidate = member
    front = "Pareto front" if any(each.name == candidate.name for each in ranked.choice.front.candidates) else ""
    return f"{candidate.name} {ranked.sweep.name} {WORDS[candidate.head]} {standing_of(ranked, candidate)} {front}"


def key_of(member: tuple[Ranked, Candidate]) -> str:
    """Its `Network.key`."""
    return Network(member[0].sweep.job_id, member[1].name).key
