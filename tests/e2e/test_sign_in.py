"""The first account, sign-in and sign-out in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from studio.jobs.studio_runs import studio_runs
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled

OWN_TYPE = "[...document.fonts].some(one => one.family.includes('Source Sans') && one.status === 'loaded')"


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One at its first start."""
    return own_server


def test_first_start_then_project_then_sign_out_and_in(server: Server, browser: Browser) -> None:
    from playwright.sync_api import expect

    link = re.search(r"http://\S+/account/join/\S+", server.log.read_text())
    assert link, "the first start prints a link"
    page = browser.new_context().new_page()
    page.set_default_timeout(30_000)
    page.goto(link[0].replace("localhost", "127.0.0.1"))
    becomes_true(page, OWN_TYPE)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button").click()
    assert "/account/join/" in page.url  # the browser itself says that ten characters are needed
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button").click()
    expect(page.get_by_text("Create a project first")).to_be_visible()
    for address in ("projects", "annotate?project=7&image=3"):  # typed by hand, and a link to what is gone
        page.goto(f"{server.url}/{address}")
        expect(page.get_by_text("Create a project first")).to_be_visible()
        settled(page)
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(3)  # Projects once, Account, Settings
    page.get_by_label("Name").fill("Bridge 42")
    page.get_by_role("button", name="Make project").click()
    expect(page.get_by_role("heading", name="Bridge 42")).to_be_visible()
    described = page.context.new_page()
    described.goto(f"{server.url}/api/")
    becomes_true(described, OWN_TYPE)
    cookie = next(one for one in page.context.cookies() if one["name"] == "studio_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert studio_runs()
    server.stop()
    assert not studio_runs()  # by which workers that wait for a quiet machine know that they can end
    server.start()
    page.goto(f"{server.url}/home")  # as typed by hand: Streamlit has this page at / alone
    expect(page.get_by_role("heading", name="Bridge 42")).to_be_visible()  # a restart signs nobody out
    expect(page.get_by_text("Page not found")).to_have_count(0)
    settled(page)
    page.get_by_role("link", name="Images").click()
    expect(page.get_by_role("heading", name="No photographs yet")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    assert "/account/sign-in" in page.url
    page.goto(server.url)
    assert "/account/sign-in" in page.url
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Bridge 42")).to_be_visible()
    reused = browser.new_context().new_page()
    reused.goto(link[0].replace("localhost", "127.0.0.1"))
    expect(reused.get_by_role("alert")).to_contain_text("used up")
