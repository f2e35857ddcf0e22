"""The upper half of the Choose page: the chart, the table, and what is recommended and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ftl.evaluation.candidate import Candidate, unstable_times, warnings
from ftl.formatting import NOTHING, listed
from studio import ui
from studio.ui import state
from studio.ui.choose import axes, columns
from studio.ui.choose.chart import choice_chart, more_charts, on_page
from studio.ui.choose.ranking import Ranked, summary

_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d"]}

_NAMED = 8


def chart(project_id: int, ranked: Sequence[Ranked], on_click: Callable[[], None], dark: bool) -> None:
    """The chart under its own controls; its selection is read through `state.points`."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = [one for sweep in ranked for one in sweep.sweep.candidates]
        quality = st.selectbox("Vertical axis", axes.known(shown), width=175)
        cost = st.selectbox("Horizontal axis", list(axes.COSTS), width=150)
        images = st.segmented_control(
            "Measured on", ["Validation images", "Test images"], default="Validation images", required=True,
            help="Choose by the validation images. The test images (never used for training or selection) show "
            "what the choice is worth; choosing by them would make it look too good.",
        )  # fmt: skip
        log = st.toggle("Log axis", True)
    figure = choice_chart(ranked, quality, cost, tested=images == "Test images", log=log, dark=dark)
    key = state.points(project_id).key
    st.plotly_chart(figure, key=key, theme=None, on_select=on_click, selection_mode="points", config=_CONFIG)
    kinds = {one.head for sweep in ranked for one in sweep.sweep.candidates}
    shapes = " Triangles are fine-tuned, diamonds recalibrated." if len(kinds) > 1 else ""
    st.caption(f"Click a point to open it below; with Shift held, a second and a third stand beside it.{shapes}")


def table(project_id: int, ranked: Sequence[Ranked], on_choose: Callable[[], None]) -> None:
    """All candidates in the order of `ranking.in_order`; its selection is read through `state.rows`."""
    rows = columns.rows_of(ranked)
    st.dataframe(
        rows,
        key=state.rows(project_id).key,
        hide_index=True,
        height=min(560, 36 * len(rows) + 40),
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
    st.caption("Tick up to three to see them side by side below.")


def verdicts(ranked: Sequence[Ranked]) -> None:
    """Each sweep's recommended network in a sentence, with the reason and what to mind; or why there is none."""
    for one in ranked:
        name = ui.plain(one.sweep.name)
        if (pick := one.choice.pick) is None:
            of = f"**{name}**: " if len(ranked) > 1 else ""
            st.warning(of + ui.plain(ui.sentence(one.problem)), icon=":material/block:")
        else:
            _verdict(one, pick, f" of {name}" if len(ranked) > 1 else "")
        if unstable := unstable_times(one.sweep.candidates):
            st.warning(
                f"{ui.plain(unstable)} They are taken again when the machine is quiet.", icon=":material/timer_off:"
            )
    if any(one.choice.pick for one in ranked):
        st.caption(
            "Recommended by the validation images. The accuracy shown is of the test images (never used for training "
            "or selection)."
        )


def _verdict(ranked: Ranked, pick: Candidate, of: str) -> None:
    with st.container(border=True):
        st.markdown(f":orange[★] **{ui.plain(pick.name)}**, recommended{of}, {ui.plain(summary(ranked))}")
        for warning in warnings(pick):
            st.markdown(f":red[:material/warning: {ui.plain(ui.sentence(warning))}]")
        sentences = [ranked.choice.reason, *ranked.choice.notes]
        if tied := ["the unpruned network" if other.is_unpruned else other.name for other in ranked.choice.alike]:
            sentences.append(f"Not significantly different from it (McNemar, p > 0.05): {listed(tied, _NAMED)}.")
        st.caption(ui.plain(" ".join(sentences)))


def more(ranked: Sequence[Ranked], dark: bool) -> None:
    """The original's other charts of each sweep, in tabs."""
    for one in ranked:
        if len(ranked) > 1:
            st.markdown(f"**{ui.plain(one.sweep.name)}**")
        figures = more_charts(one)
        for tab, (title, figure) in zip(st.tabs(list(figures)), figures.items(), strict=True):
            tab.plotly_chart(on_page(figure, dark), key=f"{title}-{one.sweep.job_id}", theme=None)
