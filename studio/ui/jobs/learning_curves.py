"""Learning curves, drawn while networks learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ftl.training.early_stopping import Epoch
from studio.ui.choose.chart import COLOURS

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
    figure.update_layout(
        height=260,
        margin={"t": 8, "l": 56, "r": 8, "b": 44},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(title=step, rangemode="tozero", dtick=5, gridcolor=_GRID)
    figure.update_yaxes(title="loss", type="log", gridcolor=_GRID)
    return figure
