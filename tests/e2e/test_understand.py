"""The Understand page in a browser, from the Choose page to a photograph that was never swept; and for a stranger."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from studio.accounts import add_user
from studio.images.library import add_image
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in
from tests.tiny_sweep import add_sweep, photograph


@pytest.fixture(scope="module")
def project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """A project with a sweep and a photograph; and its admin."""
    with writing() as db:
        user = add_user(db, "Ada", PASSWORD)
    project_id = create_project(user.id, "Bridge").id
    add_sweep(project_id, user.id)
    file = photograph(tmp_path_factory.mktemp("photos") / "own.png", True)
    add_image(project_id, user.id, file, "own.png")
    return project_id, user.id


def test_a_network_is_looked_into(browser: Browser, server: Server, project: tuple[int, int], tmp_path: Path) -> None:
    page = sign_in(browser, server, project[1])
    page.goto(f"{server.url}/choose?project={project[0]}")
    look = page.get_by_role("button", name="Look inside")
    look.wait_for()
    settled(page)
    look.click()
    page.get_by_text(re.compile(r"^\d+ of 30 filters are kept")).wait_for()
    page.get_by_text("score of each filter").wait_for()
    settled(page)
    assert page.get_by_role("combobox", name="Network").input_value().startswith("keep-0.5")
    page.get_by_role("radio", name="Background").click()
    page.get_by_text("Each class keeps its own best").wait_for()
    settled(page)

    page.get_by_role("tab", name="What filters respond to").click()
    caption = page.get_by_text(re.compile(r"^filter \d+ · (IoU [01]\.\d\d|silent)$"))
    caption.first.wait_for()
    settled(page)
    told = [float(re.sub(r".*silent|.* ", "", one) or 0) for one in caption.all_inner_texts()]
    assert told == sorted(told, reverse=True)
    page.get_by_role("radio", name="One filter").click()
    page.get_by_text(re.compile(r"^Images\.png · \d+ · (IoU|silent)")).nth(7).wait_for()
    settled(page)

    page.get_by_role("tab", name="Why this prediction").click()
    page.get_by_text("The highlighted places made the prediction").wait_for()
    settled(page)
    page.get_by_text("From this computer").click()
    page.get_by_text("Nothing to look at yet").wait_for()
    settled(page)
    (tmp_path / "text.jpg").write_text("I am text")
    page.locator("input[type=file]").set_input_files(tmp_path / "text.jpg")
    page.get_by_text("The file text.jpg cannot be read as an image").wait_for()
    settled(page)
    page.locator("input[type=file]").set_input_files(photograph(tmp_path / "new.png", True))
    page.get_by_text(re.compile(r"^keep-0\.5 says (Crack|Background), [\d.]+ %$")).wait_for()
    settled(page)
    page.context.close()


def test_a_stranger_sees_nothing_of_it(browser: Browser, server: Server, project: tuple[int, int]) -> None:
    with writing() as db:
        stranger = add_user(db, "Eve", PASSWORD)
    create_project(stranger.id, "Elsewhere")
    page = sign_in(browser, server, stranger.id)
    page.goto(f"{server.url}/understand?project={project[0]}")
    page.get_by_text("No network yet").wait_for()
    settled(page)
    assert "Bridge" not in page.content()
    page.context.close()
