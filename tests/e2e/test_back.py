"""The browser's Back and Forward: one entry of its history for each page and each photograph, however fast one goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from studio.images.library import add_image
from studio.projects.projects import create_project
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import Server, settled
from tests.e2e.drawing import opened, ready


@pytest.fixture
def walls(owner: int, tmp_path: Path) -> list[Image]:
    project = create_project(owner, "Walls")
    pixels = np.random.default_rng(0).integers(150, 220, (4, 30, 40, 3)).astype(np.uint8)
    names = [f"wall-{number}.png" for number in range(len(pixels))]
    return [
        add_image(project.id, owner, save_png(one, tmp_path / name), name)[0]
        for one, name in zip(pixels, names, strict=True)
    ]


def shows(page: Page, image: Image) -> None:
    """Wait until the bar and the surface both show it, and the address names it."""
    page.locator(".st-key-image-name").get_by_text(image.name).wait_for()
    ready(page, image)
    settled(page)
    assert page.url.endswith(f"/annotate?project={image.project_id}&image={image.id}")


def test_back_shows_the_photograph_before_at_once(server: Server, page: Page, walls: list[Image]) -> None:
    opened(page, server, walls[0])
    page.get_by_role("button", name="Next image").first.click()
    shows(page, walls[1])
    page.keyboard.press("d")
    shows(page, walls[2])
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("wall-2.png is submitted.").wait_for()
    shows(page, walls[3])
    for image in (walls[2], walls[1], walls[0]):
        page.go_back()
        shows(page, image)
    for image in walls[1:]:
        page.go_forward()
        shows(page, image)


def test_a_page_of_the_sidebar_is_one_entry(server: Server, page: Page, walls: list[Image]) -> None:
    page.goto(f"{server.url}/?project={walls[0].project_id}")
    settled(page)
    page.get_by_role("link", name="Annotate").click()
    shows(page, walls[0])
    entries = page.evaluate("history.length")
    page.get_by_role("link", name="Annotate").click()  # once more, on the page itself
    page.get_by_role("button", name="Next image").first.click()
    shows(page, walls[1])
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    shows(page, walls[0])
    page.go_back()
    page.get_by_role("heading", name="Walls").wait_for()
    settled(page)
    page.go_forward()
    shows(page, walls[0])
    page.go_forward()
    shows(page, walls[1])
