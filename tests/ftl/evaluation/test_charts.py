"""Charts over parameters: no line goes from one kind of candidate to another."""

from __future__ import annotations

from ftl.evaluation.charts import (
    accuracy_over_parameters,
    decision_scores,
    filters_and_parameters,
    series,
    size_and_time,
)
from ftl.evaluation.decision import choose
from tests.ftl.evaluation.test_decision import UNPRUNED, one

LINEAR = [one("keep-0.5", 20, 0.90, 50), one("keep-0.1", 5, 0.70, 10)]
MIXED = [
    UNPRUNED,
    *LINEAR,
    one("keep-0.5-tuned", 19, 0.95, 51, head="tuned"),
    one("keep-0.1-tuned", 4, 0.93, 11, head="tuned"),
    one("macs-0.1", 9, 0.80, 30, keep=None, budget=(0.1, "macs")),
    one("macs-0.1-tuned", 8, 0.94, 31, keep=None, budget=(0.1, "macs"), head="tuned"),
    one("keep-0.5-recalibrated", 20, 0.91, 50, head="recalibrated"),
]


def test_each_kind_is_a_line_of_its_own_and_what_was_searched_is_points() -> None:
    traces = accuracy_over_parameters(MIXED).data
    assert [(one.name, one.mode, list(one.text), list(one.x), list(one.y)) for one in traces] == [
        ("pruned networks, linear classifier", "lines+markers", ["keep-0.1", "keep-0.5"], [10, 50], [70, 90]),
        ("pruned networks, recalibrated", "lines+markers", ["keep-0.5-recalibrated"], [50], [91]),
        ("pruned networks, fine-tuned", "lines+markers", ["keep-0.1-tuned", "keep-0.5-tuned"], [11, 51], [93, 95]),
        ("pruned networks, linear classifier, within a budget", "markers", ["macs-0.1"], [30], [80]),
        ("pruned networks, fine-tuned, within a budget", "markers", ["macs-0.1-tuned"], [31], [94]),
    ]
    assert len({(one.line.dash, one.marker.symbol) for one in traces}) == 5


def test_the_other_charts_are_drawn_alike() -> None:
    for figure, times in (
        (size_and_time(MIXED), 2),
        (filters_and_parameters(MIXED), 1),
        (decision_scores(MIXED, choose(MIXED, "balanced")), 1),
    ):
        lines = [list(one.text) for one in figure.data if one.mode == "lines+markers"]
        assert lines == times * [data.names for data in series(MIXED) if not data.searched]
    *_, star = decision_scores(MIXED, choose(MIXED, "balanced")).data
    assert (star.name, list(star.x)) == ("recommended", [11])


def test_one_kind_alone_is_named_as_ever() -> None:
    (line,) = accuracy_over_parameters([UNPRUNED, *LINEAR]).data
    assert (line.name, list(line.text), line.line.dash) == ("pruned networks", ["keep-0.1", "keep-0.5"], "solid")
    assert [one.name for one in size_and_time([UNPRUNED, *LINEAR]).data] == ["size", "latency"]
