"""Learning curves, drawn while networks learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go

from ftl.evaluation import charts
from ftl.training.early_stopping import Epoch
from studio.ui.chart_style import COLOURS, DASHES, few_ticks

_GRID = "rgba(120,113,108,.16)"


def learning_chart(
    curves: Mapping[str, Sequence[Epoch]], step: str = "epoch", score: str = "%{customdata:.1f} % right"
) -> go.Figure:
    """Loss over epochs of each candidate: dotted on the images it learns from, solid on those that say when to stop.

    `step`: what an epoch is called. `score`: how the accuracy of those, 0..100, is called.
    """
    figure = go.Figure()
    for number, (name, points) in enumerate(curves.items()):
        colour, epochs = COLOURS[number % len(COLOURS)], [point.epoch for point in points]
        figure.add_scatter(
            x=epochs,
            y=[point.stop_loss for point in points],
            name=name,
            mode="lines+markers",
            line={"color": colour},
            customdata=[100 * point.stop_accuracy for point in points],
            hovertemplate=f"<b>%{{fullData.name}}</b><br>{step} %{{x}}: loss %{{y:.3f}}, {score}<extra></extra>",
        )
        figure.add_scatter(
            x=epochs,
            y=[point.loss for point in points],
            mode="lines",
            line={"color": colour, "dash": "dot", "width": 1},
            showlegend=False,
            hoverinfo="skip",
        )
    return _styled(figure, step)


def compared_curves(sweeps: Mapping[str, Mapping[str, Sequence[Epoch]]]) -> go.Figure:
    """Loss over epochs on the images that say when to stop, of several sweeps' candidates.

    `sweeps`: curves by the candidate's name, by the sweep's title. A candidate has one colour in all sweeps, a sweep
    one kind of line.
    """
    figure, names = go.Figure(), list(dict.fromkeys(name for curves in sweeps.values() for name in curves))
    for (title, curves), dash in zip(sweeps.items(), DASHES, strict=False):
        for name, points in curves.items():
            figure.add_scatter(
                x=[point.epoch for point in points],
                y=[point.stop_loss for point in points],
                name=f"{escape(name)}, {escape(title)}",
                mode="lines",
                line={"color": COLOURS[names.index(name) % len(COLOURS)], "dash": dash},
                hovertemplate="<b>%{fullData.name}</b><br>epoch %{x}: loss %{y:.3f}<extra></extra>",
            )
    return _styled(figure, "epoch")


def _styled(figure: go.Figure, step: str) -> go.Figure:
    figure.update_layout(
        height=260,
        margin={"t": 8, "l": 56, "r": 8, "b": 44},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(title=step, rangemode="tozero", dtick=5, gridcolor=_GRID)
    losses = [loss for trace in figure.data for loss in trace.y if 0 < loss < math.inf]
    ticks = few_ticks(min(losses), max(losses)) if losses else []
    figure.update_yaxes(title="loss", type="log", gridcolor=_GRID, tickvals=ticks or None, **charts.PLAIN)
    return figure
