"""A browser on any page of the studio is told, once, that a job has ended."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Locator, Page

from studio.accounts import add_user
from studio.jobs import queue
from studio.jobs.request import SweepRequest
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled, sign_in

_SPY = """
window.told = [];
window.Notification = class { constructor(title, more) { window.told.push([title, more.body]); } };
Object.defineProperty(window.Notification, "permission", { get: () => "granted" });
"""
"""Writes down what the browser would show to who has allowed it; a headless shell allows nobody."""


def test_a_browser_hears_once_of_a_job_that_ends_on_any_page(
    server: Server, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import expect

    monkeypatch.setattr(queue, "start_worker", lambda: None)
    with writing() as db:
        ada = add_user(db, "Ada", PASSWORD).id
    project = create_project(ada, "Walls")
    page = sign_in(browser, server, ada)
    page.add_init_script(_SPY)
    page.goto(f"{server.url}/images?project={project.id}")
    settled(page)
    other = page.context.new_page()
    other.add_init_script(_SPY)
    other.goto(f"{server.url}/jobs?project={project.id}")
    settled(other)
    for tab in (page, other):
        _listens(tab)
    expect(other.get_by_role("button", name="Notify me when my jobs end")).to_have_count(0)  # they are allowed
    job = queue.launch(project.id, ada, "sweep", "The <b>wall</b>", SweepRequest())
    queue.change(job.id, state="done", ended_at=time.time())
    tabs = page, other
    for tab in tabs:
        becomes_true(tab, "document.title.startsWith('✓ ')")
    assert [note for tab in tabs for note in tab.evaluate("window.told")] == [["The <b>wall</b> is done", "Walls"]]
    page.get_by_role("heading", name="Images").click()  # whoever comes to look has seen it
    becomes_true(page, "!document.title.startsWith('✓')")
    page.reload()
    _listens(page)
    failed = queue.launch(project.id, ada, "sweep", "Another", SweepRequest())
    queue.change(failed.id, state="failed", error="no masks", ended_at=time.time())
    for tab in tabs:
        becomes_true(tab, "document.title.startsWith('✗ ')")
    told = [note for tab in tabs for note in tab.evaluate("window.told")]
    assert told.count(["Another has failed", "Walls: no masks"]) == 1
    page.context.close()


def _listens(page: Page) -> None:
    """Wait until the page asks for notices: it never learns of what another tab was given before."""
    becomes_true(page, "!!window.ftlNotices")


def _asks(page: Page, server: Server, project: int, permission: str, answer: str) -> Locator:
    """Open Jobs in a browser whose permission, and whose answer to who asks for it, these scripts give; the button."""
    page.add_init_script(f"Object.defineProperty(Notification, 'permission', {{ get: () => {permission} }});"
                         f"Notification.requestPermission = async () => {answer};")  # fmt: skip
    page.goto(f"{server.url}/jobs?project={project}")
    return page.get_by_role("button", name="Notify me when my jobs end")


def test_who_has_not_allowed_notifications_is_asked_and_sees_the_title(
    server: Server, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    with writing() as db:
        bob = add_user(db, "Bob", PASSWORD).id
    project = create_project(bob, "Tunnel")
    page = sign_in(browser, server, bob)
    ask = _asks(page, server, project.id, "window.says ?? 'default'", "(window.says = 'granted')")
    ask.click()
    ask.wait_for(state="detached")
    job = queue.launch(project.id, bob, "sweep", "The wall", SweepRequest())
    queue.change(job.id, state="done", ended_at=time.time())
    becomes_true(page, "document.title.startsWith('✓ ')")
    page.context.close()


def test_that_a_browser_blocks_notifications_is_said_to_who_asks_for_them(server: Server, browser: Browser) -> None:
    with writing() as db:
        cleo = add_user(db, "Cleo", PASSWORD).id
    project = create_project(cleo, "Dam")
    page = sign_in(browser, server, cleo)
    ask = _asks(page, server, project.id, "'denied'", "'denied'")
    ask.wait_for()
    assert page.get_by_text("blocks notifications").count() == 0
    ask.click()
    page.get_by_text("Your browser blocks notifications: allow them in its settings for this site").wait_for()
    page.context.close()
