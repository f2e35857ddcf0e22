"""Projects: find one, make one, or restore one from a backup."""

import streamlit as st

from studio import ui
from studio.jobs.demo import NAME, launch_demo
from studio.projects.projects import create_project, projects_of
from studio.ui import backup as backup_panel
from studio.ui import state, trash
from studio.ui.home import projects as project_list

user = ui.signed_in()
tab = state.of(state.Tab)
projects = projects_of(user.id)
st.title("Projects")
if not projects:
    ui.empty("Create a project first", "It holds your photographs, their masks and your networks.", ":material/folder:")
else:
    project_list.show(projects)
with st.form("new", border=True), ui.showing_errors():
    st.header("New project")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.text_input("Name", placeholder="Bridge 42, south abutment")
    if row.form_submit_button("Make project", type="primary"):
        tab.project_id, tab.go = create_project(ui.who(), name).id, ""
        st.rerun()
if not any(project.name == NAME for project, _ in projects):
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown("**Look around first?** A demo project shows every page at work: drawn surfaces with cracks, "
                    "their masks, and a sweep of about six minutes.", width="stretch")  # fmt: skip
        if st.button("Make the demo project", icon=":material/play_circle:"):
            tab.project_id, tab.go = launch_demo(ui.who()).project_id, "jobs"
            st.rerun()  # the pages of a project are there from the next run on
trash.show_projects(ui.who())
with st.expander("Restore a backup", icon=":material/settings_backup_restore:", expanded=tab.restored is not None):
    backup_panel.panel(ui.who())
