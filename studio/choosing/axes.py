"""What the chart can show: qualities upwards, costs to the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ftl.candidate import Candidate
from ftl.choose import Measure

Interval = Callable[[Candidate], tuple[float, float]]
"""The low and the high end of a figure."""


class Axis(NamedTuple):
    """A figure of a candidate in the unit that is shown, and the interval around it where there is one."""

    title: str
    value: Measure
    interval: Interval | None = None


def _percent(value: float | None) -> float:
    return 100 * (value or 0.0)


QUALITIES = {
    "Accuracy": Axis(
        "accuracy [%]",
        lambda one: _percent(one.accuracy),
        lambda one: (_percent(one.accuracy_low), _percent(one.accuracy_high)),
    ),
    "F1": Axis("F1 [%]", lambda one: _percent(one.f1)),
    "Recall": Axis("recall [%]", lambda one: _percent(one.recall)),
}
"""On the images held out for choosing."""

TESTED = {
    "Accuracy": Axis(
        "accuracy [%]",
        lambda one: _percent(one.test_accuracy),
        lambda one: (_percent(one.test_accuracy_low), _percent(one.test_accuracy_high)),
    ),
    "F1": Axis("F1 [%]", lambda one: _percent(one.test_f1)),
    "Recall": Axis("recall [%]", lambda one: _percent(one.test_recall)),
}
"""On the images that only report."""

COSTS = {
    "Time": Axis(
        "time for one image [ms]",
        lambda one: one.time_ms,
        lambda one: (one.time_q1_ms or one.time_ms, one.time_q3_ms or one.time_ms),
    ),
    "Parameters": Axis("parameters", lambda one: one.parameters),
    "Size": Axis("size [MB]", lambda one: one.size_mb),
    "MACs": Axis("multiply-adds, millions", lambda one: (one.macs or 0) / 1e6),
}


_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


def round_steps(low: float, high: float) -> list[float]:
    """Round numbers for a slider, rising geometrically: from the first at or above `low` to the last below `high`.

    Both are above 0; the list can be empty.
    """
    decades = range(-4, 9)
    numbers = [float(f"{number}e{decade}") for decade in decades for number in _ROUND]
    return [number for number in numbers if low <= number < high]
