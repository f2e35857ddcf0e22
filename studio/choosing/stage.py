"""The upper half of the Choose page: the chart, the table, and what the pick is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ftl.candidate import unstable_times
from studio import ui
from studio.choosing import axes
from studio.choosing.chart import choice_chart, more_charts, on_page
from studio.choosing.order import Ranked, summary

_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d"]}

_NAMED = 8


def chart(ranked: Sequence[Ranked], on_click: Callable[[], None], dark: bool) -> None:
    """The chart under its own controls; its selection is kept in the session as `points`."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quality = st.selectbox("Upwards", list(axes.QUALITIES), width=125)
        cost = st.selectbox("To the right", list(axes.COSTS), width=150)
        images = st.segmented_control(
            "Of the", ["Validation images", "Test images"], default="Validation images", required=True,
            help="Validation images are there to choose on. Test images chose nothing: they tell what the choice is "
            "worth. Whoever chooses on them too is told too much.",
        )  # fmt: skip
        log = st.toggle("Log axis", True)
    figure = choice_chart(ranked, quality, cost, tested=images == "Test images", log=log, dark=dark)
    st.plotly_chart(figure, key="points", theme=None, on_select=on_click, selection_mode="points", config=_CONFIG)
    kinds = {one.head for sweep in ranked for one in sweep.sweep.candidates}
    shapes = " Triangles are fine-tuned, diamonds recalibrated." if len(kinds) > 1 else ""
    st.caption(f"Click a point to open it below; with Shift held, a second and a third stand beside it.{shapes}")


def table(rows: list[dict[str, Any]], on_choose: Callable[[], None], many: bool) -> None:
    """All candidates in order; its selection is kept in the session as `rows`. `many`: more than one sweep."""
    number = st.column_config.NumberColumn
    held_out = "on the images held out for choosing"
    st.dataframe(
        rows,
        key="rows",
        hide_index=True,
        height=min(560, 36 * len(rows) + 40),
        on_select=on_choose,
        selection_mode="multi-row",
        column_order=[name for name in rows[0] if many or name != "Sweep"],
        column_config={
            "Score": number(format="%.3f"),
            "Validation accuracy": number("Validation", format="%.1f %%", help=f"accuracy {held_out}"),
            "Test accuracy": number("Test", format="%.1f %%", help="accuracy on images that chose nothing"),
            "Recall": number(format="%.1f %%", help=held_out),
            "Time": number(format="%.3g ms"),
            "Size": number(format="%.3g MB"),
            "Parameters": number("Params", format="%.2f %%", help="of the base's"),
        },
    )
    st.caption("Best score first. Tick up to three to see them side by side below.")


def verdicts(ranked: Sequence[Ranked]) -> None:
    """Each sweep's pick in a sentence, with what is not told apart from it; or why there is none."""
    for one in ranked:
        if one.choice is None:
            st.warning(ui.sentence(Exception(one.problem)), icon=":material/tune:")
            continue
        of = f" of {ui.plain(one.sweep.name)}" if len(ranked) > 1 else ""
        with st.container(border=True):
            st.markdown(f":orange[★] **{ui.plain(one.choice.pick.name)}**, the pick{of}, {summary(one)}")
            if tied := [ui.plain(other.name) for other in one.choice.tied]:
                names = ", ".join(tied[:_NAMED]) + (f" and {len(tied) - _NAMED} more" if len(tied) > _NAMED else "")
                st.caption(f"Not told apart from it on the validation images (McNemar, p > 0.05): {names}.")
        if told := unstable_times(one.sweep.candidates):
            st.warning(f"{ui.plain(told)} They are taken again when the machine is quiet.", icon=":material/timer_off:")
    st.caption(
        "The pick has the best decision score within the limits, on images held out for choosing; the accuracy told is "
        "of the test images, which chose nothing."
    )


def more(ranked: Sequence[Ranked], dark: bool) -> None:
    """The original's other charts of each sweep, in tabs."""
    for one in ranked:
        if len(ranked) > 1:
            st.markdown(f"**{ui.plain(one.sweep.name)}**")
        figures = more_charts(one)
        for tab, (title, figure) in zip(st.tabs(list(figures)), figures.items(), strict=True):
            tab.plotly_chart(on_page(figure, dark), key=f"{title}-{one.sweep.job_id}", theme=None)
