"""Home: where the project stands from photographs to a network in use, its classes, its people and its settings."""

import streamlit as st

from studio import ui
from studio.collaboration.assignment import set_overlap
from studio.images.work import set_accept_own
from studio.projects.classes import classes_of, create_class, remove_class, removed_classes, rename_class
from studio.projects.invitations import invite, open_invitations, revoke
from studio.projects.members import members_of, set_role
from studio.store.tables import ROLES
from studio.ui import backup as backup_panel
from studio.ui import copy_field, state, trash
from studio.ui.home import panel, steps
from studio.ui.images import photo_names
from studio.ui.settings import webhooks


def _set_role(project_id: int, by: int, user_id: int, seen: str) -> None:
    """Give a member the role that was chosen in their menu, or take them out."""
    wanted = state.role(user_id, seen).value
    with ui.showing_errors():
        set_role(project_id, by, user_id, None if wanted == "remove" else wanted, seen)


here = _, project, role, who = ui.here()
st.container(key="narrow").title(ui.plain(project.name))
with st.container():  # there in any case: what comes and goes would close all that is open below it
    if project.archived_at is not None:
        st.info("This project is archived: nothing in it changes.", icon=":material/archive:")
panel.show(project.id, steps.steps_of(project.id, role))
classes, people = st.columns(2, gap="medium")
with classes, st.container(border=True):
    st.header("Classes")
    st.caption("One list for both: a mask class is what somebody draws, an image class what a whole photograph shows.")
    for one in classes_of(project.id):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(
            f"<span style='color:{one.colour}'>●</span> {one.number} · {ui.plain(one.name)}",
            unsafe_allow_html=True,
            width="stretch",
        )
        if role != "admin":
            continue
        menu = row.popover(
            f"Rename or remove {ui.plain(one.name)}",
            icon=":material/edit:",
            type="tertiary",
            key=f"sign-class-{one.id}",
        )
        with menu, st.form(f"class-{one.id}", border=False), ui.showing_errors():
            name = st.text_input("Name", one.name)
            rename = st.form_submit_button("Rename")
            remove = st.form_submit_button("Remove")
            st.caption("Strokes of a removed class are hidden, not deleted: they come back with the class.")
            if rename or remove:
                if rename:
                    rename_class(project.id, who, one.id, name)
                else:
                    remove_class(project.id, who, one.id)
                st.rerun()
    if role == "admin":
        for one in removed_classes(project.id):
            if st.button(f"Bring back {ui.plain(one.name)}", key=f"back-{one.id}", type="tertiary"):
                with ui.showing_errors():
                    remove_class(project.id, who, one.id, removed=False)
                    st.rerun()
        with st.form("class", clear_on_submit=True, border=False), ui.showing_errors():
            left, right = st.columns([3, 1], vertical_alignment="bottom")
            added = left.text_input("Another class", placeholder="Spalling")
            colour = right.color_picker("Colour", "#8e4ec6")
            if st.form_submit_button("Add class"):
                create_class(project.id, who, added, colour)
                st.rerun()
with people, st.container(border=True):
    st.header("People")
    for member, has in members_of(project.id):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.markdown(ui.plain(member.name), width="stretch")
        if role != "admin":
            row.caption(has, width="content")
            continue
        row.menu_button(
            has, [*ROLES, "remove"], key=state.role(member.id, has).key, width=140,
            on_click=_set_role, args=(project.id, who, member.id, has),
        )  # fmt: skip
    if role == "admin":
        with st.form("invite", border=False):
            as_role = st.selectbox("Invite as", ROLES)
            if st.form_submit_button("Make an invitation link"):
                copy_field.link(f"/account/join/{invite(project.id, as_role, who)}", "invitation")
                st.caption("Send it to one person. It works once, within a week.")
        for invitation in open_invitations(project.id):
            row = st.container(horizontal=True, vertical_alignment="center")
            ends = ui.clock(invitation.expires_at)
            row.caption(f"Invitation as {invitation.role}, open until {ends}", width="stretch")
            if row.button("Revoke", key=f"revoke-{invitation.token_hash[:16]}", type="tertiary"):
                with ui.showing_errors():
                    revoke(project.id, who, invitation.token_hash)
                    st.rerun()
drawers = st.container(key="drawers")
if role == "admin":
    annotators = drawers.expander("Annotators per image", icon=":material/group:")
    with annotators, st.form("overlap", border=False), ui.showing_errors():
        st.markdown(
            "With two or more, each image is given to that many annotators, who do not see each other's strokes. "
            "Reviewers see all, compare them on the Review page, and settle what the mask is."
        )
        count = st.number_input("People", 1, 20, project.overlap)
        if st.form_submit_button("Save"):
            set_overlap(project.id, who, int(count))
            st.rerun()
    acceptance = drawers.expander("Acceptance", icon=":material/task_alt:")
    with acceptance, st.form("accept-own", border=False), ui.showing_errors():
        st.markdown(
            "Submitted work is accepted or returned by another reviewer or admin. Only where a project has one "
            "reviewer may they accept their own work."
        )
        own = st.checkbox("Reviewers may accept their own work", project.accept_own)
        if st.form_submit_button("Save"):
            set_accept_own(project.id, who, own)
            st.rerun()
    crops = drawers.expander("Crops of one photo", icon=":material/crop:", key="crops", on_change="rerun")
    if crops.open:  # it reads the names of all images
        with crops:
            photo_names.panel(project, who)
    with drawers.expander("Webhook", icon=":material/webhook:"):
        webhooks.project_form(project, who)

if role == "admin":
    with drawers.expander("Backup", icon=":material/backup:"):
        backup_panel.backup_link(project.id)
    with drawers.expander("Rename, archive, delete", icon=":material/settings:"):
        trash.manage_project(here)
    thrown_away = drawers.expander("Trash", icon=":material/delete:", key="trash", on_change="rerun")
    if thrown_away.open:  # its sizes take a while to find out
        with thrown_away:
            trash.show(project.id, who)
