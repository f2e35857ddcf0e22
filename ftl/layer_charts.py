"""A picture of what went, layer by layer. First its numbers as plain tuples, then the drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ftl.charts import ACCENT
from ftl.understand import LayerLeft

WENT = "rgba(148,144,138,.55)"
_NAMED = 20
"""Of more layers the numbers of filters are only told where the mouse points: they would overlap."""

_WIDE = 0.86
"""A layer's share of its column; the fullest pile takes all of that."""


class Pile(NamedTuple):
    """Filters of a layer (by its place, from 0) whose score is `low` or more and below `low + height`."""

    layer: int
    low: float
    height: float
    kept: int
    dropped: int


def piles(layers: Sequence[LayerLeft], group: str, bins: int = 40) -> list[Pile]:
    """The filters of all layers in piles of like score, the same steps for all layers; empty ones are left out."""
    scores = [one.scores[group] for one in layers]
    height = max(map(max, scores)) / bins or 1.0
    found = []
    for layer, (one, its) in enumerate(zip(layers, scores, strict=True)):
        steps = [min(int(score / height + 1e-9), bins - 1) for score in its]
        kept, all_ = Counter(steps[number] for number in one.kept), Counter(steps)
        found += [Pile(layer, step * height, height, kept[step], all_[step] - kept[step]) for step in sorted(all_)]
    return found


def layers_chart(layers: Sequence[LayerLeft], group: str | None = None) -> go.Figure:
    """Filters and multiply-adds of each layer, and its filters piled up by their score for a group of photographs.

    What stayed is coloured, what went is grey. Without a group, as for the base, whose filters have no scores, the
    piles are left out.
    """
    titles = ["filters", "multiply-adds of one image, millions"] + ["filters by score"] * (group is not None)
    figure = make_subplots(
        len(titles), 1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.09,
        row_heights=[0.26, 0.26, 0.48][: len(titles)],
    )  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    places = list(range(1, len(layers) + 1))
    named = [one.name for one in layers]
    kept, filters = [len(one.kept) for one in layers], [one.filters for one in layers]
    left, before = [one.macs / 1e6 for one in layers], [one.base_macs / 1e6 for one in layers]
    told = [
        f"{count} of {all_} filters stayed<br>{100 * one.macs / one.base_macs:.3g} % of the multiply-adds left"
        for one, count, all_ in zip(layers, kept, filters, strict=True)
    ]
    bars: dict[str, Any] = {"x": places, "width": _WIDE, "customdata": list(zip(named, told, strict=True))}
    bars["hovertemplate"] = "layer %{x} (%{customdata[0]})<br>%{customdata[1]}<extra></extra>"
    label = {"text": kept, "textposition": "outside", "cliponaxis": False} if len(layers) <= _NAMED else {}
    figure.add_bar(y=filters, name="went", marker_color=WENT, **bars, row=1, col=1)
    figure.add_bar(y=kept, name="stayed", marker_color=ACCENT, **bars, **label, row=1, col=1)
    figure.add_bar(y=before, name="went", marker_color=WENT, showlegend=False, **bars, row=2, col=1)
    figure.add_bar(y=left, name="stayed", marker_color=ACCENT, showlegend=False, **bars, row=2, col=1)
    if group is not None:
        _add_piles(figure, layers, group)
    figure.update_layout(
        template="plotly_white",
        barmode="overlay",
        height=240 * len(titles) - 60,
        margin={"t": 64, "l": 56, "r": 12, "b": 48},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.05, "yanchor": "bottom"},
    )
    figure.update_xaxes(showgrid=False, range=[0.4, len(layers) + 0.6], zeroline=False)
    if len(layers) <= _NAMED:
        figure.update_xaxes(tickvals=places)
    figure.update_xaxes(title="layer, from the photograph to the answer", row=len(titles), col=1)
    figure.update_yaxes(rangemode="tozero", zeroline=False)
    return figure


def _add_piles(figure: go.Figure, layers: Sequence[LayerLeft], group: str) -> None:
    """Piles lie along the score, their length the number of filters, as a share of the layer's fullest pile."""
    found = piles(layers, group)
    fullest = [max(one.kept + one.dropped for one in found if one.layer == at) for at in range(len(layers))]
    for name, colour, start, length in (
        ("stayed", ACCENT, lambda one: 0, lambda one: one.kept),
        ("went", WENT, lambda one: one.kept, lambda one: one.dropped),
    ):
        members = [one for one in found if length(one)]
        scale = [_WIDE / fullest[one.layer] for one in members]
        figure.add_bar(
            orientation="h",
            name=name,
            showlegend=False,
            marker={"color": colour, "line_width": 0},
            base=[one.layer + 1 - _WIDE / 2 + start(one) * by for one, by in zip(members, scale, strict=True)],
            x=[length(one) * by for one, by in zip(members, scale, strict=True)],
            y=[one.low + one.height / 2 for one in members],
            width=[one.height * 0.92 for one in members],
            customdata=[
                [one.layer + 1, layers[one.layer].name, length(one), one.low, one.low + one.height] for one in members
            ],
            hovertemplate="layer %{customdata[0]} (%{customdata[1]})<br>%{customdata[2]} filters with a score of "
            "%{customdata[3]:.3f} to %{customdata[4]:.3f} " + name + "<extra></extra>",
            row=3,
            col=1,
        )
