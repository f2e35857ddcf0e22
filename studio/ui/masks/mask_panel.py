"""One network that draws masks on the Choose page: its figures, what it draws worst and best, how it was trained."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ftl.evaluation.fastest import slower_than_float32
from ftl.evaluation.overlays import MISSED, TRUE, WRONG
from ftl.evaluation.runtimes import PYTORCH
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.files import read_json
from ftl.formatting import counted, fixed, megabytes, milliseconds, percent, short, small_percent
from ftl.models.layout import HEAD, TEST
from ftl.sweeping.tuned_networks import CURVE
from ftl.training.early_stopping import Epoch
from studio import ui
from studio.jobs import sweeps
from studio.jobs.further_job import launch_further, what_further
from studio.jobs.segmenters import mask_network, segmenter_of
from studio.ui import state, trash
from studio.ui.choose import downloads, links, networks, report_menu
from studio.ui.choose.candidate_panel import PICKED, pick_button, written
from studio.ui.choose.filter_maps import jpeg
from studio.ui.choose.read_sweep import Network
from studio.ui.jobs.learning_curves import learning_chart
from studio.ui.masks.mask_chart import MEANINGS
from studio.ui.masks.mask_photographs import Tested, compared_picture, tested_photographs, worst_and_best
from studio.ui.masks.mask_sweep import MaskSweep, further
from studio.ui.masks.mask_table import figures_of

_VIEWS = {"Photographs": ":material/image:", "Learning curve": ":material/show_chart:"}


def tested_of(job_id: int, folder: Path) -> list[Tested]:
    """The test photographs of a network, the worst drawn first, read once; without any the page says so."""
    found = _tested(folder, sweeps.workspace(job_id), written(folder / TEST))
    if not found:
        st.info("The test photographs of this sweep are not in the studio.", icon=":material/info:")
    return found


@st.cache_data(max_entries=300, show_spinner=False)
def _tested(folder: Path, workspace: Path, at: float) -> list[Tested]:
    return tested_photographs(folder, workspace)


def compared_jpeg(folder: Path, tested: Tested) -> bytes:
    """What a network draws on a test photograph beside its mask, as JPEG, drawn once."""
    return _compared(folder, written(folder / HEAD), tested)


@st.cache_data(max_entries=300, show_spinner="Drawing masks")
def _compared(folder: Path, at: float, tested: Tested) -> bytes:
    return jpeg(compared_picture(segmenter_of(folder), tested))


def show(here: ui.Here, sweep: MaskSweep, name: str) -> None:
    """Draw a network's panel."""
    candidate, folder = sweep.candidate(name), sweep.folder / name
    marks = {
        ":orange-badge[:material/star: recommended]": candidate is sweep.recommended,
        ":green-badge[best F1]": candidate is sweep.best,
        ":gray-badge[unpruned]": candidate.is_unpruned,
        PICKED: (own := Network(sweep.job_id, name)) in networks.project_networks(here.project.id),
    }
    with st.container(border=True):
        st.markdown(f"### {ui.plain(name)} {' '.join(mark for mark, on in marks.items() if on)}")
        st.caption(ui.plain(sweep.name))
        parts = st.container(horizontal=True, gap="large")  # one below the other where the window is narrow
        left, right = parts.container(width=430), parts.container()
        with left:
            _figures(candidate, sweep)
            with st.container(horizontal=True):
                downloads.menu(here.project.id, own, "panel")
                report_menu.network_menu(here.project.id, sweep.job_id, name)
                if st.button("Look inside", key=f"inside-{sweep.job_id}-{name}", icon=":material/visibility:"):
                    state.UNDERSTOOD.value = own
                    state.of(state.Tab).go = "understand"
                    st.rerun()
                links.button(here.project.id, own, "panel")
                if candidate is not sweep.recommended:  # else it stands at the top of the page
                    pick_button(here, own, is_picked=marks[PICKED])
                if here.role == "admin":
                    _train_again(here, own)
                    trash.network_menu(here.project.id, here.who, sweep.job_id, name)
            st.markdown("**Figures**, with 95 % intervals by bootstrap over photographs")
            st.table(figures_of(candidate), border="horizontal")
        with right:
            ui.fragment(_views)(sweep, folder, own.key)


def _train_again(here: ui.Here, own: Network) -> None:
    """What trains a network further."""
    known = mask_network(here.project.id, own.job_id, own.name)
    found = what_further(here.project.id, [known]).get(known)
    if found is None:
        return
    more = f": {counted(found.more, 'more photograph')} drawn" if found.more else ""
    if st.button(
        "Is being trained further" if found.runs else f"Train again{more}", key=f"further-{own.key}",
        icon=":material/model_training:", disabled=found.runs,
        help="Trains this network further on all masks of now, as a job: from its weights, with its settings, in a "
        "quarter of the steps. What tested it still tests, and what chose its threshold still does.",
    ):  # fmt: skip
        with ui.showing_errors():
            launch_further(here.project.id, here.who, own.job_id, own.name)
            st.switch_page(ui.page_file("jobs"))


def _figures(candidate: SegmentedCandidate, sweep: MaskSweep) -> None:
    """Four figures, against the unpruned network's where that draws too."""
    unpruned, against = sweep.unpruned, ["", "", "", ""]
    if unpruned is not None and candidate is not unpruned:
        against = [
            f"{fixed(100 * (candidate.test.f1.value - unpruned.test.f1.value), 1, sign=True)} points",
            f"{fixed(unpruned.time_ms / candidate.time_ms, 1)} times as fast",
            f"{small_percent(candidate.size_mb / unpruned.size_mb)} of the unpruned",
            f"{small_percent(candidate.parameters / unpruned.parameters)} of the unpruned",
        ]
    values = {
        "Test F1": percent(candidate.test.f1.value),
        "Latency, one megapixel": milliseconds(candidate.time_ms),
        "Size": megabytes(candidate.size_mb),
        "Parameters": short(candidate.parameters),
    }
    cells = st.container(horizontal=True)
    for (label, value), difference in zip(values.items(), against, strict=True):
        meaning = f"F1 {MEANINGS['F1']}" if label == "Test F1" else None
        cells.metric(label, value, difference or None, "off", delta_arrow="off", width=190, help=meaning)
    from_which = further(candidate) if candidate is not sweep.recommended else ""  # of that it stands above
    st.caption(
        ui.plain(f"A defect is drawn where it is at least {percent(candidate.threshold)} probable. {from_which}")
    )
    for sentence in slower_than_float32(candidate):
        st.caption(ui.plain(f"{ui.sentence(sentence)}"))
    if candidate.unstable:
        st.caption(f":red[:material/warning: The time is not to be relied on: {ui.plain(candidate.unstable)}.]")


def _views(sweep: MaskSweep, folder: Path, key: str) -> None:
    """The part that is looked into at leisure; it reruns alone."""
    view = st.segmented_control(
        "View", list(_VIEWS), default="Photographs", format_func=lambda view: f"{_VIEWS[view]} {view}",
        key=f"view-{key}", label_visibility="collapsed", required=True,
    )  # fmt: skip
    with ui.showing_errors():
        if view == "Photographs":
            _photographs(sweep.job_id, folder)
            if sweep.runtime != PYTORCH:
                st.caption("Drawn, and its F1 measured, in PyTorch.")
            return
        points = [Epoch(**point) for point in read_json(folder / CURVE)["epochs"]]
        chart = learning_chart({folder.name: points}, "round", "F1 %{customdata:.1f} %")
        st.plotly_chart(chart, key=f"curve-{key}", config={"displayModeBar": False})
        st.caption("Loss on the crops that it is trained on (dotted), and on the validation photographs (solid).")


def _photographs(job_id: int, folder: Path) -> None:
    if not (tested := tested_of(job_id, folder)):
        return
    st.html(legend())
    for title, members in zip(("Drawn worst", "Drawn best"), worst_and_best(tested), strict=True):
        if members:
            st.markdown(f"**{title}** of {len(tested)} test photographs")
            for column, member in zip(st.columns(2, gap="small"), members, strict=False):
                column.image(
                    compared_jpeg(folder, member), f"{ui.plain(member.name)} · {member.score}", width="stretch"
                )


def legend() -> str:
    """What the colours of `compared` mean, as HTML."""
    words = {TRUE: "drawn and true", MISSED: "missed", WRONG: "drawn, not true"}
    marks = (f'<span style="color: rgb{colour}">■</span> {text}' for colour, text in words.items())
    return " &emsp; ".join(marks)
