"""Charts of a sweep's candidates for paper: the numbers are those of `ftl.evaluation.charts`."""

from __future__ import annotations

from collections.abc import Sequence

from ftl.evaluation import charts
from ftl.evaluation.candidate import Candidate, in_runtime, runtimes_of, unpruned_of, warnings
from ftl.evaluation.charts import ACCENT, INK, MUTED, SECOND, UNPRUNED_COLOUR, WARNING, Column, Series
from ftl.evaluation.decision import Choice, pareto
from ftl.evaluation.runtimes import TITLES
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.formatting import fixed, megabytes, milliseconds, percent
from ftl.models.layout import LINEAR, RECALIBRATED, TUNED
from ftl.reporting.document import Charts
from ftl.reporting.plot import HALF, Axis, Dot, Group, Level, heat_map, plot
from ftl.reporting.shapes import Drawing

_SYMBOLS = {LINEAR: "circle", RECALIBRATED: "diamond", TUNED: "triangle"}
_LINES = {LINEAR: "solid", RECALIBRATED: "dashed", TUNED: "dashed"}
_OTHERS, _FRONT = "other candidates", "on the Pareto front (by validation)"

_FEW = 5
"""More candidates on the front have no names on the chart."""


def _looks(title: str, dots: Sequence[Dot]) -> Group:
    """A group of points as the chart on the Choose page shows it."""
    return {
        _OTHERS: Group(title, (*dots,), "circle", MUTED, 3),
        _FRONT: Group(title, (*dots,), "circle", INK, 3.5),
        "unpruned network": Group(title, (*dots,), "square", UNPRUNED_COLOUR, 5),
        "knee": Group(title, (*dots,), "diamond", SECOND, 8, is_filled=False),
        "recommended": Group(title, (*dots,), "star", ACCENT, 8),
        "with a warning": Group(title, (*dots,), "circle", WARNING, 8, is_filled=False),
    }[title]


def accuracy_over_latency(candidates: Sequence[Candidate], choice: Choice) -> Charts:
    """A chart for each runtime that all candidates were timed in; in all, `choice` has the recommended one."""
    drawn = []
    for runtime in runtimes_of(candidates):
        there = in_runtime(candidates, runtime)
        pick = next((one for one in there if choice.pick and one.name == choice.pick.name), None)
        front = pareto(there)
        drawn.append(_accuracy_over_latency(there, choice._replace(pick=pick, front=front, knee=front.knee()), runtime))
    return Charts(tuple(drawn))


def _accuracy_over_latency(candidates: Sequence[Candidate], choice: Choice, runtime: str) -> Drawing:
    by_name = {one.name: one for one in candidates}
    groups = []
    for columns in charts.points_over_time(candidates, choice):
        is_named = columns.title in ("unpruned network", "recommended") or (
            columns.title == _FRONT and len(columns.names) <= _FEW
        )
        dots = [
            Dot(x, y, (x - faster, x + slower), (y - below, y + above), name if is_named else "", _told(by_name[name]))
            for name, x, y, slower, faster, above, below in zip(
                columns.names, columns.time_ms, columns.accuracy, columns.slower, columns.faster, columns.above,
                columns.below, strict=True,
            )
        ]  # fmt: skip
        groups.append(_looks(columns.title, dots))
    x = Axis(f"latency of one image in {TITLES[runtime]} [ms], logarithmic", is_log=True)
    return plot("Accuracy over latency, with 95 % intervals and quartiles", x, Axis("accuracy [%]"), groups)


def _told(one: Candidate) -> str:
    figures = f"{percent(charts.shown_accuracy(one))}, {milliseconds(one.time_ms)}, {megabytes(one.size_mb)}"
    return "; ".join((f"{one.name}: {figures}", *warnings(one)))


def mask_chart(candidates: Sequence[SegmentedCandidate], recommended: SegmentedCandidate) -> Charts:
    """F1 on the test photographs over latency, of networks that draw masks."""

    def dot(one: SegmentedCandidate) -> Dot:
        value, low, high = (100 * share for share in one.test.f1)
        hint = f"{one.name}: F1 {percent(one.test.f1.value)}, {milliseconds(one.time_ms)}"
        return Dot(one.time_ms, value, (one.time_q1_ms, one.time_q3_ms), (low, high), one.name, hint)

    rest = [one for one in candidates if one is not recommended and not one.is_unpruned]
    unpruned = [one for one in candidates if one.is_unpruned and one is not recommended]
    groups = [_looks(_OTHERS, [*map(dot, rest)]), _looks("unpruned network", [*map(dot, unpruned)]),
              _looks("recommended", [dot(recommended)])]  # fmt: skip
    x = Axis(f"latency of one megapixel in {TITLES[recommended.timed_in]} [ms], logarithmic", is_log=True)
    title, y = "F1 over latency, with 95 % intervals and quartiles", Axis("F1 of the test photographs [%]")
    return Charts((plot(title, x, y, groups),))


def further_charts(candidates: Sequence[Candidate], choice: Choice, layers: Sequence[str]) -> list[Charts]:
    """The original's charts: figures over the share of parameters left; and the filters that stay in each layer."""
    unpruned = unpruned_of(candidates)
    if len(candidates) < 2:
        return []
    left, log = Axis("parameters left [%]"), Axis("parameters left [%], log", is_log=True)
    share = 100 * charts.shown_accuracy(unpruned)
    level = Level(share, f"unpruned network {fixed(share, 1)} %", UNPRUNED_COLOUR)

    def over_parameters(title: str, x: Axis, y: str, column: Column, level: Level | None = None) -> Drawing:
        return plot(title, x, Axis(y), _groups(candidates, _parameters_left, column), level, HALF)

    drawn = (
        over_parameters("Accuracy of the pruned networks", log, "accuracy [%]", lambda data: data.accuracy, level),
        over_parameters("Size", left, "size [MB]", lambda data: data.size_mb),
        over_parameters("Latency", left, "latency [ms]", lambda data: data.time_ms),
        plot("Filters left and parameters left", Axis("filters left [%]"), left,
             _groups(candidates, lambda data: data.filters_left, _parameters_left), size=HALF),
        over_parameters("Decision score", log, "score", lambda data: [choice.scores[name] for name in data.names]),
    )  # fmt: skip
    kept = charts.kept(candidates)
    if kept.names and 0 < len(layers) == len(unpruned.channels):
        shares = [[share / 100 for share in row] for row in kept.shares]
        texts = [[f"{number:,}" for number in row] for row in kept.counts]
        return [Charts(drawn), Charts((heat_map("Filters kept in each layer", kept.names, layers, shares, texts),))]
    return [Charts(drawn)]


def _parameters_left(data: Series) -> Sequence[float | None]:
    return data.parameters_left


def _groups(candidates: Sequence[Candidate], x: Column, y: Column) -> list[Group]:
    """A group for each kind of pruned networks."""
    groups = []
    for data in charts.series(candidates):
        dots = tuple(
            Dot(across, up, hint=name)
            for name, across, up in zip(data.names, x(data), y(data), strict=True)
            if across is not None and up is not None
        )
        line = "" if data.searched else _LINES[data.head]
        groups.append(Group(data.kind, dots, _SYMBOLS[data.head], INK, is_filled=not data.searched, line=line))
    return groups
