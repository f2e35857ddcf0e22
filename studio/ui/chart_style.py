"""The looks that all charts of the studio share: colours, dashes, type, ticks and names beside points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from ftl.evaluation import charts

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Fronts of several sweeps differ by these as well as by `COLOURS`."""

_MANY = 200  # times its lowest number: a low chart has no room for more ticks than 1, 2 and 5 of two decades

COLOURS = ("#3b82f6", "#0d9488", "#a855f7", "#db2777", "#ca8a04", "#64748b")
PICK, KNEE, MUTED = "#ea580c", "#16a34a", "#8a8480"
FONT = '"Source Sans", system-ui, sans-serif'
_LIGHT, _DARK = ("#141312", "rgba(120,113,108,.16)", "#fdfcfa"), ("#f2f0eb", "rgba(168,162,158,.16)", "#161513")


def page_colours(*, dark: bool) -> tuple[str, str, str]:
    """The colours of text, of grid lines and of the page itself."""
    return _DARK if dark else _LIGHT


def style(figure: go.Figure, x: str, y: str, *, log: bool, dark: bool) -> None:
    """Give a chart on which networks are chosen the page's looks and the titles of its axes."""
    ink, grid, _ = page_colours(dark=dark)
    figure.update_layout(
        height=500,
        margin={"t": 36, "l": 64, "r": 12, "b": 56},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": ink},
        font={"color": ink, "size": 14, "family": FONT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.16, "yanchor": "top", "font": {"size": 13}},
        hoverlabel={"font": {"size": 14}},
        dragmode="zoom",
        clickmode="event+select",
        hovermode="closest",
    )
    figure.update_yaxes(title={"text": y, "standoff": 12}, gridcolor=grid, zeroline=False, **charts.PLAIN)
    figure.update_xaxes(title={"text": x, "standoff": 8}, gridcolor=grid, zeroline=False,
                        type="log" if log else "linear", **charts.PLAIN)  # fmt: skip
    values = [value for trace in figure.data for value in trace.x if value > 0]
    if log and values:
        figure.update_xaxes(tickvals=round_ticks(min(values), max(values)))


def few_ticks(low: float, high: float) -> list[float]:
    """Ticks of a low chart's log axis: 1, 2 and 5 of each decade, or 1 where there are many.

    Empty where fewer than two lie from `low` to `high`: Plotly then has steps of its own between them.
    """
    ticks = round_ticks(low, high, (1, 2, 5) if high < _MANY * low else (1,))
    return ticks if sum(low <= tick <= high for tick in ticks) > 1 else []


def round_ticks(low: float, high: float, digits: Sequence[int] = (1, 2, 5)) -> list[float]:
    """These digits of each decade around the numbers from `low` to `high`, which are above 0."""
    decades = range(math.floor(math.log10(low)) - 1, math.floor(math.log10(high)) + 2)
    numbers = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
    return [number for number in numbers if low / 3 < number < 3 * high]


def write_names(figure: go.Figure, *, log: bool, dark: bool) -> None:
    """Write the text of each point that has one beside it, where there is room: of a second sweep above, not below."""
    ink, _, paper = page_colours(dark=dark)
    scale = math.log if log else float
    places = [scale(value) for trace in figure.data for value in trace.x if value > 0 or not log]
    written: list[str] = []
    for trace in figure.data:
        if trace.text:
            above = written.count(trace.name) % 2
            written.append(trace.name)
            is_left = not places or scale(trace.x[0] or 1) <= (min(places) + max(places)) / 2
            trace.update(
                mode="markers+text",
                textposition=f"{'top' if above else 'bottom'} {'right' if is_left else 'left'}",
                textfont={"color": ink, "size": 13, "shadow": ", ".join([f"0 0 3px {paper}"] * 3)},
                selected_textfont_color=ink,
                unselected_textfont_color=ink,
            )
