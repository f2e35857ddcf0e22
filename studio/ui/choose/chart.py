"""The chart on which a network is chosen: quality over cost, one colour a sweep, all points to be clicked.

What matters is told apart by shape or by text too, for eyes that see few colours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.charts import SYMBOLS, WARNING, hover_text
from ftl.evaluation.decision import Front, pareto
from ftl.models.layout import LINEAR, RECALIBRATED, TUNED
from studio.ui.chart_style import COLOURS, DASHES, KNEE, PICK, page_colours, style, write_names
from studio.ui.choose.axes import COSTS, QUALITIES, TESTED, Axis, bounds
from studio.ui.choose.ranking import Ranked, standing_of
from studio.ui.choose.read_sweep import Network

WORDS = {LINEAR: "linear classifier on frozen features", RECALIBRATED: "recalibrated", TUNED: "fine-tuned"}
"""What candidates are called by their kind."""

_SHAPES = {TUNED: "triangles", RECALIBRATED: "diamonds"}
_CROWD = 30
"""Of more candidates, only those on the front show their intervals."""


def choice_chart(
    ranked: Sequence[Ranked], quality: str, cost: str, *, tested: bool, log: bool, dark: bool = False
) -> go.Figure:
    """Quality over cost of all candidates with intervals, fronts, limits, unpruned and recommended networks, and knees.

    The front and the knee are always those of the validation images, which choose; `tested` shows the test set's
    figures instead. There a network can stand above the front, so that its line has no steps and its legend says so.
    What looks as if it did not work (`ftl.evaluation.candidate.warnings`) is ringed.
    Each point's `customdata[0]` is its `Network.key`.
    """
    x, y = COSTS[cost], (TESTED if tested else QUALITIES)[quality]
    shape, by = ("linear", " (by validation)") if tested else ("hv", "")
    figure = go.Figure()
    for number, one in enumerate(ranked):
        front = pareto(one.sweep.candidates, x.value, QUALITIES[quality].value)
        colour = COLOURS[number % len(COLOURS)]
        figure.add_scatter(
            x=[x.value(member) for member in front.candidates],
            y=[y.value(member) for member in front.candidates],
            mode="lines",
            line={"shape": shape, "color": colour, "width": 2, "dash": DASHES[number % len(DASHES)]},
            name=escape(one.sweep.name) if len(ranked) > 1 else f"Pareto front{by}",
            hoverinfo="skip",
            legendrank=number,
        )
        for group in _groups(one, front, colour, by, dark=dark):
            _add_points(figure, one, group, (x, y))
    named: set[str] = set()
    for trace in figure.data:  # one entry of the legend for all sweeps
        trace.showlegend = trace.name not in named
        named.add(trace.name)
    write_names(figure, log=log, dark=dark)
    _draw_limits(figure, ranked, quality, cost, tested=tested, dark=dark)
    style(figure, x.title, y.title, log=log, dark=dark)
    return figure


def shapes_in_words(kinds: Collection[str]) -> str:
    """What the shapes of candidates of these kinds mean, in a sentence; empty where all are of one kind."""
    words = [f"{shape} are {WORDS[kind]}" for kind, shape in _SHAPES.items() if kind in kinds]
    return f"{', '.join(words).capitalize()}." if words and len(kinds) > 1 else ""


class _Group(NamedTuple):
    """Candidates that are drawn alike. `bars`: opacity of their intervals, 0 for none. `text`: beside the point."""

    title: str
    members: Sequence[Candidate]
    marker: dict[str, Any]
    bars: float = 0.0
    text: str = ""


def _groups(ranked: Ranked, front: Front, colour: str, by: str, *, dark: bool) -> list[_Group]:
    """A sweep's groups, those drawn on top last; a candidate may be in several. `by`: what made the front, in words."""
    ink, _, paper = page_colours(dark=dark)
    candidates, pick, knee = ranked.sweep.candidates, ranked.choice.pick, front.knee()
    rest = [member for member in candidates if not member.is_unpruned]
    inside = [member for member in rest if ranked.limits.allow(member)]
    outside = [member for member in rest if member not in inside]
    dominated = [member for member in inside if member not in front.candidates]
    plain = {"color": colour, "size": 13, "opacity": 1.0, "line": {"color": paper, "width": 1.5}}
    hollow = plain | {"opacity": 0.75, "size": 9, "line": {"width": 1.5}}
    cross = hollow | {"symbol": "x-thin-open", "color": ink, "opacity": 0.5}
    ring = {"symbol": "circle-open", "size": 24, "color": WARNING, "opacity": 1.0, "line": {"width": 2}}
    lozenge = ring | {"symbol": "diamond-open", "size": 21, "color": KNEE, "line": {"width": 2.5}}
    groups = [
        _Group("outside the limits", outside, cross),
        _Group(
            f"dominated{by}",
            dominated,
            hollow | {"symbol": [f"{SYMBOLS[member.head]}-open" for member in dominated]},
            0.35 * (len(rest) <= _CROWD),
        ),
        _Group(f"on the Pareto front{by}", [member for member in inside if member not in dominated], plain, 0.9),
        _Group("unpruned network", [ranked.sweep.unpruned], plain | {"symbol": "square", "color": ink, "size": 13}, 0.9,
               "unpruned" * (pick is not ranked.sweep.unpruned)),
        _Group(f"knee{by}", [knee] if knee else [], lozenge, text="knee" * (knee is not pick)),
        _Group("recommended", [pick] if pick else [], plain | {"symbol": "star", "size": 24, "color": PICK}, 0.9,
               f"<b>{escape(pick.name)}</b>" if pick else ""),
        _Group("with a warning", [member for member in candidates if warnings(member)], ring),
    ]  # fmt: skip
    return [group for group in groups if group.members]


def _add_points(figure: go.Figure, ranked: Ranked, group: _Group, axes: tuple[Axis, Axis]) -> None:
    sweep, members, (x, y) = ranked.sweep, group.members, axes
    marker = {"symbol": [SYMBOLS[one.head] for one in members]} | group.marker
    drawn = {"opacity": marker["opacity"], "size": marker["size"]}  # with a colour, hollow shapes would be filled
    figure.add_scatter(
        x=[x.value(one) for one in members],
        y=[y.value(one) for one in members],
        error_x=_bars(members, x, marker["color"], group.bars),
        error_y=_bars(members, y, marker["color"], group.bars),
        customdata=[
            [
                Network(sweep.job_id, one.name).key,
                one.name,
                hover_text(one, sweep.name, WORDS[one.head], standing_of(ranked, one)),
            ]
            for one in members
        ],
        hovertemplate="%{customdata[2]}<extra></extra>",
        mode="markers",
        name=group.title,
        text=[group.text] if group.text else None,
        marker=marker,
        selected={"marker": drawn | {"opacity": 1.0, "size": marker["size"] + 6}},
        unselected={"marker": drawn},
    )


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


def _draw_limits(
    figure: go.Figure, ranked: Sequence[Ranked], quality: str, cost: str, *, tested: bool, dark: bool
) -> None:
    """A line at each limit on the axes shown, and grey over what it leaves out; limits are of the validation images."""
    ink, grid, _ = page_colours(dark=dark)
    members = [member for one in ranked for member in one.sweep.candidates]
    limits = bounds(ranked[0].limits)

    def draw(text: str, anchors: tuple[str, str], **ends: float | str) -> None:
        label = {"text": text, "textposition": "end", "textangle": 0, "font": {"size": 13, "color": ink}}
        label |= dict(zip(("xanchor", "yanchor"), anchors, strict=True))
        figure.add_shape(type="line", line={"color": ink, "width": 1.5, "dash": "dash"}, label=label, **ends)

    if cost in limits:
        most, text = limits[cost]
        far = max(most, 1.2 * max(COSTS[cost].value(one) for one in members))
        figure.add_vrect(most, far, fillcolor=grid, line_width=0, layer="below")
        draw(text, ("left", "top"), x0=most, x1=most, y0=0, y1=1, yref="paper")
    if quality in limits and not tested:
        least, text = limits[quality]
        worst = min(QUALITIES[quality].value(one) for one in members)
        figure.add_hrect(min(worst, least) - 2, least, fillcolor=grid, line_width=0, layer="below")
        draw(text, ("right", "bottom"), x0=0, x1=1, y0=least, y1=least, xref="paper")
