"""Understand: which filters stayed, what they see, and why a network answers as it does."""

import streamlit as st

from studio import ui
from studio.jobs import sweeps
from studio.ui import state
from studio.ui.choose import networks
from studio.ui.choose.candidate_panel import written
from studio.ui.explain import panel

here = ui.here()
title, which = st.columns([2, 3], gap="medium")
title.title("Understand")
finished = networks.finished_sweeps(
    here.project.id, "No network yet", "Launch a sweep; its networks can be looked into here.", ":material/visibility:"
)
with ui.showing_errors():
    loaded = {job.id: networks.sweep_of(job) for job in finished.values() if networks.classifies(job.id)}
    drawing = networks.mask_sweeps(finished.values())
    chosen = networks.project_networks(here.project.id)
    with which:
        network = networks.choose_network(finished, loaded, chosen, state.UNDERSTOOD, drawing)
    folder = sweeps.network(here.project.id, network.job_id, network.name)
    layers = panel.layers_left(folder, written(folder / "network.json"))
    draws = next((own for own in drawing if own.has(network.job_id, network.name)), None)
    subject = panel.Subject(here, draws or loaded[network.job_id], network.name, folder, layers)
    parts = {
        ":material/content_cut: What was pruned": panel.pruned,
        ":material/visibility: What filters respond to": panel.sees,
    }
    parts |= (
        {":material/gesture: What it draws": panel.draws}
        if draws
        else {":material/help: Why this prediction": panel.answers_why}
    )
    for tab, draw in zip(st.tabs(list(parts), key="part", on_change="rerun"), parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(subject)
