"""What is shown of the trash, and the questions before something is put into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st

from ftl.formatting import counted
from studio import ui
from studio.accounts.rights import SignedIn
from studio.images.library import Filter, find_ids, image_in
from studio.store.database import reading
from studio.store.tables import Job
from studio.trash import deleting, space
from studio.trash.deleting import Deleted
from studio.ui import state

_ICONS = {
    "image": "image",
    "job": "progress_activity",
    "network": "account_tree",
    "backbone": "hub",
    "project": "folder",
}
_KINDS = {"image": "Image", "job": "Job", "network": "Network", "backbone": "Network file", "project": "Project"}


def size(count: int) -> str:
    """A number of bytes for people, as 12.3 MB."""
    value, units = float(count), iter(("bytes", "kB", "MB", "GB"))
    unit = next(units)
    while value >= 1000 and unit != "GB":
        value, unit = value / 1000, next(units)
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"


def show(project_id: int, who: SignedIn) -> None:
    """Draw a project's trash, for its admins, with the way back."""
    found = deleting.trash_of(project_id)
    if not found:
        st.caption("The trash is empty.")
        return
    st.caption(f"{size(sum(thing.size for thing in found))} are freed when these are removed for good.")
    _list(found, lambda thing: (project_id, who, thing.kind, thing.key))


def show_projects(who: SignedIn) -> None:
    """Draw the deleted projects that the user can restore, if there are any."""
    if found := deleting.deleted_projects(int(who)):
        with st.expander("Deleted projects", icon=":material/delete:"):
            _list(found, lambda thing: (int(thing.key), who, thing.kind, thing.key))


def _list(found: Sequence[Deleted], about: Callable[[Deleted], tuple[int, SignedIn, str, int | str]]) -> None:
    for thing in found[:100]:
        row = st.container(horizontal=True, vertical_alignment="center")
        days = max(0, -int((time.time() - thing.until) // (24 * 3600)))
        row.markdown(
            f":material/{_ICONS[thing.kind]}: **{ui.plain(thing.name)}**  \n:small[{_KINDS[thing.kind]} · "
            f"{size(thing.size)} · deleted by {ui.plain(thing.by)} · {counted(days, 'day')} left]",
            width="stretch",
        )
        if row.button("Restore", key=f"restore-{thing.kind}-{thing.key}"):
            with ui.showing_errors():
                deleting.restore(*about(thing))
                st.rerun()
    if len(found) > 100:
        st.caption(f"And {len(found) - 100:,} more.")


def delete_images(project_id: int, who: SignedIn, image_ids: Sequence[int], done: Callable[[], None]) -> None:
    """Draw the button that deletes the selected images, and asks first."""
    menu = st.popover(
        "Delete", icon=":material/delete:", disabled=not image_ids, key="delete", on_change="rerun"
    )  # fmt: skip
    if not image_ids or not menu.open:  # how much goes takes a while to find out
        return
    with menu, ui.showing_errors():
        drawn = len(set(image_ids) & set(find_ids(project_id, Filter(drawn=True))))
        with reading(trash=True) as db:
            freed = space.of_images(db, set(image_ids))
        st.markdown(
            f"**{counted(len(image_ids), 'image')}** will go into the trash, {drawn:,} of them with a mask. An admin "
            f"can restore them for 30 days; then {size(freed)} are freed."
        )
        if st.button(f"Delete {counted(len(image_ids), 'image')}", type="primary", key="delete-images"):
            deleting.delete_images(project_id, who, image_ids)
            done()


def rename_image(project_id: int, who: SignedIn, image_id: int, done: Callable[[], None]) -> None:
    """Draw the form that gives the one selected image another name."""
    with (
        st.popover("Rename", icon=":material/edit_square:", key="rename"),
        st.form("rename", border=False),
        ui.showing_errors(),
    ):
        name = st.text_input("Name of the image", image_in(project_id, image_id).name, max_chars=200)
        if st.form_submit_button("Rename image"):
            deleting.rename_image(image_id, who, name)
            done()


def job_menu(project_id: int, who: SignedIn, job: Job) -> None:
    """Draw the menu that renames or deletes a job."""
    menu = st.popover(
        "Rename or delete", icon=":material/more_vert:", key=f"sign-job-{job.id}",
        help="Rename or delete", on_change="rerun",
    )  # fmt: skip
    if not menu.open:
        return
    with menu, ui.showing_errors():
        name = st.text_input("Name of the job", job.name, max_chars=100, key=f"name-{job.id}")
        if st.button("Rename", key=f"rename-{job.id}"):
            deleting.rename_job(project_id, who, job.id, name)
            st.rerun()
        running = "It is stopped first. " if job.state in ("queued", "running") else ""
        st.markdown(
            f"{running}The job goes into the trash with all its networks. It can be restored for 30 days; then "
            f"{size(space.of_job(job.id))} are freed."
        )
        if st.button("Delete the job", type="primary", key=f"delete-{job.id}"):
            deleting.delete_job(project_id, who, job.id)
            st.rerun()


def network_menu(project_id: int, who: SignedIn, job_id: int, name: str) -> None:
    """Draw the button that deletes one network of a sweep, and asks first."""
    menu = st.popover("Delete", icon=":material/delete:", key=f"delete-{job_id}-{name}", on_change="rerun")
    if not menu.open:
        return
    with menu, ui.showing_errors():
        st.markdown(
            f"**{ui.plain(name)}** goes into the trash; the sweep's other networks stay. It can be restored for 30 "
            f"days; then {size(space.of_network(job_id, name))} are freed."
        )
        if st.button("Delete the network", type="primary", key=f"delete-it-{job_id}-{name}"):
            deleting.delete_network(project_id, who, job_id, name)
            st.rerun()


def manage_project(here: ui.Here) -> None:
    """Draw what an admin does with a project as a whole: rename, archive, delete."""
    project, who = here.project, here.who
    archived = project.archived_at is not None
    with st.form("rename-project", border=False), ui.showing_errors():
        name = st.text_input("Name of the project", project.name, max_chars=100, disabled=archived)
        if st.form_submit_button("Rename", disabled=archived):
            deleting.rename_project(project.id, who, name)
            st.rerun()
    st.caption("In an archived project nothing changes, and it is not offered in the sidebar. It can be brought back.")
    if st.button("Bring back from the archive" if archived else "Archive the project", icon=":material/archive:"):
        with ui.showing_errors():
            deleting.archive(project.id, who, archived=not archived)
            st.rerun()
    menu = st.popover("Delete the project", icon=":material/delete:", key="delete-project", on_change="rerun")
    if not menu.open:
        return
    with menu, ui.showing_errors():
        with reading(trash=True) as db:
            freed = deleting.size_of_project(db, project.id)
        st.markdown(
            f"**{ui.plain(project.name)}** will go into the trash with all its images, masks, jobs and networks, for "
            f"everybody in it. Jobs that run are stopped. Its admins can restore it for 30 days; then {size(freed)} "
            "are freed."
        )
        typed = st.text_input("Type the project's name to delete it", key="delete-project-name")
        if st.button("Delete the project", type="primary", disabled=typed.strip() != project.name, key="delete-it"):
            deleting.delete_project(project.id, who)
            state.of(state.Tab).project_id = None
            st.rerun()


def backbone_menu(project_id: int, who: SignedIn, name: str) -> None:
    """Draw the menu that renames or deletes an uploaded backbone."""
    with st.popover("Rename or delete this file", icon=":material/more_vert:"), ui.showing_errors():
        new = st.text_input("Name of the file", name, max_chars=100, key=f"name-{name}")
        if st.button("Rename", key="rename-backbone"):
            deleting.rename_backbone(project_id, who, name, new)
            st.rerun()
        st.markdown(
            f"**{ui.plain(name)}** will go into the trash. Sweeps that are done keep what they made of it; it can be "
            f"restored for 30 days; then {size(space.of_backbone(project_id, name))} are freed."
        )
        if st.button("Delete the file", type="primary", key="delete-backbone"):
            deleting.delete_backbone(project_id, who, name)
            st.rerun()
