"""One candidate on the Choose page: its figures, its mistakes, its layers, what its filters answer to."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.fastest import slower_than_float32
from ftl.evaluation.runtimes import FIGURES, TITLES
from ftl.formatting import counted, fixed, megabytes, milliseconds, percent, short, small_percent
from ftl.models.layout import TEST
from ftl.sweeping.evaluate import repeated
from studio import ui
from studio.jobs import sweeps
from studio.ui import state, trash
from studio.ui.choose import candidate_details, downloads, filter_maps, links, report_menu
from studio.ui.choose.read_sweep import Network, Sweep

_PAGE = 12
_FIGURES = 400
"""Pixels across that the figures have beside the mistakes."""
RECOMMENDED = ":orange-badge[:material/star: recommended]"
PICKED = ":blue-badge[:material/verified: the project's network]"

_VIEWS = {"Mistakes": ":material/error:", "Layers": ":material/layers:", "Filters": ":material/blur_on:"}


def written(file: Path) -> float:
    """When a file was last written: cached readings of it are keyed by this."""
    return file.stat().st_mtime


@st.cache_data(max_entries=300, show_spinner=False)
def _wrong(folder: Path, at: float, runtime: str) -> candidate_details.Mistakes:
    return candidate_details.mistakes(folder, runtime)


@st.cache_data(max_entries=3000, show_spinner=False)
def _thumbnail(file: Path, at: float, side: int = 220) -> bytes:
    return candidate_details.thumbnail(file, side)


@st.cache_data(max_entries=300, show_spinner=False)
def _maps(folder: Path, at: float, layer: str, photo: Path, mask: Path) -> list[filter_maps.FilterMap]:
    return filter_maps.filter_maps(folder, layer, photo, mask)


def show(here: ui.Here, sweep: Sweep, name: str, badges: list[str], *, wide: bool) -> None:
    """Draw a candidate; `wide`: in two columns, where it stands alone."""
    one, folder = sweep.candidate(name), sweep.folder / name
    with st.container(border=True):
        st.markdown(f"### {ui.plain(name)} {' '.join(badges)}")
        st.caption(ui.plain(sweep.name))
        parts = st.container(horizontal=wide, gap="large", key=f"parts-{sweep.job_id}-{name}")
        left, right = parts.container(width=_FIGURES if wide else "stretch"), parts.container()
        with left:
            _figures(one, sweep.unpruned, folder)
            _actions(here, sweep, one, badges)
            st.markdown("**Confusion matrix**, test images")
            chart = candidate_details.confusion_chart(one.confusion, sweep.classes, st.context.theme.type == "dark")
            st.plotly_chart(chart, key=f"confusion-{sweep.job_id}-{name}", config={"displayModeBar": False})
        with right:
            ui.fragment(_views)(here.project.id, sweep, one, folder, wide)


def _figures(one: Candidate, unpruned: Candidate, folder: Path) -> None:
    """Four figures, each against the unpruned network's, how they vary where repeated, and what is suspicious."""
    accuracy, whole = shown_accuracy(one), shown_accuracy(unpruned)
    rows = (
        ("Test accuracy", percent(accuracy), f"{fixed(100 * (accuracy - whole), 1, sign=True)} points"),
        ("Latency", milliseconds(one.time_ms), f"{fixed(unpruned.time_ms / one.time_ms, 1)} times as fast"),
        ("Size", megabytes(one.size_mb), f"{small_percent(one.size_mb / unpruned.size_mb)} of the unpruned"),
        ("Parameters", short(one.parameters), f"{small_percent(one.parameters / unpruned.parameters)} of the unpruned"),
    )
    cells = st.container(horizontal=True)
    for label, value, against in rows:
        cells.metric(label, value, None if one.is_unpruned else against, "off", delta_arrow="off", width=190)
    figures = [f"validation {percent(one.accuracy)}"]
    if one.test_accuracy_low is not None and one.test_accuracy_high is not None:
        ends = f"{fixed(100 * one.test_accuracy_low, 1)} to {percent(one.test_accuracy_high)}"
        figures.insert(0, f"95 % interval {ends}")
    figures += [
        f"{what} {percent(value)}"
        for what, value in (("balanced accuracy", one.test_balanced_accuracy), ("precision", one.test_precision),
                            ("recall", one.test_recall), ("F1", one.test_f1))
        if value is not None
    ]  # fmt: skip
    if one.latency_mark:
        figures.append(one.latency_mark)
    if again := repeated(folder):
        times, (mean, deviation) = again[0], again[1]["accuracy"]
        figures.append(f"test accuracy of {times} repeats {fixed(100 * mean, 1)} ± {percent(deviation)}")
    figures += slower_than_float32(one)
    st.caption(" · ".join(figures))
    for warning in warnings(one):
        st.caption(f":red[:material/warning: {ui.plain(ui.sentence(warning))}]")


def _actions(here: ui.Here, sweep: Sweep, one: Candidate, badges: list[str]) -> None:
    """Take it home, or make it the project's."""
    with st.container(horizontal=True):
        downloads.menu(here.project.id, Network(sweep.job_id, one.name), "panel")
        report_menu.network_menu(here.project.id, sweep.job_id, one.name)
        if st.button("Look inside", key=f"inside-{sweep.job_id}-{one.name}", icon=":material/visibility:"):
            state.UNDERSTOOD.value = Network(sweep.job_id, one.name)
            state.of(state.Tab).go = "understand"
            st.rerun()
        if here.role == "admin":
            trash.network_menu(here.project.id, here.who, sweep.job_id, one.name)
        links.button(here.project.id, Network(sweep.job_id, one.name), "panel")
        if RECOMMENDED not in badges:  # else it stands at the top of the page
            pick_button(here, Network(sweep.job_id, one.name), is_picked=PICKED in badges)


def pick_button(here: ui.Here, network: Network, *, is_picked: bool, first: bool = False) -> None:
    """What makes a network the project's, for those who may and unless it is. `first`: it is the page's next step."""
    if here.role == "annotator" or is_picked:
        return
    if st.button("Make this the project's network", key=f"pick-{network.key}", icon=":material/star:",
                 type="primary" if first else "secondary"):  # fmt: skip
        with ui.showing_errors():
            sweeps.pick(here.project.id, network.job_id, network.name, here.who)
            st.rerun()


def _views(project_id: int, sweep: Sweep, one: Candidate, folder: Path, wide: bool) -> None:
    """The part that is looked into at leisure; it reruns alone."""
    key = Network(sweep.job_id, one.name).key
    view = st.segmented_control(
        "View", list(_VIEWS), default="Mistakes", format_func=lambda one: f"{_VIEWS[one]} {one}", key=f"view-{key}",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    with ui.showing_errors():
        if view == "Layers":
            st.markdown(f"**Filters kept per layer**, of {sum(sweep.unpruned.channels):,} in all")
            st.plotly_chart(candidate_details.layers_chart(one, sweep.unpruned, sweep.layers), key=f"layers-{key}",
                            config={"displayModeBar": False})  # fmt: skip
            if one.equal_scores:
                st.caption(f"In {one.equal_scores} of {len(sweep.layers)} layers filters on both sides of the cut have "
                           "equal scores: there the order of the filters decided.")  # fmt: skip
        elif view == "Filters":
            _filters(sweep, folder, key, wide)
        else:
            _mistakes(project_id, sweep, folder, key)


def _mistakes(project_id: int, sweep: Sweep, folder: Path, key: str) -> None:
    own = folder / FIGURES.get(sweep.runtime, TEST)
    at = max(written(file) for file in (folder / TEST, own) if file.is_file())
    wrong, runtime = _wrong(folder, at, sweep.runtime)
    if own.is_file() and runtime != sweep.runtime:
        st.caption(f"Of the network in PyTorch: no answers of {TITLES[sweep.runtime]} were kept.")
    if not wrong:
        st.success("It classifies every test image correctly.", icon=":material/check_circle:")
        return
    st.markdown(f"**{counted(len(wrong), 'test image')} wrong**, the most confident mistakes first")
    counts = state.of(state.Choose, project_id).mistakes
    count = counts.get(key, _PAGE)
    workspace = sweeps.workspace(sweep.job_id)
    shown = [one for one in wrong[:count] if candidate_details.within(workspace, one.file)]
    with st.container(horizontal=True, gap="small"):
        for one in shown:
            caption = f"{ui.plain(one.true)}, called {ui.plain(one.predicted)} ({percent(one.probability, 0)})"
            st.image(_thumbnail(one.file, written(one.file)), caption, width=124)
    others = [one for one in wrong[:count] if one not in shown]
    if others:
        rows = [
            {"Photograph": one.name, "Is": one.true, "Called": one.predicted, "Probability": one.probability}
            for one in others
        ]
        st.dataframe(rows, hide_index=True, column_config={"Probability": st.column_config.NumberColumn(format="%.3f")})
    if count < len(wrong) and st.button(f"Show more of the {len(wrong)}", key=f"more-{key}"):
        counts[key] = count + _PAGE
        st.rerun(scope="fragment")


def _filters(sweep: Sweep, folder: Path, key: str, wide: bool) -> None:
    pairs = filter_maps.masked_photographs(sweeps.workspace(sweep.job_id))
    if not pairs:
        st.info("The masked photographs of this sweep are not in the studio.", icon=":material/info:")
        return
    left, right = st.columns(2) if wide else (st.container(), st.container())
    photo, mask = left.selectbox("Photograph", pairs, format_func=lambda pair: pair[0].name, key=f"photo-{key}")
    layer = right.selectbox(
        "Layer", sweep.layers, format_func=lambda one: f"{sweep.layers.index(one) + 1} · {one}", key=f"layer-{key}"
    )
    found = _maps(folder, written(folder / "network.safetensors"), layer, photo, mask)
    if not found:
        st.info(
            "The unpruned network keeps all its filters, so none was ranked: open a pruned network.",
            icon=":material/info:",
        )
        return
    with st.container(horizontal=True, gap="small"):
        for one in found:
            st.image(one.picture, f"filter {one.number} · {fixed(one.score, 3)}", width=124)
    st.caption(
        "The kept filters with the best scores (below each): highlighted where they respond, with the mask outlined."
    )
