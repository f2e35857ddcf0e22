"""A candidate: one network with its head, what was measured of it, and what is suspicious of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ftl.errors import FtlError
from ftl.evaluation.runtimes import PYTORCH, TITLES
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.formatting import counted, milliseconds, number

FLAT = 0.05
"""Probabilities that differ by less than this between images are flat."""


@dataclass(frozen=True)
class Candidate:
    """One network with its head and measurements. Shares are 0..1, times milliseconds, sizes MiB; None: not known.

    `accuracy`, `f1`, `recall` are of the validation images; those of the test set begin with `test_`.
    `balanced_accuracy`: mean recall of the classes. `validation_confusion`: as `ftl.evaluation.metrics.confusion`, of
    the validation images; `confusion` is of the test images. `right`: an answer each on the validation images.
    `spread`: how far its probabilities differ between validation images, see `ftl.evaluation.metrics.spread`. `silent`:
    how many of how many filters no test image activates. `head`: its kind, see `ftl.models.layout.HEADS`. `budget`:
    limit and unit that its network was searched within, see `ftl.models.layout.Budget`. In the original's CSVs there is
    one set of figures, which then stands for both. The figures are those of the runtime `timed_in`; `runtimes` holds,
    for each other runtime that was measured, those that differ there, by the names used here. `unstable`: why the time
    is not to be relied on, empty where it is (`ftl.latency.rounds`); `time_rounds`: how often it was taken;
    `time_others`: the share 0..1 of the processor that other programs used then.
    """

    name: str
    keep: float | None
    parameters: int
    accuracy: float
    f1: float | None
    recall: float | None
    time_ms: float
    size_mb: float
    time_q1_ms: float | None = None
    time_q3_ms: float | None = None
    time_rounds: int | None = None
    time_others: float | None = None
    unstable: str = ""
    macs: int | None = None
    precision: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    test_accuracy: float | None = None
    test_accuracy_low: float | None = None
    test_accuracy_high: float | None = None
    test_precision: float | None = None
    test_recall: float | None = None
    test_f1: float | None = None
    channels: tuple[int, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    equal_scores: int = 0
    published_score: float | None = None
    right: tuple[bool, ...] = field(default=(), repr=False)
    is_unpruned: bool = False
    head: str = "linear"
    budget: tuple[float, str] | None = None
    balanced_accuracy: float | None = None
    test_balanced_accuracy: float | None = None
    validation_confusion: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    spread: float | None = None
    silent: tuple[int, int] | None = None
    timed_in: str = PYTORCH
    runtimes: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, hash=False)

    @property
    def above_limit(self) -> str:
        """`above its 5 ms` for one that was searched within a time and takes longer; empty for any other."""
        limit, unit = self.budget or (0.0, "")
        return f"above its {milliseconds(limit)}" if unit == "ms" and self.time_ms > limit else ""

    @property
    def latency_mark(self) -> str:
        """`latency unstable: ` and why; empty for one that is to be relied on."""
        return f"latency unstable: {self.unstable}" if self.unstable else ""


Measured = TypeVar("Measured", Candidate, SegmentedCandidate)
"""A network that classifies, or one that draws masks."""


def unstable_latencies(candidates: Sequence[Candidate]) -> str:
    """A sentence on the latencies that no ranking should rely on; empty where there are none."""
    unstable = [candidate for candidate in candidates if candidate.unstable]
    if not unstable:
        return ""
    first = unstable[0]
    if len(unstable) == 1:
        return f"The latency of {first.name} is unstable ({first.unstable}): a ranking by latency may change."
    whose = "all" if len(unstable) == len(candidates) else f"{len(unstable)} of {len(candidates)}"
    why = f"{first.name}: {first.unstable}"
    return f"The latencies of {whose} networks are unstable (as that of {why}): a ranking by latency may change."


def warnings(candidate: Candidate) -> list[str]:
    """Signs that a network does not work although its figures may look fine, a phrase each.

    The same answer for every validation image; probabilities that hardly differ between them; filters that no test
    image activates; equal scores in more than half of the layers, so that the order of the filters decided which of
    them stayed. The unpruned network holds filters for other photographs (on 40 of concrete, masonry and steel 340 of
    VGG16's 4,224 were silent): more than half of them must be silent there. Nothing is suspicious of what is not known.
    """
    found = []
    matrix, layers = candidate.validation_confusion, len(candidate.channels)
    answered = sum(any(column) for column in zip(*matrix, strict=True))
    if answered == 1:
        found.append("gives every validation image the same class")
    elif candidate.spread is not None and candidate.spread < FLAT:
        points = number(100 * candidate.spread)
        found.append(f"flat outputs: its probabilities differ by {points} points between validation images")
    silent, filters = candidate.silent or (0, 0)
    if silent and (not candidate.is_unpruned or 2 * silent > filters):
        verb = "is" if silent == 1 else "are"
        found.append(f"{silent:,} of {counted(filters, 'filter')} {verb} silent: no test image activates them")
    if 2 * candidate.equal_scores > layers > 0:
        found.append(f"equal scores in {candidate.equal_scores} of {layers} layers: filters stayed by their order")
    return found


def unpruned_of(candidates: Sequence[Candidate]) -> Candidate:
    """The unpruned network. Raises `FtlError` when the table has none."""
    for candidate in candidates:
        if candidate.is_unpruned:
            return candidate
    raise FtlError("the table has no unpruned network to compare with")


def runtimes_of(candidates: Sequence[Measured]) -> list[str]:
    """The runtimes that all of the candidates were timed in, in their order."""
    measured = [{candidate.timed_in} | candidate.runtimes.keys() for candidate in candidates]
    return [runtime for runtime in TITLES if all(runtime in each for each in measured)]


def in_runtime(candidates: Sequence[Measured], runtime: str) -> list[Measured]:
    """The candidates as they are in a runtime: its times and sizes, and what they are worth there.

    In float32, ONNX Runtime classifies as PyTorch does; everything else was measured there.

    Raises `FtlError` when one was not measured there.
    """
    if runtime not in runtimes_of(candidates):
        raise FtlError(f"not all networks were timed in {runtime}: time them with --runtimes {runtime}")
    return [_shown_in(candidate, runtime) for candidate in candidates]


def _shown_in(candidate: Measured, runtime: str) -> Measured:
    if runtime == candidate.timed_in:
        return candidate
    own = {key: getattr(candidate, key) for its in candidate.runtimes.values() for key in its}
    every = {candidate.timed_in: own} | {name: own | its for name, its in candidate.runtimes.items()}
    return replace(candidate, **every.pop(runtime), timed_in=runtime, runtimes=every)
