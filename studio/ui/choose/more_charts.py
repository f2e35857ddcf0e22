"""The other charts of the Choose page: settings on parallel axes, and the original's."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from ftl.evaluation import charts
from ftl.evaluation.parallel import lines, parallel_coordinates
from studio.ui.chart_style import COLOURS, FONT, MUTED, PICK, page_colours
from studio.ui.choose.ranking import Ranked


def settings_chart(ranked: Sequence[Ranked]) -> go.Figure:
    """Settings and figures of all candidates, on parallel axes, in the colours of the page's chart."""
    data = lines([(one.sweep.criterion, one.sweep.candidates, one.choice) for one in ranked])
    return parallel_coordinates(data, (MUTED, COLOURS[0], PICK))


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
        font={"color": ink, "family": FONT}, title="", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        margin={"t": 20}, height=420,
    )  # fmt: skip
    figure.update_xaxes(gridcolor=grid, zerolinecolor=grid)
    figure.update_yaxes(gridcolor=grid, zerolinecolor=grid)
    figure.update_traces({"line": {"color": ink}}, {"line": {"color": charts.INK}})
    return figure
