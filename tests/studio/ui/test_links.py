"""Links to networks: what they open, and that they tell nothing of other projects."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from studio.projects.projects import create_project
from studio.store.database import reading
from studio.store.tables import Job
from studio.trash import deleting
from studio.ui.choose import links
from studio.ui.choose.read_sweep import Network, Sweep


def test_a_link_leads_to_a_network_of_its_project_and_else_says_why_not(swept: Sweep) -> None:
    with reading() as db:
        job = db.get_one(Job, swept.job_id)
    project_id, who = job.project_id, job.created_by
    own, other = Network(swept.job_id, "keep-0.25"), create_project(who, "Other").id
    assert links.lost(project_id, own) == ""
    unknown = links.lost(other, Network(10**9, "keep-0.25"))
    assert "not in this project" in unknown
    assert links.lost(other, own) == links.lost(other, Network(swept.job_id, "no such")) == unknown
    deleting.delete_network(project_id, who, *own)
    assert links.lost(project_id, own) == (
        "keep-0.25: this network was deleted: an admin can restore it from the trash for 30 days."
    )
    deleting.restore(project_id, who, "network", deleting.trash_of(project_id)[0].key)
    assert "there is no such network in this sweep" in links.lost(project_id, Network(swept.job_id, "../keep-0.25"))
    deleting.delete_job(project_id, who, swept.job_id)
    assert links.lost(project_id, own) == unknown
    deleting.restore(project_id, who, "job", swept.job_id)

    done = AppTest.from_function(_page, args=(project_id,), default_timeout=30)
    done.query_params["network"] = [own.key, "1", f"{10**30}/keep-0.25", "²/keep-0.25"]
    done.run()
    assert done.session_state["followed"] == [own]
    assert [warning.value for warning in done.warning] == ["This link names no network: ask for a new one."] * 3
    done.run()  # once: whoever opens others then keeps them
    assert (done.session_state["followed"], len(done.warning)) == ([], 0)


def _page(project_id: int) -> None:
    import streamlit as st

    from studio.ui.choose import links

    st.session_state["followed"] = links.followed(project_id)
