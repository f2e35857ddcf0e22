"""The chart and the table of all candidates on the Choose page, and its other charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ftl.formatting import NOTHING, counted
from studio import ui
from studio.ui import state
from studio.ui.choose import axes, columns, more_charts, table_filter
from studio.ui.choose.chart import choice_chart, shapes_in_words
from studio.ui.choose.ranking import Ranked, in_order, key_of, words_of

CHART_CONFIG = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "autoScale2d", "toImage"],
}


def selected(widget: state.Widget) -> tuple[list[str], bool]:  # type: ignore[type-arg]
    """`Network.key` of the points that were clicked or boxed on a chart, each once; and whether a box was drawn."""
    if widget.value is None:
        return [], False
    chosen = widget.value.selection
    keys = [point["customdata"][0] for point in chosen.points if point.get("customdata")]
    return list(dict.fromkeys(keys)), bool(chosen.get("box"))


def chart(project_id: int, ranked: Sequence[Ranked], on_select: Callable[[], None], dark: bool) -> None:
    """The chart under its own controls; its selection is read through `state.points`."""
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = [one for sweep in ranked for one in sweep.sweep.candidates]
        quality = st.selectbox("Vertical axis", axes.known(shown), width=175, label_visibility="collapsed")
        st.markdown("over", width="content")
        cost = st.selectbox("Horizontal axis", list(axes.COSTS), width=150, label_visibility="collapsed")
        images = st.segmented_control(
            "Measured on", ["Validation images", "Test images"], default="Validation images", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        log = st.toggle("Log axis", True)
    tested = images == "Test images"
    machine = f", on {ranked[0].sweep.machine}" if ranked[0].sweep.machine else ""
    title = f"{quality} over {cost if cost == 'MACs' else cost.lower()}"
    st.markdown(f"**{title}**, {images.lower()}{ui.plain(machine)}")
    figure = choice_chart(ranked, quality, cost, tested=tested, log=log, dark=dark)
    st.plotly_chart(
        figure,
        key=state.points(project_id).key,
        theme=None,
        on_select=on_select,
        selection_mode=("points", "box"),
        config=CHART_CONFIG,
        alt=f"{title} of {counted(len(shown), 'network')}. The table below has the same figures.",
    )
    kinds = {one.head for sweep in ranked for one in sweep.sweep.candidates}
    by_validation = (
        "The Pareto front and what it dominates are those of the validation images, which choose; test images only "
        "show what a choice is worth, so here a network can stand above the line."
    )
    st.caption(
        "Click a point to open it below, with Shift held a second and a third. A box around points (the dashed square "
        f"above the chart) leaves only these in the table. {shapes_in_words(kinds)} {by_validation if tested else ''}"
    )


def table(project_id: int, ranked: Sequence[Ranked], on_choose: Callable[[], None], boxed: Sequence[str] = ()) -> None:
    """All candidates, or those `boxed` on the chart, less those that a filter leaves out.

    The keys of its rows are in `state.Choose.row_keys`, its selection is read through `state.rows`.
    """
    members = table_filter.show(in_order(ranked), words_of, key_of, boxed)
    state.of(state.Choose, project_id).row_keys = [key_of(member) for member in members]
    rows = columns.rows_of(ranked, members)
    st.dataframe(
        rows,
        key=state.rows(project_id).key,
        hide_index=True,
        height=min(400, 36 * len(rows) + 40),
        on_select=on_choose,
        selection_mode="multi-row",
        column_config={
            column.name: (
                st.column_config.NumberColumn(column.title, format=column.format, help=column.help)
                if column.format
                else st.column_config.Column(column.title, help=column.help)
            )
            for column in columns.columns_of(ranked)
        },
        placeholder=NOTHING,
    )


def more(ranked: Sequence[Ranked], dark: bool) -> None:
    """Settings and figures of all, and the original's other charts of each sweep, in tabs."""
    st.markdown("**Settings and figures** of all networks, a line each")
    st.plotly_chart(more_charts.on_page(more_charts.settings_chart(ranked), dark), key="settings", theme=None)
    for one in ranked:
        if len(ranked) > 1:
            st.markdown(f"**{ui.plain(one.sweep.name)}**")
        figures = more_charts.more_charts(one)
        for tab, (title, figure) in zip(st.tabs(list(figures)), figures.items(), strict=True):
            tab.plotly_chart(more_charts.on_page(figure, dark), key=f"{title}-{one.sweep.job_id}", theme=None)
