"""What the page Review shows those who draw and do not review: who does, and where their own images stand."""

from __future__ import annotations

import streamlit as st

from ftl.formatting import listed
from studio import ui
from studio.collaboration import progress
from studio.images.work import JUDGES
from studio.projects.members import members_of
from studio.store.tables import STATES


def standing(here: ui.Here) -> None:
    """Draw it: their own images alone, as in a blind project nobody sees those of others."""
    judges = [user.name for user, role in members_of(here.project.id) if role in JUDGES]
    text = (
        "What you submit on Annotate comes here to the reviewers of this project, "
        f"**{ui.plain(listed(judges))}**. They accept an image, or return it to you with a comment. "
        "To become a reviewer, ask an admin of the project."
    )
    with ui.empty("Reviewers look at your masks here", text, ":material/rate_review:"):
        found = progress.annotators(here.project.id, here.user.id)
        counts = {state: getattr(found[0], state) for state in STATES} if found else dict.fromkeys(STATES, 0)
        badges = " ".join(
            f":{ui.STATE_COLOURS[state]}-badge[{count:,} {state}]" for state, count in counts.items() if count
        )
        st.markdown(f"Your images: {badges or 'none yet'}")
        st.page_link(ui.page_file("annotate"), label="Annotate", icon=":material/brush:")
