"""A file that cannot be had says why, where its button is; and who has no project can sign out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from sqlalchemy import delete

from studio.accounts import add_user
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Member, Session
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in, still


@pytest.mark.parametrize(
    ("where", "menu", "button"),
    [
        ("", "Backup", "Download a backup"),
        ("", "Export photographs and masks", "Download as a zip"),
        ("progress", "", "Save as CSV"),
    ],
    ids=["backup", "export", "audit"],
)
def test_a_file_that_cannot_be_had_says_why(
    browser: Browser, server: Server, where: str, menu: str, button: str
) -> None:
    with writing() as db:
        ada = add_user(db, f"Ada of {button}", PASSWORD).id
    project = create_project(ada, "Bridge").id
    page = sign_in(browser, server, ada)
    page.goto(f"{server.url}/{where}?project={project}")
    settled(page)
    if menu:
        page.get_by_text(menu, exact=True).first.click()
    starter = page.get_by_role("button", name=button)
    starter.wait_for()
    still(page)
    with page.expect_download():
        starter.click()
    with writing() as db:
        db.execute(delete(Member).where(Member.user_id == ada))
    starter.click()
    page.get_by_role("alert").filter(has_text="You are not in this project").wait_for()
    with writing() as db:
        db.execute(delete(Session).where(Session.user_id == ada))
    starter.click()
    page.get_by_role("alert").filter(has_text="Sign in first").wait_for()
    page.context.close()


def test_who_has_no_project_can_sign_out_and_sees_what_happened_to_the_account(
    browser: Browser, server: Server
) -> None:
    with writing() as db:
        user = add_user(db, "Alone <b>", PASSWORD).id
    page = sign_in(browser, server, user)
    page.goto(f"{server.url}/profile")
    page.get_by_text("What happened to this account").click()
    page.get_by_text("signed in from an unknown browser").first.wait_for()
    page.get_by_text("revokes your API tokens").wait_for()
    page.get_by_role("button", name="Delete my account").click()
    page.get_by_role("textbox", name="to delete the account").fill("Alone <b>")
    page.get_by_role("textbox", name="to delete the account").press("Enter")
    page.get_by_role("button", name="Delete the account", exact=True).wait_for()
    settled(page)
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.context.close()
