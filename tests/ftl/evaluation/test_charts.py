"""Charts over parameters, where no line goes from one kind of candidate to another, and parallel coordinates."""

from __future__ import annotations

from ftl.evaluation.charts import (
    accuracy_over_parameters,
    decision_scores,
    filters_and_parameters,
    series,
    size_and_time,
)
from ftl.evaluation.decision import choose
from ftl.evaluation.parallel import axes_of, lines, parallel_coordinates
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


def test_settings_and_figures_stand_on_parallel_axes_the_recommended_network_on_top() -> None:
    choice = choose(MIXED)._replace(pick=MIXED[3])
    data = lines([("iou", MIXED, choice), ("taylor", MIXED[:2], choice._replace(pick=None))])
    assert (data.names[-1], data.standings[-1], data.standings.count("recommended")) == (
        MIXED[3].name,
        "recommended",
        1,
    )
    rows = set(zip(data.names, data.criterion, data.head, data.keep, strict=True))
    assert ("keep-0.5-tuned", "iou", "fine-tuned", 50.0) in rows
    assert ("keep-0.5", "taylor", "linear classifier", 50.0) in rows
    assert (UNPRUNED.name, "none", "linear classifier", 100.0) in rows
    assert not any(name.startswith("macs-") for name in data.names)  # of which neither keep nor channels are known
    axes = {axis.title: axis for axis in axes_of(data)}
    assert list(axes) == ["criterion", "head", "keep [%]", "latency [ms]", "accuracy [%]"]  # MACs: not known
    assert axes["criterion"].ticks == {0.0: "iou", 0.5: "none", 1.0: "taylor"}
    assert list(axes["keep [%]"].ticks.values()) == ["50", "70.7", "100"]  # log
    assert axes["keep [%]"].places[data.names.index("keep-0.1")] == 0
    *drawn, _, _, _, _, _ = parallel_coordinates(data).data
    assert [line.name for line in drawn] == data.standings
    assert (drawn[-1].marker.symbol, drawn[-1].line.width, list(drawn[-1].y)) == (
        "star", 4, [axis.places[-1] for axis in axes.values()],
    )  # fmt: skip
