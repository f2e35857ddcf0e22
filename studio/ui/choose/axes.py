"""What the chart can show: qualities upwards, costs to the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ftl.evaluation.candidate import Candidate
from ftl.evaluation.decision import Measure
from ftl.evaluation.recommend import Limits
from ftl.formatting import number

Interval = Callable[[Candidate], tuple[float, float]]
"""The low and the high end of a figure."""


class Axis(NamedTuple):
    """A figure of a candidate in the unit that is shown, and the interval around it where there is one.

    `figure`: the candidate's own name of it.
    """

    title: str
    value: Measure
    interval: Interval | None = None
    figure: str = ""


def _shares(figure: str, title: str, *, interval: bool = False) -> Axis:
    """A share of a candidate, in per cent; what is not known counts as 0 (see `known`)."""

    def percent(candidate: Candidate, end: str = "") -> float:
        return 100 * (getattr(candidate, figure + end) or 0.0)

    return Axis(
        f"{title} [%]",
        percent,
        (lambda candidate: (percent(candidate, "_low"), percent(candidate, "_high"))) if interval else None,
        figure,
    )


_TITLES = {
    "Accuracy": "accuracy",
    "Balanced accuracy": "balanced_accuracy",
    "F1": "f1",
    "Precision": "precision",
    "Recall": "recall",
}


def _qualities(prefix: str) -> dict[str, Axis]:
    return {
        name: _shares(prefix + figure, name if name == "F1" else name.lower(), interval=name == "Accuracy")
        for name, figure in _TITLES.items()
    }


QUALITIES = _qualities("")
"""On the validation images."""

TESTED = _qualities("test_")
"""On the test images, never used for choosing."""


def known(candidates: Sequence[Candidate]) -> list[str]:
    """Names of the qualities that all candidates know."""
    both = [(name, axes[name].figure) for name in QUALITIES for axes in (QUALITIES, TESTED)]
    lacking = {name for name, figure in both if any(getattr(one, figure) is None for one in candidates)}
    return [name for name in QUALITIES if name not in lacking]


COSTS = {
    "Latency": Axis(
        "latency, one image [ms]",
        lambda one: one.time_ms,
        lambda one: (one.time_q1_ms or one.time_ms, one.time_q3_ms or one.time_ms),
    ),
    "Parameters": Axis("parameters", lambda one: one.parameters),
    "Size": Axis("size [MB]", lambda one: one.size_mb),
    "MACs": Axis("MACs, millions", lambda one: (one.macs or 0) / 1e6),
}


def bounds(limits: Limits) -> dict[str, tuple[float, str]]:
    """The limits that are set, by the name of their axis: each in its unit, and in words."""
    most = {"Latency": (limits.max_ms, "ms"), "Size": (limits.max_mb, "MB")}
    found = {
        name: (value, f"{name.lower()} ≤ {number(value)} {unit}")
        for name, (value, unit) in most.items()
        if value is not None
    }
    for name, axis in QUALITIES.items():
        if (least := getattr(limits, f"min_{axis.figure}")) is not None:
            found[name] = 100 * least, f"{name if name == 'F1' else name.lower()} ≥ {number(100 * least)} %"
    return found


_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


def round_steps(low: float, high: float) -> list[float]:
    """Round numbers for a slider, rising geometrically: from the first at or above `low` to the last below `high`.

    Both are above 0; the list can be empty.
    """
    decades = range(-4, 9)
    numbers = [float(f"{number}e{decade}") for decade in decades for number in _ROUND]
    return [number for number in numbers if low <= number < high]
