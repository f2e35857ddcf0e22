"""A picture of what went, layer by layer. First its numbers as plain tuples, then the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ftl.evaluation.charts import ACCENT
from ftl.evaluation.explain import LayerLeft
from ftl.formatting import percent

WENT = "rgba(148,144,138,.5)"
_NAMED = 16
"""Of more layers the numbers are only told where the mouse points: they would overlap."""

_WIDE = 0.86
"""A layer's share of its column."""

_STEPS = 96
"""No more filters of a layer are drawn, evenly taken from all: they would be finer than a pixel."""


class Profile(NamedTuple):
    """Scores of a layer's filters, the highest first: of those that stayed and of those that went."""

    stayed: tuple[float, ...]
    went: tuple[float, ...]


def profiles(layers: Sequence[LayerLeft], group: str) -> list[Profile]:
    """The layers' filters in order of their score for a group of photographs."""
    found = []
    for one in layers:
        kept = set(one.kept)
        sides: tuple[list[float], list[float]] = [], []
        for number, score in enumerate(one.scores[group]):
            sides[number not in kept].append(score)
        stayed, went = (tuple(sorted(side, reverse=True)) for side in sides)
        found.append(Profile(stayed, went))
    return found


def layers_chart(layers: Sequence[LayerLeft], group: str | None = None) -> go.Figure:
    """Filters and multiply-adds of each layer, and every filter as high as its score for a group of photographs.

    What stayed is coloured, what went is grey. Without a group, as for the base, whose filters have no scores, the
    third part is left out.
    """
    titles = ["filters", "multiply-adds of one image, millions"] + ["score of each filter"] * (group is not None)
    figure = make_subplots(
        len(titles), 1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.1,
        row_heights=[0.27, 0.27, 0.46][: len(titles)],
    )  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    kept, filters = [len(one.kept) for one in layers], [one.filters for one in layers]
    shares = [_percent(one.macs / one.base_macs) for one in layers]
    told = [
        [escape(one.name), f"{count} of {all_} filters stayed", f"{share} of the multiply-adds left"]
        for one, count, all_, share in zip(layers, kept, filters, shares, strict=True)
    ]
    for row, (whole, part, texts) in enumerate(
        [
            (filters, kept, [str(count) for count in kept]),
            ([one.base_macs / 1e6 for one in layers], [one.macs / 1e6 for one in layers], shares),
        ],
        1,
    ):
        for name, colour, values in (("went", WENT, whole), ("stayed", ACCENT, part)):
            label: dict[str, Any] = {"text": texts, "textposition": "outside", "cliponaxis": False, "textangle": 0}
            figure.add_bar(
                x=list(range(1, len(layers) + 1)),
                y=values,
                name=name,
                marker={"color": colour, "line_width": 0},
                width=_WIDE,
                showlegend=row == 1,
                customdata=told,
                hovertemplate="layer %{x} (%{customdata[0]})<br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
                row=row,
                col=1,
                **(label if name == "stayed" and len(layers) <= _NAMED else {}),
            )
    if group is not None:
        for name, colour, (x, y) in zip(
            ("stayed", "went"), (ACCENT, WENT), _outlines(profiles(layers, group)), strict=True
        ):
            figure.add_scatter(x=x, y=y, name=name, mode="lines", fill="toself", fillcolor=colour, showlegend=False,
                               line={"color": colour, "width": 0.5}, hoverinfo="skip", row=3, col=1)  # fmt: skip
    figure.update_layout(
        template="plotly_white",
        barmode="overlay",
        height=210 * len(titles) + 10,
        margin={"t": 56, "l": 56, "r": 12, "b": 48},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.04, "yanchor": "bottom"},
        legend_traceorder="reversed",
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, range=[0.4, len(layers) + 0.6], zeroline=False)
    if len(layers) <= _NAMED:
        figure.update_xaxes(tickvals=list(range(1, len(layers) + 1)))
    figure.update_xaxes(title="layer, from the photograph to the answer", row=len(titles), col=1)
    figure.update_yaxes(rangemode="tozero", zeroline=False, nticks=5)
    return figure


def _percent(share: float) -> str:
    """A share 0..1, short enough to stand on a bar: 0.9 %, 9 %, 25 %."""
    decimals = 0 if share >= 0.0095 or not share else min(6, -math.floor(math.log10(100 * share)))
    return percent(share, max(0, decimals))


def _outlines(rows: Sequence[Profile]) -> list[tuple[list[float | None], list[float | None]]]:
    """Two shapes, x and y: each layer's filters side by side in its column, stayed and then went, as high as scored."""
    shapes: list[tuple[list[float | None], list[float | None]]] = [([], []), ([], [])]
    for number, row in enumerate(rows, 1):
        start, step = number - _WIDE / 2, _WIDE / (len(row.stayed) + len(row.went))
        for (x, y), scores in zip(shapes, row, strict=True):
            if not scores:
                continue
            ranks = np.unique(np.linspace(0, len(scores) - 1, _STEPS).round().astype(int))
            ends = [*ranks[1:], len(scores)]
            x += [start, *(start + step * place for both in zip(ranks, ends, strict=True) for place in both),
                  start + step * len(scores), None]  # fmt: skip
            y += [0, *(scores[rank] for rank in ranks for _ in range(2)), 0, None]
            start += step * len(scores)
    return shapes
