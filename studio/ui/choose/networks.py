"""What Choose, Try and Understand begin with: the project's finished sweeps and one of their networks, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from ftl.evaluation.decision import choose
from ftl.models.classifier import Model, load_model
from ftl.models.layout import HEAD
from ftl.sweeping.results import JSON
from studio import ui
from studio.jobs import sweeps
from studio.jobs.waiting import networks_to_come
from studio.store.tables import Job
from studio.ui import state
from studio.ui.choose.candidate_panel import written
from studio.ui.choose.read_sweep import Network, Sweep, read_sweep
from studio.ui.home import way_on
from studio.ui.masks.mask_sweep import MaskSweep, read_mask_sweep


def finished_sweeps(project_id: int, title: str, text: str, icon: str) -> dict[int, Job]:
    """The project's finished sweeps by id, newest first; without any the page says so and where to go, and stops.

    `text`: what to do where none runs or waits; else the page says how long that takes, and comes by itself.
    """
    finished = {job.id: job for job in sweeps.finished_sweeps(project_id)}
    if not finished:
        coming = bool(networks_to_come(project_id))
        ui.fragment(_none_yet, run_every=5 if coming else None)(project_id, title, text, icon, coming=coming)
        ui.stop()
    return finished


def _none_yet(project_id: int, title: str, text: str, icon: str, *, coming: bool) -> None:
    """Draw the page before the first sweep has finished; of the whole page anew once one has, or has failed."""
    text_of_job = networks_to_come(project_id)
    if coming and not text_of_job:
        st.rerun()
    with ui.empty(title, ui.plain(text_of_job) or text, icon):
        if text_of_job:
            st.page_link(ui.page_file("jobs"), label="Jobs", icon=":material/progress_activity:")
        else:
            way_on.show(project_id, ui.here().role)


def classifies(job_id: int) -> bool:
    """Whether a finished sweep has networks that classify."""
    return (sweeps.models(job_id) / sweeps.CLASSIFIERS).is_file()


def draws(job_id: int) -> bool:
    """Whether a finished sweep has networks that draw masks."""
    return (sweeps.models(job_id) / sweeps.SEGMENTERS).is_file()


def sweep_of(job: Job) -> Sweep:
    """A sweep less its deleted networks, read once as long as its results stay.

    Raises `FtlError` when a file is missing or damaged.
    """
    folder = sweeps.models(job.id)
    return _sweep(job.id, job.name, folder, written(folder / JSON)).without(sweeps.deleted_networks(job.id))


@st.cache_resource(max_entries=100, show_spinner="Reading the sweep")
def _sweep(job_id: int, name: str, folder: Path, at: float) -> Sweep:
    return read_sweep(job_id, name, folder)


def mask_sweeps(jobs: Iterable[Job]) -> list[MaskSweep]:
    """Of sweeps that have networks which draw masks, those that are left, read as by `sweep_of`."""
    found = []
    for job in jobs:
        if draws(job.id):
            folder, deleted = sweeps.models(job.id), frozenset(sweeps.deleted_networks(job.id))
            found.append(_mask_sweep(job.id, job.name, folder, written(folder / sweeps.SEGMENTERS), deleted))
    return [sweep for sweep in found if sweep is not None]


@st.cache_resource(max_entries=100, show_spinner="Reading the sweep")
def _mask_sweep(job_id: int, name: str, folder: Path, at: float, deleted: frozenset[str]) -> MaskSweep | None:
    return read_mask_sweep(job_id, name, folder, deleted)


def model_of(folder: Path) -> Model:
    """A network with its head, read once and warm: its first image takes longer than all others."""
    return _model(folder, written(folder / HEAD))


@st.cache_resource(max_entries=6, show_spinner="Reading the network")
def _model(folder: Path, at: float) -> Model:
    model = load_model(folder)
    side = model.network.preprocess.size
    model.probabilities([np.zeros((side, side, 3), np.uint8)])
    return model


def project_networks(project_id: int) -> list[Network]:
    """The networks that a project picked on the Choose page, one for each task, the one that was picked last first."""
    return [Network(pick.job_id, pick.candidate) for pick in sweeps.picked(project_id).values()]


def choose_network(
    jobs: Mapping[int, Job],
    loaded: Mapping[int, Sweep],
    chosen: Sequence[Network],
    widget: state.Widget[Network | None],
    drawing: Sequence[MaskSweep] = (),
) -> Network:
    """One network of these sweeps; at first the project's own, else the newest sweep's recommended.

    `chosen`: the project's, the first of them before the others. `drawing`: sweeps whose networks that draw masks can
    be chosen too.
    """
    networks = [Network(job, one.name) for job, sweep in loaded.items() for one in sweep.candidates]
    draw_masks = [Network(sweep.job_id, one.name) for sweep in drawing for one in sweep.candidates]
    networks += draw_masks
    if not networks:
        st.info(
            "All networks of these sweeps were deleted. For 30 days an admin can restore them from the trash on Home.",
            icon=":material/info:",
        )
        ui.stop()
    if widget.value not in networks:  # it may be of another project, or of a sweep that is gone
        if loaded:
            newest = next(iter(loaded.values()))
            best = Network(newest.job_id, (choose(newest.candidates).pick or newest.unpruned).name)
        else:
            best = Network(drawing[0].job_id, drawing[0].recommended.name)
        widget.value = next((network for network in chosen if network in networks), best)

    def title(network: Network) -> str:
        star = "★ " if network in chosen else ""
        task = " (draws masks)" if network in draw_masks else ""
        return f"{star}{network.name}{task} · {jobs[network.job_id].name} · {network.job_id}"

    return st.selectbox(
        "Network",
        networks,
        key=widget.key,
        format_func=title,
        help="★ is the project's network for what it does, chosen on the Choose page",
    )
