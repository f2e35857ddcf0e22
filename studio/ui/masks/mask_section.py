"""The Choose page's part on networks that draw masks: what is recommended, chart, table, and one of them opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ftl.formatting import counted
from ftl.sweeping.mask_results import masks_csv
from studio import ui
from studio.ui import scroll, state
from studio.ui.choose import links, networks, opening, report_menu, table_filter
from studio.ui.choose.machine_switch import on_chosen_machine
from studio.ui.choose.overview import CHART_CONFIG, selected
from studio.ui.choose.read_sweep import Network
from studio.ui.choose.runtime_switch import in_chosen_runtime
from studio.ui.masks import mask_panel
from studio.ui.masks.mask_chart import MEANINGS, MEASURES, mask_chart
from studio.ui.masks.mask_sweep import MaskSweep, details, headline, reason
from studio.ui.masks.mask_table import column_config, in_order, key_of, rows_of, words_of


def show(here: ui.Here, sweeps: Sequence[MaskSweep], dark: bool) -> None:
    """Draw it for these sweeps, at least one."""
    project_id = here.project.id
    page, opened = state.of(state.Choose, project_id), state.opened_masks(project_id)

    def open_point() -> None:
        keys, boxed = selected(state.mask_points(project_id))
        if keys:
            opened.value, page.comes = keys[0], not boxed

    def open_row() -> None:
        if chosen := state.mask_rows(project_id).value.selection.rows:
            opened.value = page.row_keys[chosen[0]]

    def open_it(network: Network) -> None:
        opened.value, page.comes = network.key, True

    top = st.container()  # says what comes of the controls below it
    with st.container(horizontal=True, vertical_alignment="center"):
        sweeps = in_chosen_runtime(on_chosen_machine(project_id, sweeps))
    own = networks.project_networks(project_id)
    for sweep in sweeps:
        network = Network(sweep.job_id, sweep.recommended.name)
        of = sweep.name if len(sweeps) > 1 else ""
        unstable = sweep.recommended.unstable
        warnings = [f"the time is not to be relied on: {unstable}"] if unstable else []
        words = opening.Opening(network, of, headline(sweep), details(sweep), (), warnings, [reason(sweep)])
        with top:
            opening.show(here, words, network in own, open_it)
    tested = _chart(project_id, sweeps, open_point, dark)
    _table(project_id, sweeps, open_row, tested=tested)
    with st.container(key="opened"):
        _network(here, sweeps)
    if page.comes:
        page.comes, page.turns = False, page.turns + 1
        scroll.to("opened", page.turns)
    for sweep in sweeps:
        report_menu.sweep_menu(project_id, sweep.job_id, f" {ui.plain(sweep.name)}" if len(sweeps) > 1 else "")
    for sweep in sweeps:
        of = f"{ui.plain(sweep.name)}: " if len(sweeps) > 1 else ""
        st.caption(of + ui.plain(" ".join(sweep.notes)))


def _chart(project_id: int, sweeps: Sequence[MaskSweep], on_select: Callable[[], None], dark: bool) -> bool:
    """The chart under its own controls. Returns whether it is of the test photographs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        measure = st.selectbox("Measure", list(MEASURES), width=210, label_visibility="collapsed")
        side = st.segmented_control(
            "Measured on", ["Test photographs", "Validation photographs"], default="Test photographs", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        log = st.toggle("Log axis", True, key="mask-log")
    tested, members = side == "Test photographs", in_order(sweeps)
    machine = f", on {sweeps[0].machine}" if sweeps[0].machine else ""
    st.markdown(f"**{measure} over latency**, {side.lower()}{ui.plain(machine)}")
    st.caption(f"{measure} {MEANINGS[measure]}")
    st.plotly_chart(
        mask_chart(sweeps, measure, tested=tested, log=log, dark=dark),
        key=state.mask_points(project_id).key,
        theme=None,
        on_select=on_select,
        selection_mode=("points", "box"),
        config=CHART_CONFIG,
        alt=f"{measure} over latency of {counted(len(members), 'network')}. The table below has the same figures.",
    )
    several = max(len(candidate.classes) for _, candidate in members) > 1
    mean = " Measures are means over the classes that occur." if several else ""
    st.caption(
        "Bars are 95 % intervals and quartiles of the latency. Click a point to open it below. A box around points "
        f"(the dashed square above the chart) leaves only these in the table.{mean}"
    )
    return tested


def _table(project_id: int, sweeps: Sequence[MaskSweep], on_choose: Callable[[], None], *, tested: bool) -> None:
    """The table, of the networks in the box on the chart where one is drawn."""
    keys, boxed = selected(state.mask_points(project_id))
    every = in_order(sweeps)
    members = table_filter.show(every, words_of, key_of, keys if boxed else ())
    state.of(state.Choose, project_id).row_keys = [key_of(member) for member in members]
    st.dataframe(rows_of(members, tested=tested), key=state.mask_rows(project_id).key, hide_index=True,
                 on_select=on_choose, selection_mode="single-row", column_config=column_config())  # fmt: skip
    figures = masks_csv([candidate for _, candidate in every])
    st.download_button("All figures as CSV", figures, "masks.csv", "text/csv", icon=":material/table_view:",
                       on_click="ignore")  # fmt: skip


def _network(here: ui.Here, sweeps: Sequence[MaskSweep]) -> None:
    """The network that is open, at first the recommended one; the choice of it reaches every point of the chart."""
    st.header("Network")
    opened, keys = state.opened_masks(here.project.id), [key_of(member) for member in in_order(sweeps)]
    if opened.value not in keys:
        opened.value = keys[0]
    links.keep_true([opened.value])
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
