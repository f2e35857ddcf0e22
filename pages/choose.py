"""Choose: all candidates on one chart, limits and weights to move, and a closer look at each."""

import streamlit as st

from studio import ui
from studio.ui import state
from studio.ui.choose import candidate_panel, controls, networks, overview, ranking, report_menu
from studio.ui.choose.machine_switch import on_chosen_machine
from studio.ui.choose.read_sweep import Network
from studio.ui.choose.runtime_switch import in_chosen_runtime
from studio.ui.masks import mask_section

CLASSIFY, DRAW = ":material/category: Classify", ":material/gesture: Draw masks"

here = ui.here()
title, which = st.columns([2, 5], gap="medium", vertical_alignment="center")
title.title("Choose")
finished = networks.finished_sweeps(
    here.project.id,
    "No sweep has finished yet",
    "Launch a sweep, wait until it is done, then choose a network here.",
    ":material/scatter_plot:",
)
page = state.of(state.Choose, here.project.id)
open_keys, chosen_sweeps = state.opened(here.project.id), state.sweeps(here.project.id)


def open_points() -> None:
    """What was clicked on the chart is shown below, up to three side by side."""
    points = state.points(here.project.id).value.selection.points
    keys = list(dict.fromkeys(point["customdata"][0] for point in points if point.get("customdata")))
    if keys:
        open_keys.value = keys[:3]


def open_rows() -> None:
    """The rows chosen in the table, likewise."""
    if chosen := state.rows(here.project.id).value.selection.rows:
        open_keys.value = [page.row_keys[row] for row in chosen][:3]


asked, page.asked = page.asked, None
if asked is not None and asked in finished:
    chosen_sweeps.value = [asked]
kept = [job_id for job_id in chosen_sweeps.value if job_id in finished]
chosen_sweeps.value = kept or [next(iter(finished))]
if len(finished) > 1:
    which.multiselect(
        "Sweeps", list(finished), key=chosen_sweeps.key, format_func=lambda one: f"{finished[one].name} · {one}",
        label_visibility="collapsed", placeholder="Choose sweeps",
    )  # fmt: skip
if not chosen_sweeps.value:
    st.info("Choose at least one sweep.", icon=":material/info:")
    ui.stop()
dark = st.context.theme.type == "dark"
classify, draw = (list(filter(has, chosen_sweeps.value)) for has in (networks.classifies, networks.draws))
task = DRAW if draw else CLASSIFY
if classify and draw:
    task = st.segmented_control(
        "What the networks do", [CLASSIFY, DRAW], default=CLASSIFY, required=True, key="task",
        label_visibility="collapsed",
    )  # fmt: skip
if task == DRAW:
    with ui.showing_errors():
        if drawing := networks.mask_sweeps(finished[one] for one in draw):
            mask_section.show(here, drawing, dark)
        else:
            st.info("All networks that draw masks were deleted from these sweeps.", icon=":material/info:")
    ui.stop()
shown = []
with ui.showing_errors():
    shown = [networks.sweep_of(finished[one]) for one in classify]
if not shown:
    ui.stop()

shown = in_chosen_runtime(on_chosen_machine(here.project.id, shown))
side, main = st.columns([2, 5], gap="medium")
with side:
    with st.container(border=True):
        st.markdown("**Limits**")
        limits = controls.limits(here.project.id, shown)
    with st.container(border=True):
        st.markdown("**Recommend by**", help="Tests on the validation images, or a decision score as the original's.")
        weights, margin = controls.rule()
ranked = [ranking.rank(one, weights, limits, margin) for one in shown]
page.row_keys = [Network(one.sweep.job_id, candidate.name).key for one, candidate in ranking.in_order(ranked)]
with main:
    as_chart, as_table = st.tabs([":material/scatter_plot: Chart", ":material/table_rows: Table"])
    with as_chart:
        overview.chart(here.project.id, ranked, open_points, dark)
    with as_table:
        overview.table(here.project.id, ranked, open_rows)
    overview.verdicts(ranked)
    for one in shown:
        report_menu.sweep_menu(here.project.id, one.job_id, f" {ui.plain(one.name)}" if len(shown) > 1 else "")

known = [Network(one.job_id, member.name).key for one in shown for member in one.candidates]
open_keys.value = [key for key in open_keys.value if key in known]
st.header("Candidates")
names = {one.job_id: one.name for one in shown}
st.multiselect(
    "Networks side by side",
    known,
    key=open_keys.key,
    max_selections=3,
    placeholder="the recommended network",
    format_func=lambda key: (
        Network.of(key).name
        + (f" · {names[Network.of(key).job_id]} · {Network.of(key).job_id}" if len(shown) > 1 else "")
    ),
)
opened = [Network.of(key) for key in open_keys.value] or [one.pick for one in ranked if one.pick][:3]
if not opened:
    st.info("Click a point in the chart, or choose a network here, to open it.", icon=":material/info:")
project_picks = networks.project_networks(here.project.id)
for column, network in zip(st.columns(max(1, len(opened))), opened, strict=False):
    its = next(one for one in ranked if one.sweep.job_id == network.job_id)
    candidate = its.sweep.candidate(network.name)
    marks = {
        ":orange-badge[:material/star: recommended]": network == its.pick,
        ":green-badge[knee]": its.choice.knee is not None and its.choice.knee.name == network.name,
        ":gray-badge[unpruned]": candidate.is_unpruned,
        f":red-badge[{candidate.above_limit}]": bool(candidate.above_limit),
        candidate_panel.PICKED: network in project_picks,
    }
    with column:
        candidate_panel.show(
            here, its.sweep, network.name, [mark for mark, on in marks.items() if on], wide=len(opened) == 1
        )

more = st.expander("More charts", icon=":material/monitoring:", key="more", on_change="rerun")
if more.open:  # they take as long as all the rest of the page
    with more:
        overview.more(ranked, dark)
for one in shown:
    of = f"{ui.plain(one.name)}: " if len(shown) > 1 else ""
    st.caption(of + ui.plain(" ".join(one.notes)))
