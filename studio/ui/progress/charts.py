"""The charts of a project's progress: first what each shows, as plain values, then the figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from studio.collaboration.progress import Annotator, Day, Project
from studio.ui.chart_style import FONT, page_colours

COLOURS = {"open": "#a8a29a", "submitted": "#0b68cb", "returned": "#ad5700", "accepted": "#18794e"}
"""Of the states, as on the tiles of images (`gallery.css`), in the order in which bars are stacked."""

STROKES = "#a855f7"
_MOST_LETTERS = 24


class Bar(NamedTuple):
    """A series of stacked bars: a state, and its count in each row."""

    state: str
    counts: list[int]


class Bars(NamedTuple):
    """Stacked bars: the rows' names, from the top, and the series that have anything."""

    rows: list[str]
    series: list[Bar]


class Lines(NamedTuple):
    """Series over days: strokes by themselves, for they are many more than images."""

    days: list[str]
    strokes: list[int]
    submitted: list[int]
    accepted: list[int]


def state_bar(project: Project) -> Bars:
    """What the bar of a project's images shows."""
    return Bars([""], [Bar(one, [project.states[one]]) for one in COLOURS if project.states[one]])


def annotator_bars(people: Sequence[Annotator]) -> Bars:
    """What the bars of the annotators show: where the images stand that are theirs."""
    series = [Bar(one, [getattr(person, one) for person in people]) for one in COLOURS]
    return Bars([_short(one.name) for one in people], [one for one in series if any(one.counts)])


def day_lines(days: Sequence[Day]) -> Lines:
    """What the lines show."""
    return Lines(
        [one.day.isoformat() for one in days],
        [one.strokes for one in days],
        [one.submitted for one in days],
        [one.accepted for one in days],
    )


def draw_bars(bars: Bars, dark: bool = False) -> go.Figure:
    """Stacked bars, one below the other."""
    figure = go.Figure()
    for one in bars.series:
        figure.add_bar(
            y=list(range(len(bars.rows))),  # two people may have the same beginning of a name
            x=one.counts,
            name=one.state,
            orientation="h",
            marker={"color": COLOURS[one.state]},
            text=[f"{count:,}" if count else "" for count in one.counts],
            textposition="inside",
            insidetextanchor="middle",
            insidetextfont={"color": "#ffffff" if one.state != "open" else "#141312"},
            hovertemplate="%{x:,} " + one.state + "<extra></extra>",
        )
    names = [f"{escape(one)} " for one in bars.rows]
    _lay_out(figure, 110 + 34 * len(bars.rows), dark)
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, autorange="reversed", showgrid=False, automargin=True
    )
    most = max((sum(counts) for counts in zip(*(one.counts for one in bars.series), strict=True)), default=0)
    figure.update_xaxes(title_text="images", tickformat=",d", **({"dtick": 1} if most < 8 else {"nticks": 8}))
    return figure


def draw_lines(lines: Lines, dark: bool = False) -> go.Figure:
    """Strokes a day, and below them images handed in and accepted."""
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.12)
    series = [
        ("strokes", lines.strokes, STROKES, 1),
        ("submitted", lines.submitted, COLOURS["submitted"], 2),
        ("accepted", lines.accepted, COLOURS["accepted"], 2),
    ]
    for name, counts, colour, row in series:
        figure.add_scatter(
            x=lines.days, y=counts, name=name, row=row, col=1, line={"color": colour, "width": 2},
            mode="lines+markers" if len(lines.days) < 40 else "lines",
            hovertemplate="%{x|%d %b %Y}: %{y:,} " + name + "<extra></extra>",
        )  # fmt: skip
    _lay_out(figure, 340, dark)
    figure.update_yaxes(rangemode="tozero", tickformat=",~r", nticks=5)
    figure.update_yaxes(title_text="strokes", row=1)
    figure.update_yaxes(title_text="images", row=2)
    one_day = {"tickmode": "array", "tickvals": lines.days} if len(lines.days) < 8 else {}
    figure.update_xaxes(type="date", tickformat="%d %b", **one_day)
    return figure


def _lay_out(figure: go.Figure, height: int, dark: bool) -> None:
    ink, grid, _ = page_colours(dark=dark)
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"t": 12, "l": 0, "r": 12, "b": 48},
        "font": {"color": ink, "size": 14, "family": FONT},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
            "font_size": 13,
            "itemwidth": 30,
        },
        "hoverlabel": {"font": {"size": 14}},
    }
    figure.update_layout(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", showlegend=True, **layout)
    figure.update_xaxes(gridcolor=grid, zeroline=False, title_font_size=14)
    figure.update_yaxes(gridcolor=grid, zeroline=False, automargin=True, title_font_size=14, title_standoff=12)


def _short(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"
