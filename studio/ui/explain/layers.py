"""What was pruned, layer by layer, in the page's colours and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from ftl.evaluation.layers_left import LayerLeft, layers_chart
from ftl.formatting import number
from studio.ui.choose.more_charts import on_page


def summary(layers: Sequence[LayerLeft], tied: int = 0) -> str:
    """What is left of all layers together; `tied`: in how many of them equal scores stood on both sides of the cut."""
    kept, filters = sum(len(one.kept) for one in layers), sum(one.filters for one in layers)
    work = 100 * sum(one.macs for one in layers) / sum(one.unpruned_macs for one in layers)
    if kept == filters:
        return f"The unpruned network has all {filters:,} filters in {len(layers)} layers: nothing was pruned."
    text = f"**{kept:,} of {filters:,} filters** are kept, and with them **{number(work)} %** of the MACs."
    if tied:
        text += (
            f" In {tied} of {len(layers)} layers filters on both sides of the cut have equal scores: there the order "
            "of the filters decided."
        )
    return text


def chart(layers: Sequence[LayerLeft], group: str | None, dark: bool) -> go.Figure:
    """`layers_chart` on the page; `group` of photographs by whose scores the filters are piled up."""
    figure = layers_chart(layers, group)
    height, margin = figure.layout.height, figure.layout.margin
    return on_page(figure, dark).update_layout(height=height, margin=margin, dragmode=False)
