"""The chart on which a network is chosen: quality over cost, one colour a sweep, all points to be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from ftl.evaluation import charts
from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.charts import SYMBOLS
from ftl.evaluation.decision import pareto
from ftl.models.layout import LINEAR, RECALIBRATED, TUNED
from studio.ui.choose.axes import COSTS, QUALITIES, TESTED, Axis
from studio.ui.choose.ranking import Ranked, standing_of
from studio.ui.choose.read_sweep import Network

COLOURS = ("#3b82f6", "#0d9488", "#a855f7", "#db2777", "#ca8a04", "#64748b")
PICK, KNEE = "#ea580c", "#16a34a"
_LIGHT, _DARK = ("#141312", "rgba(120,113,108,.16)", "#fdfcfa"), ("#f2f0eb", "rgba(168,162,158,.16)", "#161513")

WORDS = {LINEAR: "linear classifier on frozen features", RECALIBRATED: "recalibrated", TUNED: "fine-tuned"}
"""What candidates are called by their kind."""

_CROWD = 30
"""Of more candidates, only those on the front show their intervals."""


def choice_chart(
    ranked: Sequence[Ranked], quality: str, cost: str, *, tested: bool, log: bool, dark: bool = False
) -> go.Figure:
    """Quality over cost of all candidates, with intervals, fronts, unpruned and recommended networks, and knees.

    The front and the knee are always those of the validation images; `tested` shows the test set's figures instead.
    What looks as if it did not work (`ftl.evaluation.candidate.warnings`) is ringed.
    Each point's `customdata[0]` is its `Network.key`.
    """
    x, y = COSTS[cost], (TESTED if tested else QUALITIES)[quality]
    ink, grid, paper = page_colours(dark=dark)
    figure = go.Figure()
    for number, one in enumerate(ranked):
        colour = COLOURS[number % len(COLOURS)]
        front = pareto(one.sweep.candidates, x.value, QUALITIES[quality].value)
        on_front = {member.name for member in front.candidates}
        figure.add_scatter(
            x=[x.value(member) for member in front.candidates],
            y=[y.value(member) for member in front.candidates],
            mode="lines",
            line={"shape": "hv", "color": colour, "width": 2},
            name=escape(one.sweep.name) if len(ranked) > 1 else "Pareto front",
            hoverinfo="skip",
            legendrank=number,
        )
        rest = [member for member in one.sweep.candidates if not member.is_unpruned]
        inside = [member for member in rest if one.limits.allow(member)]

        def add(name: str, members: Sequence[Candidate], marker: dict[str, Any], bars: float = 0.0,
                one: Ranked = one) -> None:  # fmt: skip
            _add_points(figure, one, name, members, (x, y), marker, bars)

        plain = {"color": colour, "size": 11, "opacity": 1.0, "line": {"color": paper, "width": 1.5}}
        faint = plain | {"opacity": 0.35, "size": 9}
        outside = [member for member in rest if not one.limits.allow(member)]
        add("outside the limits", outside, faint | {"symbol": "circle-open", "line": {"width": 1.5}})
        add("dominated", [m for m in inside if m.name not in on_front], faint, 0.35 * (len(rest) <= _CROWD))
        add("on the Pareto front", [m for m in inside if m.name in on_front], plain, 0.9)
        add("unpruned network", [one.sweep.unpruned], plain | {"symbol": "square", "color": ink, "size": 13}, 0.9)
        if (knee := front.knee()) is not None:
            ring = {"symbol": "diamond-open", "size": 21, "color": KNEE, "opacity": 1.0, "line": {"width": 2.5}}
            add("knee", [knee], ring)
        if one.choice.pick is not None:
            add("recommended", [one.choice.pick], plain | {"symbol": "star", "size": 24, "color": PICK}, 0.9)
        warned = [member for member in one.sweep.candidates if warnings(member)]
        ring = {"symbol": "circle-open", "size": 24, "color": charts.WARNING, "opacity": 1.0, "line": {"width": 2}}
        add("with a warning", warned, ring)
    named: set[str] = set()
    for trace in figure.data:  # one entry of the legend for all sweeps
        trace.showlegend = trace.name not in named
        named.add(trace.name)
    _shade_outside(figure, ranked, quality, cost, grid)
    style(figure, x.title, y.title, log=log, dark=dark)
    return figure


def page_colours(*, dark: bool) -> tuple[str, str, str]:
    """The colours of text, of grid lines and of the page itself."""
    return _DARK if dark else _LIGHT


def style(figure: go.Figure, x: str, y: str, *, log: bool, dark: bool) -> None:
    """Give a chart on which networks are chosen the page's looks and the titles of its axes."""
    ink, grid, _ = page_colours(dark=dark)
    figure.update_layout(
        height=430,
        margin={"t": 16, "l": 64, "r": 12, "b": 56},
        font={"color": ink, "size": 14, "family": '"Source Sans", system-ui, sans-serif'},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 13}},
        hoverlabel={"font": {"size": 14}},
        dragmode="zoom",
        clickmode="event+select",
        hovermode="closest",
    )
    figure.update_yaxes(title={"text": y, "standoff": 12}, gridcolor=grid, zeroline=False, **charts.PLAIN)
    figure.update_xaxes(title={"text": x, "standoff": 8}, gridcolor=grid, zeroline=False,
                        type="log" if log else "linear", **charts.PLAIN)  # fmt: skip
    if log:
        figure.update_xaxes(dtick="D2", minor={"dtick": 1})


def _add_points(
    figure: go.Figure,
    ranked: Ranked,
    name: str,
    members: Sequence[Candidate],
    axes: tuple[Axis, Axis],
    marker: dict[str, Any],
    bars: float,
) -> None:
    """A group of candidates; `bars`: opacity of their intervals, 0 for none."""
    if not members:
        return
    sweep, (x, y) = ranked.sweep, axes
    marker = {"symbol": [SYMBOLS[one.head] for one in members]} | marker
    drawn = {"color": marker["color"], "opacity": marker["opacity"], "size": marker["size"]}
    figure.add_scatter(
        x=[x.value(one) for one in members],
        y=[y.value(one) for one in members],
        error_x=_bars(members, x, marker["color"], bars),
        error_y=_bars(members, y, marker["color"], bars),
        customdata=[
            [
                Network(sweep.job_id, one.name).key,
                one.name,
                charts.hover_text(one, sweep.name, WORDS[one.head], standing_of(ranked, one)),
            ]
            for one in members
        ],
        hovertemplate="%{customdata[2]}<extra></extra>",
        mode="markers",
        name=name,
        marker=marker,
        selected={"marker": drawn | {"opacity": 1.0, "size": marker["size"] + 6}},
        unselected={"marker": drawn},
    )  # fmt: skip


def _bars(members: Sequence[Candidate], axis: Axis, colour: str, opacity: float) -> dict[str, Any]:
    if axis.interval is None or not opacity:
        return {"visible": False}
    values, ends = [axis.value(one) for one in members], [axis.interval(one) for one in members]
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return {
        "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
        "thickness": 1.2,
        "width": 3,
        "color": f"rgba({red},{green},{blue},{0.6 * opacity:.2f})",
    }


def _shade_outside(figure: go.Figure, ranked: Sequence[Ranked], quality: str, cost: str, colour: str) -> None:
    """Grey what the limits leave out, where they are limits on the axes shown."""
    limits = ranked[0].limits
    members = [member for one in ranked for member in one.sweep.candidates]
    far = 1.2 * max(COSTS[cost].value(one) for one in members)
    most = {"Latency": limits.max_ms, "Size": limits.max_mb}.get(cost)
    if most is not None:
        figure.add_vrect(most, max(far, most), fillcolor=colour, line_width=0, layer="below")
    axis = QUALITIES[quality]
    least, worst = 100 * (getattr(limits, f"min_{axis.figure}") or 0), min(axis.value(one) for one in members)
    if least > worst:
        figure.add_hrect(worst - 2, least, fillcolor=colour, line_width=0, layer="below")


def more_charts(sweep: Ranked) -> dict[str, go.Figure]:
    """The original's other charts of a sweep, by title."""
    candidates, choice = sweep.sweep.candidates, sweep.choice
    figures = {
        "Accuracy": charts.accuracy_over_parameters(candidates),
        "Size and latency": charts.size_and_time(candidates),
        "Filters and parameters": charts.filters_and_parameters(candidates),
    }
    if choice.pick is not None:
        figures["Decision score"] = charts.decision_scores(candidates, choice)
    if sweep.sweep.unpruned.channels:
        figures["Filters kept per layer"] = charts.kept_per_layer(candidates, sweep.sweep.layers)
    return figures


def on_page(figure: go.Figure, dark: bool) -> go.Figure:
    """A chart of `ftl.evaluation.charts` in the page's colours."""
    ink, grid, _ = page_colours(dark=dark)
    figure.update_layout(
        font={"color": ink}, title="", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        margin={"t": 20}, height=420,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=grid, zerolinecolor=grid)
    figure.update_yaxes(gridcolor=grid, zerolinecolor=grid)
    figure.update_traces({"line": {"color": ink}}, {"line": {"color": charts.INK}})
    return figure
