"""What Choose, Try and Understand begin with: the project's finished sweeps and one of their networks, read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import streamlit as st

from ftl.evaluation.decision import choose
from ftl.models.classifier import Model, load_model
from ftl.sweeping.results import JSON
from studio import ui
from studio.jobs import sweeps
from studio.store.tables import Job
from studio.ui import state
from studio.ui.choose.candidate_panel import written
from studio.ui.choose.read_sweep import Network, Sweep, read_sweep


def finished_sweeps(project_id: int, title: str, text: str, icon: str) -> dict[int, Job]:
    """The project's finished sweeps by id, newest first; without any the page says so and where to go, and stops."""
    finished = {job.id: job for job in sweeps.finished_sweeps(project_id)}
    if not finished:
        ui.empty(title, text, icon)
        with st.container(horizontal=True):
            st.page_link(ui.page_file("sweep"), label="Sweep", icon=":material/content_cut:")
            st.page_link(ui.page_file("jobs"), label="Jobs", icon=":material/progress_activity:")
        ui.stop()
    return finished


def sweep_of(job: Job) -> Sweep:
    """A sweep less its deleted networks, read once as long as its results stay.

    Raises `FtlError` when a file is missing or damaged.
    """
    folder = sweeps.models(job.id)
    return _sweep(job.id, job.name, folder, written(folder / JSON)).without(sweeps.deleted_networks(job.id))


@st.cache_resource(max_entries=100, show_spinner="Reading the sweep")
def _sweep(job_id: int, name: str, folder: Path, at: float) -> Sweep:
    return read_sweep(job_id, name, folder)


def model_of(folder: Path) -> Model:
    """A network with its head, read once and warm: its first image takes longer than all others."""
    return _model(folder, written(folder / "head.safetensors"))


@st.cache_resource(max_entries=6, show_spinner="Reading the network")
def _model(folder: Path, at: float) -> Model:
    model = load_model(folder)
    side = model.network.preprocess.size
    model.probabilities([np.zeros((side, side, 3), np.uint8)])
    return model


def project_network(project_id: int) -> Network | None:
    """The network that a project picked on the Choose page."""
    picked = sweeps.picked(project_id)
    return Network(picked.job_id, picked.candidate) if picked else None


def choose_network(
    jobs: Mapping[int, Job], loaded: Mapping[int, Sweep], chosen: Network | None, widget: state.Widget[Network | None]
) -> Network:
    """One network of these sweeps; at first the project's own, else the newest sweep's recommended.

    `chosen`: the project's.
    """
    newest = next(iter(loaded.values()))
    networks = [Network(job, one.name) for job, sweep in loaded.items() for one in sweep.candidates]
    if widget.value not in networks:  # it may be of another project, or of a sweep that is gone
        best = choose(newest.candidates).pick or newest.unpruned
        widget.value = chosen if chosen in networks else Network(newest.job_id, best.name)
    return st.selectbox(
        "Network",
        networks,
        key=widget.key,
        format_func=lambda one: f"{'★ ' if one == chosen else ''}{one.name} · {jobs[one.job_id].name} · {one.job_id}",
        help="★ is the project's network, chosen on the Choose page",
    )
