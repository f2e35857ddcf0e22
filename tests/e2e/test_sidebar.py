"""The sidebar: the project of a tab, by its whole name."""

from __future__ import annotations

from playwright.sync_api import Browser

from studio.accounts import add_user
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in

LONG = "Highway bridge over the river Oder, southern abutment"


def test_the_name_of_a_project_is_read_whole(server: Server, browser: Browser) -> None:
    from playwright.sync_api import expect

    with writing() as db:
        ada = add_user(db, "Ada", PASSWORD).id
    short, long = create_project(ada, "Bridge 42").id, create_project(ada, LONG).id
    page = sign_in(browser, server, ada)
    side = page.get_by_test_id("stSidebar")
    page.goto(f"{server.url}/progress?project={long}")
    settled(page)
    expect(side.get_by_text(LONG, exact=True)).to_be_visible()
    side.get_by_test_id("stSelectbox").click()
    option = page.get_by_role("option", name=LONG)
    option.wait_for()
    assert option.locator("div").first.evaluate("one => one.scrollWidth <= one.clientWidth")  # nothing is cut off
    page.goto(f"{server.url}/progress?project={short}")
    settled(page)
    expect(side.get_by_text("Bridge 42", exact=True)).to_have_count(0)  # the choice itself has room for it
    page.context.close()
