"""Forms for the addresses that hear of jobs: the studio's, for its owner, and a project's, for its admins."""

from __future__ import annotations

import streamlit as st

from studio import ui
from studio.accounts.settings import settings
from studio.jobs import webhook
from studio.store.tables import Project

_ADDRESS = "https://chat.example.com/hook"
_HELP = (
    "Gets a POST with JSON (job, name, state, link) when a job is done or has failed. It has ten seconds to answer, "
    "and is tried three times; the job's log tells what fails."
)


def studio_form(owner: int) -> None:
    """The studio's own address, whether others may lie in a private network, and the address of the studio's links."""
    now = settings()
    with st.form("webhook"), ui.showing_errors():
        st.header("When a job ends")
        address = st.text_input("Webhook for all projects", now.webhook, placeholder=_ADDRESS, help=_HELP)
        private = st.checkbox(
            "Webhooks may be within this network",
            now.private_webhooks,
            help="Then projects' admins too can have this machine ask any address that it reaches, this machine's own "
            "included, without https. Leave it off where they are not trusted with that.",
        )
        root = st.text_input(
            "Address of this studio",
            now.address,
            placeholder="https://studio.example.com",
            help="what links begin with",
        )
        if st.form_submit_button("Save"):
            webhook.set_for_studio(owner, address.strip(), private=private, root=root.strip())
            st.toast("Saved. It applies from the next job that ends.", icon=":material/check:")


def project_form(project: Project, who: int) -> None:
    """A project's own address."""
    with st.form("project-webhook", border=False), ui.showing_errors():
        st.markdown("Another program, such as a chat, can hear of jobs that are done or have failed.")
        address = st.text_input("Webhook", project.webhook, placeholder=_ADDRESS, help=_HELP)
        if st.form_submit_button("Save"):
            webhook.set_for_project(project.id, who, address.strip())
            st.rerun()
