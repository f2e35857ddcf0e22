"""Submit on Annotate: it asks before an empty mask of a defect's class, and counts towards the first networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.images.library import add_image, image_in, set_class
from studio.jobs.readiness import ENOUGH_MASKS
from studio.projects.classes import classes_of
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from studio.ui.annotate.header import TWICE
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled
from tests.e2e.drawing import opened, ready

ASKED = "Nothing is drawn on this image, but its image class is Crack. Submit again to hand it in empty."


@pytest.fixture
def walls(owner: int, tmp_path: Path) -> list[Image]:
    """One more than are enough."""
    project = create_project(owner, "Walls")
    pixels = np.random.default_rng(0).integers(150, 220, (ENOUGH_MASKS + 1, 30, 40, 3)).astype(np.uint8)
    names = [f"wall-{number}.png" for number in range(len(pixels))]
    return [
        add_image(project.id, owner, save_png(one, tmp_path / name), name)[0]
        for one, name in zip(pixels, names, strict=True)
    ]


def state_of(image: Image) -> str:
    return image_in(image.project_id, image.id).state


def test_an_empty_mask_of_a_crack_is_asked_about_once(
    server: Server, page: Page, owner: int, walls: list[Image]
) -> None:
    crack, *_, background = classes_of(walls[0].project_id)
    set_class(walls[0].project_id, owner, [walls[0].id], crack.id)
    set_class(walls[0].project_id, owner, [walls[1].id], background.id)
    opened(page, server, walls[0])
    submit = page.get_by_role("button", name="Submit", exact=True)
    submit.focus()
    page.keyboard.press("Enter")
    page.get_by_text(ASKED).wait_for()
    settled(page)
    assert state_of(walls[0]) == "open"
    page.wait_for_timeout(1000 * TWICE)  # the second click of a double click comes sooner, and is no answer
    page.keyboard.press("Enter")
    ready(page, walls[1])
    assert state_of(walls[0]) == "submitted"
    settled(page)
    page.wait_for_timeout(1000 * TWICE)
    submit.click()  # of Background, which has nothing to draw
    ready(page, walls[2])
    assert state_of(walls[1]) == "submitted"


def test_once_enough_masks_are_drawn_the_page_says_so_and_leads_on(
    server: Server, page: Page, owner: int, walls: list[Image]
) -> None:
    for image in walls[: ENOUGH_MASKS - 1]:
        log.append(image.id, owner, [Rectangle("box", 1, {"box": [5, 5, 9, 9]}, owner)])
    opened(page, server, walls[0])
    for button in ("Accept", "Return"):  # nobody else is in the project
        expect(page.get_by_role("button", name=button, exact=True)).to_have_count(0)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text(f"wall-0.png is submitted. {ENOUGH_MASKS - 1} of {ENOUGH_MASKS} masks are drawn.").wait_for()
    last = walls[ENOUGH_MASKS - 1]
    log.append(last.id, owner, [Rectangle("box", 1, {"box": [5, 5, 9, 9]}, owner)])
    opened(page, server, last)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_text(f"{ENOUGH_MASKS} masks drawn: enough to make networks.").wait_for()
    settled(page)
    with writing() as db:
        bob = add_user(db, "Bob", PASSWORD).id
    accept(invite(last.project_id, "annotator"), bob)
    page.keyboard.press("a")
    becomes_true(page, "before => window.ftlSurface.image.id !== before", walls[-1].id)
    expect(page.get_by_text("enough to make networks")).to_have_count(0)  # it was said
    page.get_by_role("button", name="Return", exact=True).wait_for()
