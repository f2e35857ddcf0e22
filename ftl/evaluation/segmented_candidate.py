"""A candidate that draws masks: its measurements, and which of several is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.evaluation.runtimes import PYTORCH
from ftl.evaluation.segmentation import f1, mean_of_classes, paired_bootstrap

SIGNIFICANT = 0.05
"""A network is worse when the paired bootstrap says so with a smaller p-value."""


class Quality(NamedTuple):
    """A measure, 0..1, with its 95 % interval by bootstrap over photographs."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MaskQuality:
    """How well a network draws the masks of some photographs, see `ftl.evaluation.evaluate_masks`.

    `pixels`: of each photograph, for each class, true positives, false positives and false negatives at the threshold.
    """

    f1: Quality
    iou: Quality
    tolerant_f1: Quality
    cl_dice: Quality
    ods: float
    average_precision: float
    photographs: int
    pixels: tuple[tuple[tuple[int, ...], ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class SegmentedCandidate:
    """One network that draws masks, with its measurements.

    Latencies are milliseconds for a photograph of one megapixel, sizes MiB. `validation`: of the photographs that chose
    its `threshold`; `test`: of those that had no part in it. The figures are those of the runtime `timed_in`;
    `runtimes` holds, for each other runtime that was measured, those that differ there, by the names used here.
    `begun_from`: the name of the network that it was trained further from, which does `before` on the same test
    photographs; empty where it was trained from the start.
    `unstable`, `time_rounds`, `time_others`: as of `ftl.evaluation.candidate.Candidate`.
    """

    name: str
    keep: float | None
    parameters: int
    classes: tuple[str, ...]
    threshold: float
    validation: MaskQuality
    test: MaskQuality
    time_ms: float
    time_q1_ms: float
    time_q3_ms: float
    unstable: str
    size_mb: float
    is_unpruned: bool = False
    begun_from: str = ""
    before: MaskQuality | None = None
    time_rounds: int | None = None
    time_others: float | None = None
    timed_in: str = PYTORCH
    runtimes: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, hash=False)

    @property
    def latency_mark(self) -> str:
        """`latency unstable: ` and why; empty for one that is to be relied on."""
        return f"latency unstable: {self.unstable}" if self.unstable else ""


def recommend_masks(candidates: Sequence[SegmentedCandidate]) -> SegmentedCandidate:
    """The fastest network that does not draw significantly worse than the best one.

    By F1 on the validation photographs: a paired bootstrap over them. Raises `FtlError` where there is none.
    """
    if not candidates:
        raise FtlError("there are no networks that draw masks: sweep with --also segmented")
    best = max(candidates, key=lambda candidate: candidate.validation.f1.value)
    alike = [candidate for candidate in candidates if worse(candidate, best) >= SIGNIFICANT]
    return min(alike, key=lambda candidate: candidate.time_ms)


def worse(candidate: SegmentedCandidate, other: SegmentedCandidate) -> float:
    """One-sided p-value that a network draws worse than another, by F1 on the same validation photographs."""
    counts = [np.array(each.validation.pixels) for each in (candidate, other)]
    return paired_bootstrap(counts[0], counts[1], mean_of_classes(f1)) if candidate is not other else 1.0
