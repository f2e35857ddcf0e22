"""A network beside the unpruned one, and whether the test photographs tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ftl.evaluation.candidate import Candidate, Measured
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.metrics import mcnemar
from ftl.evaluation.segmentation import f1, mean_of_classes, paired_bootstrap
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.formatting import NOTHING, count, counted, fixed, megabytes, milliseconds, number, percent, probability, short
from ftl.formatting import small_percent as share
from ftl.reporting.document import Block, Heading, Table, Text

_LEVEL = 0.05


def against_unpruned(own: Measured, unpruned: Measured | None, verdict: str) -> list[Block]:
    """The section on both; nothing for the unpruned network itself. `verdict`: whether they differ by chance only."""
    if own.is_unpruned:
        return []
    heading = Heading("Against the unpruned network")
    if unpruned is None:
        return [heading, Text("The sweep has no figures of the unpruned network to compare with.")]
    worth, other_worth = _worth(own), _worth(unpruned)
    rows = [
        ("Test F1" if isinstance(own, SegmentedCandidate) else "Test accuracy", percent(worth), percent(other_worth),
         f"{fixed(100 * (worth - other_worth), 1, sign=True)} points"),
        ("Latency", milliseconds(own.time_ms), milliseconds(unpruned.time_ms),
         f"{number(unpruned.time_ms / own.time_ms)} times as fast"),
        ("Parameters", count(own.parameters), count(unpruned.parameters), share(own.parameters / unpruned.parameters)),
        ("Size", megabytes(own.size_mb), megabytes(unpruned.size_mb), share(own.size_mb / unpruned.size_mb)),
    ]  # fmt: skip
    if isinstance(own, Candidate) and isinstance(unpruned, Candidate):
        left = share(own.macs / unpruned.macs) if own.macs and unpruned.macs else NOTHING
        rows.insert(3, ("MACs", short(own.macs), short(unpruned.macs), left))
    return [heading, Table(("", own.name, "Unpruned network", "Difference"), tuple(rows)), Text(verdict)]


def _worth(one: Measured) -> float:
    return shown_accuracy(one) if isinstance(one, Candidate) else one.test.f1.value


def by_answers(tested: Mapping[str, Any], unpruned_tested: Mapping[str, Any], name: str) -> str:
    """McNemar's test of two networks' answers on the same test photographs, in words: of their `test.json`."""
    right, other = _right(tested), _right(unpruned_tested)
    if not right or right.keys() != other.keys():
        return "Which test photographs each of them gets right is not known, so the difference was not tested."
    ours, theirs = (np.array([answers[file] for file in right]) for answers in (right, other))
    p = mcnemar(ours, theirs)
    return (
        f"Of the {counted(len(right), 'test photograph')}, {int(np.sum(ours & ~theirs)):,} are classified right by "
        f"{name} alone and {int(np.sum(theirs & ~ours)):,} by the unpruned network alone. The difference is "
        f"{'' if p <= _LEVEL else 'not '}significant (McNemar's exact test, {probability(p)})."
    )


def _right(tested: Mapping[str, Any]) -> dict[str, bool]:
    return {one["file"]: one["true"] == one["predicted"] for one in tested.get("predictions", ())}


def by_pixels(own: SegmentedCandidate, unpruned: SegmentedCandidate | None) -> str:
    """The paired bootstrap of two networks' masks of the same test photographs, in words."""
    counts = [np.array(one.test.pixels) for one in (own, unpruned) if one is not None]
    if len(counts) < 2 or not counts[0].size or counts[0].shape != counts[1].shape:
        return "They were measured on different photographs, so the difference was not tested."
    p = paired_bootstrap(counts[0], counts[1], mean_of_classes(f1))
    return (
        f"On the test photographs it draws {'' if p <= _LEVEL else 'not '}significantly worse than the unpruned "
        f"network (paired bootstrap over {counted(len(counts[0]), 'photograph')}, one-sided, {probability(p)})."
    )
