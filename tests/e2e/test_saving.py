"""What is taken out of the studio: files, or why they cannot be had, and links; and who has no project can sign out."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page
from sqlalchemy import delete

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.images.library import add_image
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Member, Session
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in, still


@pytest.mark.parametrize(
    ("where", "menu", "button"),
    [
        ("", "Backup", "Download a backup"),
        ("images", "Export photographs and masks", "Download as a zip"),
        ("progress", "", "Save as CSV"),
    ],
    ids=["backup", "export", "audit"],
)
def test_a_file_that_cannot_be_had_says_why(
    browser: Browser, server: Server, tmp_path: Path, where: str, menu: str, button: str
) -> None:
    with writing() as db:
        ada = add_user(db, f"Ada of {button}", PASSWORD).id
    project = create_project(ada, "Bridge").id
    Image.new("RGB", (40, 30), "grey").save(tmp_path / "south.jpg")
    add_image(project, ada, tmp_path / "south.jpg", "south.jpg")
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


def test_the_export_that_is_offered_first_is_for_the_eye(browser: Browser, server: Server, tmp_path: Path) -> None:
    with writing() as db:
        ada = add_user(db, "Ada who exports", PASSWORD).id
    project = create_project(ada, "Bridge").id
    Image.new("RGB", (40, 30), "grey").save(tmp_path / "south.jpg")
    wall, _ = add_image(project, ada, tmp_path / "south.jpg", "IMG 0042.jpg")
    log.append(wall.id, ada, [Rectangle("box", 1, {"box": [3, 4, 20, 2]})])
    page = sign_in(browser, server, ada)
    page.goto(f"{server.url}/images?project={project}")
    settled(page)
    page.get_by_text("Export photographs and masks", exact=True).click()
    starter = page.get_by_role("button", name="Download as a zip")
    starter.wait_for()
    still(page)
    with page.expect_download() as download:
        starter.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = {*archive.namelist()}
        mask = np.asarray(Image.open(io.BytesIO(archive.read("Segmented/Crack/IMG 0042.png"))))
    assert names == {"Images/Crack/IMG 0042.jpg", "Segmented/Crack/IMG 0042.png", "classes.json", "images.json"}
    assert (np.unique(mask).tolist(), (mask == 255).sum()) == ([0, 255], 40)
    page.context.close()


def invited(page: Page, server: Server, project: int) -> Locator:
    """Make an invitation link on Home; where it is shown."""
    page.goto(f"{server.url}/?project={project}")
    settled(page)
    page.get_by_role("button", name="Make an invitation link").click()
    shown = page.locator("code", has_text="/account/join/")
    shown.wait_for()
    settled(page)
    return shown


def test_an_invitation_is_shown_whole_and_copied(browser: Browser, server: Server) -> None:
    with writing() as db:
        ada = add_user(db, "Ada who invites", PASSWORD).id
    project = create_project(ada, "Bridge").id
    page = sign_in(browser, server, ada)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = invited(page, server, project)
    page.get_by_text("This link opens on this computer only").wait_for()  # of 127.0.0.1
    assert shown.evaluate("one => one.scrollWidth <= one.clientWidth")  # nothing of it is cut off
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("button", name="Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == shown.inner_text()
    assert re.fullmatch(rf"{server.url}/account/join/\S+", copied)
    page.context.close()


def test_without_a_clipboard_the_text_is_copied_or_stays_selected(browser: Browser, server: Server) -> None:
    with writing() as db:
        ada = add_user(db, "Ada over http", PASSWORD).id
    project = create_project(ada, "Bridge").id
    page = sign_in(browser, server, ada)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    link = invited(page, server, project).inner_text()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("button", name="Copied", exact=True).wait_for()
    field = page.get_by_role("textbox", name="Text to copy")
    assert field.evaluate("one => one.scrollHeight <= one.clientHeight")  # nothing of it is cut off
    other = page.get_by_role("textbox", name="Another class")
    other.press("Control+V")
    assert other.input_value() == link
    page.evaluate("document.execCommand = () => true")  # as browsers do that copy nothing
    page.get_by_role("button", name="Copied", exact=True).click()
    page.get_by_role("button", name="Selected: copy it", exact=True).wait_for()
    assert field.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)") == link
    assert field.evaluate("one => one === one.getRootNode().activeElement")
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
