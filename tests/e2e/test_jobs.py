"""A sweep in the browser: launched, left alone while the studio is killed, found again, cancelled, taken up again."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Locator, Page

from studio.accounts import add_user
from studio.accounts.settings import settings
from studio.jobs import queue
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in
from tests.studio.conftest import Someone
from tests.studio.jobs.test_jobs import fill, give_backbone, until


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One that is killed."""
    return own_server


WATCH = """() => {
    window.paled = [];
    const seen = marks => window.paled.push(...marks.map(mark => mark.target)
        .filter(part => part.dataset.stale === 'true').map(part => part.innerText));
    new MutationObserver(seen).observe(document.body, {subtree: true, attributeFilter: ['data-stale']});
}"""
"""Writes down what the page shows as out of date, from now on."""


def card(page: Page, text: str) -> Locator:
    """The badge of a job's state."""
    return page.get_by_test_id("stMarkdownContainer").filter(has_text=re.compile(rf"The wall.*{text}")).last


def test_a_job_outlives_tab_and_studio_and_obeys(server: Server, browser: Browser, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with writing() as db:
        ada = add_user(db, "Ada", PASSWORD).id
    project = create_project(ada, "Walls")
    own = Someone(project.id, ada)
    fill(own, tmp_path / "drawn", each=60)
    give_backbone(own)
    page = sign_in(browser, server, ada)
    page.goto(f"{server.url}/sweep?project={project.id}")
    page.get_by_role("button", name="Launch Thorough").wait_for()
    settled(page)
    ready = page.locator(".st-key-readiness")
    expect(
        ready.get_by_text("Masks on 4 photographs are few: they show a network what to look for; draw 2 more.")
    ).to_be_visible()
    expect(ready.get_by_text("wall0_7 reads like a crop of wall0")).to_be_visible()
    expect(ready.get_by_role("link")).to_contain_text(["Annotate", "Home"])
    fractions = page.get_by_role("textbox", name="Keep fractions")
    page.get_by_text("Advanced", exact=True).click()
    expect(fractions).to_have_value("0.1, 0.3")  # of Quick, whose button stands out
    page.get_by_role("button", name="Settings of Balanced").click()
    expect(fractions).to_have_value("0.05, 0.1, 0.2, 0.5")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("tiny.safetensors, iou")
    settled(page)
    page.evaluate(WATCH)
    page.get_by_text("Fine-tuned", exact=True).click()  # not, here
    expect(page.get_by_text("Changed: Further candidates tuned → –")).to_be_visible()
    settled(page)
    assert not [text for text in page.evaluate("window.paled") if "Launch Quick" in text]  # only the settings ran
    fractions.fill("a quarter")
    fractions.press("Enter")
    expect(page.get_by_test_id("stAlert").first).to_have_text(re.compile("A is no fraction: write 0.1 or 10%"))
    expect(page.get_by_role("button", name="Launch the sweep")).to_have_count(0)
    fractions.fill("25%-1/0.25")
    fractions.press("Enter")
    expect(page.get_by_text("Keep fractions 0.05, 0.1, 0.2, 0.5 → 0.25, 0.5, 0.75, 1")).to_be_visible()
    expect(page.get_by_text("5 candidates").last).to_be_visible()
    name = page.get_by_role("textbox", name="Name")
    name.fill("The wall")
    name.press("Enter")
    settled(page)
    # whoever takes a time waits for this lock, so that the job cannot end before it is cancelled
    with FileLock(Path(tempfile.gettempdir()) / f"ftl-timing-{os.getuid()}.lock"):
        page.get_by_role("button", name="Launch the sweep").click()
        card(page, "waiting|running").wait_for()
        page.close()  # the tab

        job = queue.jobs_of(project.id)[0]
        until(job, lambda: len(finished(job.id)) > 1)
        before = finished(job.id)
        server.process.kill()
        server.process.wait(15)
        server.start()
        page = sign_in(browser, server, ada)
        page.goto(f"{server.url}/jobs?project={project.id}")
        card(page, "running").wait_for()
        page.get_by_test_id("stProgress").wait_for()
        until(job, lambda: len(finished(job.id)) > len(before))
        page.get_by_role("button", name="Cancel").click()
        card(page, "cancelled").wait_for()
    assert before < finished(job.id)  # the sweep was cut off in its candidates, or in the times that come after
    settled(page)
    expect(page.get_by_role("button", name="Finish with what is done")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    card(page, "done").wait_for(timeout=400_000)
    assert len(finished(job.id)) == 5
    expect(page.get_by_role("button", name="Choose")).to_be_visible()
    page.get_by_role("button", name="Sweep again").click()
    expect(page.get_by_role("textbox", name="Keep fractions")).to_have_value("0.25, 0.5, 0.75, 1")
    expect(page.get_by_text("Changed:")).to_have_count(0)
    page.context.close()


def finished(job_id: int) -> set[str]:
    return {row.name for row in queue.candidates_of(job_id) if row.stage in ("tested", "timing", "timed")}


def test_the_owner_says_where_sweeps_are_computed(server: Server, browser: Browser, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with writing() as db:
        owner = add_user(db, "Owner", PASSWORD).id
    accept(invite(None, "admin"), owner)
    project = Someone(create_project(owner, "Bridge").id, owner)
    page = sign_in(browser, server, project.user_id)
    page.goto(f"{server.url}/settings")
    page.get_by_text("Machines of a Dask cluster").click()
    address = page.get_by_role("textbox", name="Address of the scheduler")
    address.fill("tcp://127.0.0.1:9")
    address.press("Enter")
    page.get_by_text("No Dask scheduler answers at tcp://127.0.0.1").wait_for()
    address.fill("10.0.0.5")
    address.press("Enter")
    settled(page)
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("A scheduler's address reads").wait_for()
    page.get_by_text(re.compile("This machine:")).click()
    settled(page)
    page.get_by_role("spinbutton", name="Jobs of one project").fill("4")
    page.get_by_role("spinbutton", name="Jobs of one project").press("Enter")
    settled(page)
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("Saved. It applies from the next job").wait_for()
    assert (settings().scheduler, settings().most_jobs) == ("", 4)
    page.context.close()

    with writing() as db:
        bob = add_user(db, "Bob", PASSWORD).id
    accept(invite(project.project_id, "admin"), bob)
    other = sign_in(browser, server, bob)
    other.goto(f"{server.url}/settings")
    settled(other)
    expect(other.get_by_text("Where sweeps are computed")).to_have_count(0)
    expect(other.get_by_role("link", name="Settings")).to_have_count(0)
    other.context.close()
