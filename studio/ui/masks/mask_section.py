"""The Choose page's part on networks that draw masks: chart, table, what is recommended, and one of them opened."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ftl.sweeping.mask_results import masks_csv
from studio import ui
from studio.ui import state
from studio.ui.choose import report_menu
from studio.ui.choose.machine_switch import on_chosen_machine
from studio.ui.choose.overview import CHART_CONFIG
from studio.ui.choose.read_sweep import Network
from studio.ui.choose.runtime_switch import in_chosen_runtime
from studio.ui.masks import mask_panel
from studio.ui.masks.mask_chart import MEASURES, mask_chart
from studio.ui.masks.mask_sweep import MaskSweep, reason, summary
from studio.ui.masks.mask_table import column_config, in_order, keys_of, rows_of


def show(here: ui.Here, sweeps: Sequence[MaskSweep], dark: bool) -> None:
    """Draw it for these sweeps, at least one."""
    members = [candidate for _, candidate in in_order(sweeps)]
    sweeps = in_chosen_runtime(on_chosen_machine(here.project.id, sweeps))
    project_id, keys = here.project.id, keys_of(sweeps)
    opened = state.opened_masks(project_id)

    def open_point() -> None:
        points = state.mask_points(project_id).value.selection.points
        if clicked := [point["customdata"][0] for point in points if point.get("customdata")]:
            opened.value = clicked[0]

    def open_row() -> None:
        if chosen := state.mask_rows(project_id).value.selection.rows:
            opened.value = keys[chosen[0]]

    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.selectbox("Measure", list(MEASURES), width=210)
        side = st.segmented_control(
            "Measured on", ["Test photographs", "Validation photographs"], default="Test photographs", required=True,
            help="Networks are recommended by the validation photographs. The test photographs (never used for "
            "training or selection) show what they are worth.",
        )  # fmt: skip
        log = st.toggle("Log axis", True, key="mask-log")
    tested = side == "Test photographs"
    as_chart, as_table = st.tabs([":material/scatter_plot: Chart", ":material/table_rows: Table"])
    with as_chart:
        figure = mask_chart(sweeps, measure, tested=tested, log=log, dark=dark)
        st.plotly_chart(figure, key=state.mask_points(project_id).key, theme=None, on_select=open_point,
                        selection_mode="points", config=CHART_CONFIG)  # fmt: skip
        several = max(len(candidate.classes) for sweep in sweeps for candidate in sweep.candidates) > 1
        mean = " Measures are means over the classes that occur." if several else ""
        st.caption(f"Bars are 95 % intervals and quartiles of the latency. Click a point to open it below.{mean}")
    with as_table:
        rows = rows_of(sweeps, tested=tested)
        st.dataframe(rows, key=state.mask_rows(project_id).key, hide_index=True,
                     on_select=open_row, selection_mode="single-row", column_config=column_config())  # fmt: skip
        st.download_button("All figures as CSV", masks_csv(members), "masks.csv", "text/csv",
                           icon=":material/table_view:", on_click="ignore")  # fmt: skip
    for sweep in sweeps:
        of = f" of {ui.plain(sweep.name)}" if len(sweeps) > 1 else ""
        with st.container(border=True):
            name = ui.plain(sweep.recommended.name)
            st.markdown(f":orange[★] **{name}**, recommended{of}, {ui.plain(summary(sweep))}")
            st.caption(ui.plain(reason(sweep)))
            report_menu.sweep_menu(project_id, sweep.job_id)
    st.header("Network")
    if opened.value not in keys:
        opened.value = keys[0]
    names = {sweep.job_id: sweep.name for sweep in sweeps}
    shown = Network.of(
        st.selectbox(
            "Network",
            keys,
            key=opened.key,
            label_visibility="collapsed",
            format_func=lambda key: Network.of(key).name + (
                f" · {names[Network.of(key).job_id]} · {Network.of(key).job_id}" if len(sweeps) > 1 else ""
            ),
        )
    )  # fmt: skip
    mask_panel.show(here, next(sweep for sweep in sweeps if sweep.job_id == shown.job_id), shown.name)
    for sweep in sweeps:
        of = f"{ui.plain(sweep.name)}: " if len(sweeps) > 1 else ""
        st.caption(of + ui.plain(" ".join(sweep.notes)))
