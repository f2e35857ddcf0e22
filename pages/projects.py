"""Projects: find one, make one, or restore one from a backup."""

import streamlit as st

from studio import ui
from studio.projects.projects import projects_of
from studio.ui import backup as backup_panel
from studio.ui import state, trash
from studio.ui.home import projects as project_list
from studio.ui.home import ways_in

user = ui.signed_in()
projects = projects_of(user.id)
st.container(key="narrow").title("Projects")
if projects:
    project_list.show(projects)
st.header("New project" if projects else "Create a project first")
ways_in.show([project for project, _ in projects])
trash.show_projects(ui.who())
restored = state.of(state.Tab).restored
with st.expander("Restore a backup", icon=":material/settings_backup_restore:", expanded=restored is not None):
    backup_panel.panel(ui.who())
