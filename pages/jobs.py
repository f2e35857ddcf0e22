"""Jobs: what runs, how far it is, and what became of it."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ftl.formatting import NOTHING
from studio import ui
from studio.errors import StudioError
from studio.jobs import progress, queue, reporting, waiting
from studio.jobs.request import LEADS_TO, SWEEPS
from studio.store.tables import Job
from studio.ui import notifications, state, trash
from studio.ui.home import way_on
from studio.ui.jobs import comparison
from studio.ui.jobs.learning_curves import learning_chart
from studio.ui.jobs.times import times

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Jobs")
    notifications.offer()
LOOKS = {
    "queued": ("gray", "schedule", "waiting"),
    "running": ("blue", "progress_activity", "running"),
    "done": ("green", "check_circle", "done"),
    "failed": ("red", "error", "failed"),
    "cancelled": ("gray", "cancel", "cancelled"),
}

COLUMNS = {
    "Network": st.column_config.TextColumn(width=150),
    "State": st.column_config.TextColumn(width="medium"),
    "Worker": st.column_config.TextColumn(width="small"),
    "Parameters": st.column_config.NumberColumn(format="localized", width="small"),
    "Validation accuracy": st.column_config.NumberColumn("Validation", format="percent", width="small"),
    "Test accuracy": st.column_config.NumberColumn("Test", format="percent", width="small"),
    "Time in ms": st.column_config.NumberColumn("Latency in ms", format="%,.2f", width="small"),
}


def act(action: Callable[[int, int, int], None], job: Job) -> None:
    """Do what a button says, if its user still may; an error is shown at the next run."""
    with ui.showing_errors(ui.toast_next):
        action(job.project_id, job.id, ui.who())


def buttons(place: DeltaGenerator, job: Job, role: str, finished: bool, next_up: bool) -> None:
    """What can be done with a job where it stands."""

    def button(label: str, action: Callable[[int, int, int], None], **options: Any) -> None:
        place.button(label, key=f"{label}-{job.id}", on_click=act, args=(action, job), **options)

    if job.state == "done" and (page := LEADS_TO.get(job.kind)):
        if place.button(page.capitalize(), key=f"{page}-{job.id}", type="primary"):
            st.switch_page(ui.page_file(page))
    elif job.state == "done":
        if place.button("Choose", key=f"choose-{job.id}", type="primary"):
            state.of(state.Choose, job.project_id).asked = job.id
            st.switch_page(ui.page_file("choose"))
    elif role != "admin":
        return
    elif job.state in queue.UNFINISHED:
        if job.state == "queued" and not next_up:
            button("Do next", queue.prefer)
        button("Cancel", queue.cancel, disabled=job.cancel)
    else:
        if finished:
            button(
                "Finish with what is done",
                queue.settle,
                help="Measures the latency of the finished networks, and stops.",
            )
        button("Retry", queue.retry)


def show(job: Job, here: ui.Here, opened: bool, next_up: bool, turn: waiting.Turn | None, running: str) -> None:
    """One job's card; `running`: what runs now, for those that wait."""
    colour, icon, word = LOOKS[job.state]
    rows = progress.candidates(job)
    with st.container(border=True):
        right = st.container(horizontal=True, vertical_alignment="center")
        left = right.container(width="stretch", gap=None)
        left.markdown(f"**{ui.plain(job.name)}** :{colour}-badge[:material/{icon}: {word}]")
        left.caption(times(job))
        if job.state == "done" and job.unstable:
            left.caption(f":material/timer_off: {progress.unstable(job)}")
        buttons(right, job, here.role, progress.finished(rows), next_up)
        if here.role == "admin":
            with right:
                if job.kind in SWEEPS and st.button(
                    "Sweep again", key=f"again-{job.id}", help="Opens Sweep with these settings, to change some first"
                ):
                    state.basis(job.project_id).value = job.id
                    st.switch_page(ui.page_file("sweep"))
                trash.job_menu(job.project_id, here.who, job)
        if job.state == "running":
            left_over = waiting.standing(job, turn) if turn and not job.cancel else ""
            text = " · ".join(filter(None, (f"{progress.share(job):.0%}", progress.stage(job), left_over)))
            st.progress(progress.share(job), text)
        elif job.state == "queued" and turn:
            runs = f" Now runs {ui.plain(running)}." if running else ""
            st.caption(f":material/schedule: {waiting.standing(job, turn).capitalize()}.{runs}")
        if job.error:
            st.error(ui.sentence(StudioError(job.error)), icon=":material/error:")
        more = st.expander(
            "Log" if job.kind in LEADS_TO else "Networks and log",
            expanded=opened and job.state != "done",
            key=f"more-{job.id}",
            on_change="rerun",
        )
        if more.open:  # of each of many past jobs, at every tick, it would take longer than a tick lasts
            with more:
                details(job, rows)


def details(job: Job, rows: list[dict[str, Any]]) -> None:
    """A job's networks, their learning curves, and its log."""
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", column_config=COLUMNS, placeholder=NOTHING)
    if curves := progress.curves(job):
        st.caption("Loss during fine-tuning: on the early-stopping set (solid) and on the training set (dotted).")
        st.plotly_chart(learning_chart(curves), width="stretch", key=f"curves-{job.id}")
    if log := reporting.log(job.id):
        st.code(log, language=None, height=200)
    else:
        st.caption("The log is still empty.")


def all_jobs() -> None:
    """Every job of the project, newest first; who is here is looked up each time, because it runs by itself."""
    here = ui.here()
    jobs = queue.jobs_of(here.project.id)
    if not jobs:
        with ui.empty("Nothing has run yet", "Launch a sweep, and watch it here.", ":material/content_cut:"):
            way_on.show(here.project.id, here.role)
    queued = sorted((job for job in jobs if job.state == "queued"), key=lambda job: (job.place, job.id))
    shown = next((job for job in jobs if job.state == "running"), jobs[0] if jobs else None)
    turns, running = (
        (waiting.turns(), waiting.running_for(here.user.id))
        if any(job.state in queue.UNFINISHED for job in jobs)
        else ({}, "")
    )
    for job in jobs:
        show(job, here, job is shown, job in queued[:1], turns.get(job.id), running)
    comparison.show(here.project.id, [job for job in jobs if job.kind in SWEEPS])
    if any(job.state in queue.UNFINISHED for job in jobs) != state.of(state.Jobs, here.project.id).live:
        st.rerun()  # the whole page, which looks again by itself only as long as there is something to see


project_id = ui.here().project.id
page = state.of(state.Jobs, project_id)
page.live = any(job.state in queue.UNFINISHED for job in queue.jobs_of(project_id))
ui.fragment(all_jobs, run_every=1.5 if page.live else None)()
