"""The Choose page's part on networks that classify: what is recommended, chart, table, and networks side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from ftl.evaluation.candidate import unstable_latencies, warnings
from ftl.evaluation.recommend import Limits
from studio import ui
from studio.ui import scroll, state
from studio.ui.choose import candidate_panel, controls, links, networks, opening, overview, ranking, report_menu
from studio.ui.choose.machine_switch import on_chosen_machine
from studio.ui.choose.ranking import Ranked
from studio.ui.choose.read_sweep import Network, Sweep
from studio.ui.choose.runtime_switch import in_chosen_runtime

SIDE_BY_SIDE = 3
"""So many networks at most."""


def show(here: ui.Here, shown: Sequence[Sweep], dark: bool) -> None:
    """Draw it for these sweeps, at least one."""
    project_id = here.project.id
    page, opened = state.of(state.Choose, project_id), state.opened(project_id)

    def open_points() -> None:
        keys, boxed = overview.selected(state.points(project_id))
        if keys:
            opened.value, page.comes = keys[:SIDE_BY_SIDE], not boxed

    def open_rows() -> None:
        if chosen := state.rows(project_id).value.selection.rows:
            opened.value = [page.row_keys[row] for row in chosen][:SIDE_BY_SIDE]

    def open_it(network: Network) -> None:
        opened.value, page.comes = [network.key], True

    top = st.container()  # says what comes of the controls below it
    with st.container(horizontal=True, vertical_alignment="center"):
        places = [st.container(width="content") for _ in range(3)]  # what is asked last stands first
        with places[2]:
            shown = on_chosen_machine(project_id, shown)
        shown = in_chosen_runtime(shown)
        with places[0]:
            limits = controls.limits(project_id, shown)
        with places[1]:
            weights, margin = controls.rule()
    ranked = [ranking.rank(one, weights, limits, margin) for one in shown]
    with top:
        for one in ranked:
            _opening(here, one, one.sweep.name if len(ranked) > 1 else "", open_it)
    overview.chart(project_id, ranked, open_points, dark)
    keys, boxed = overview.selected(state.points(project_id))
    overview.table(project_id, ranked, open_rows, keys if boxed else ())
    with st.container(key="opened"):
        st.header("Candidates")
        _side_by_side(here, ranked)
    if page.comes:
        page.comes, page.turns = False, page.turns + 1
        scroll.to("opened", page.turns)
    more = st.expander("More charts", icon=":material/monitoring:", key="more", on_change="rerun")
    if more.open:  # they take as long as all the rest of the page
        with more:
            overview.more(ranked, dark)
    for sweep in shown:
        report_menu.sweep_menu(project_id, sweep.job_id, f" {ui.plain(sweep.name)}" if len(shown) > 1 else "")
    for sweep in shown:
        of = f"{ui.plain(sweep.name)}: " if len(shown) > 1 else ""
        st.caption(of + ui.plain(" ".join(sweep.notes)))


def _opening(here: ui.Here, ranked: Ranked, sweep: str, open_it: Callable[[Network], None]) -> None:
    """The recommended network of a sweep, or why there is none. `sweep`: its name, where there are several."""
    pick, network = ranked.choice.pick, ranked.pick
    if pick is None or network is None:
        clear = partial(controls.clear_limits, here.project.id) if ranked.limits != Limits() else None
        opening.none(here, sweep, ranked.problem, clear)
    else:
        words = opening.Opening(
            network, sweep, ranking.headline(ranked), ranking.details(ranked), ranked.choice.notes, warnings(pick),
            ranking.why(ranked),
        )  # fmt: skip
        opening.show(here, words, network in networks.project_networks(here.project.id), open_it)
    if unstable := unstable_latencies(ranked.sweep.candidates):
        st.warning(
            f"{ui.plain(unstable)} Such latencies are measured again when the machine is quiet.",
            icon=":material/timer_off:",
        )


def _side_by_side(here: ui.Here, ranked: Sequence[Ranked]) -> None:
    """The networks that are open, at first the recommended ones; to choose them reaches every point of the chart."""
    project_id, names = here.project.id, {one.sweep.job_id: one.sweep.name for one in ranked}
    opened = state.opened(project_id)
    known = [Network(one.sweep.job_id, member.name).key for one, member in ranking.in_order(ranked)]
    opened.value = [key for key in opened.value if key in known]
    links.keep_true(opened.value)
    st.multiselect(
        "Networks side by side",
        known,
        key=opened.key,
        max_selections=SIDE_BY_SIDE,
        placeholder="the recommended network",
        format_func=lambda key: (
            Network.of(key).name
            + (f" · {names[Network.of(key).job_id]} · {Network.of(key).job_id}" if len(names) > 1 else "")
        ),
    )
    shown = [Network.of(key) for key in opened.value] or [one.pick for one in ranked if one.pick][:SIDE_BY_SIDE]
    if not shown:
        st.info("Click a point in the chart, or choose a network here, to open it.", icon=":material/info:")
    own = networks.project_networks(project_id)
    for column, network in zip(st.columns(max(1, len(shown))), shown, strict=False):
        its = next(one for one in ranked if one.sweep.job_id == network.job_id)
        candidate = its.sweep.candidate(network.name)
        marks = {
            candidate_panel.RECOMMENDED: network == its.pick,
            ":green-badge[knee]": its.choice.knee is not None and its.choice.knee.name == network.name,
            ":gray-badge[unpruned]": candidate.is_unpruned,
            f":red-badge[{candidate.above_limit}]": bool(candidate.above_limit),
            candidate_panel.PICKED: network in own,
        }
        with column:
            candidate_panel.show(
                here, its.sweep, network.name, [mark for mark, on in marks.items() if on], wide=len(shown) == 1
            )
