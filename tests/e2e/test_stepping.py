"""What a widget still shows is never written back: only what a person chose, for the image that they saw, is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Route

from studio.accounts import add_user
from studio.images.library import add_image, find_images, give_class, image_in, set_class
from studio.projects.audit import history
from studio.projects.classes import classes_of
from studio.projects.invitations import accept, invite
from studio.projects.members import role_of, set_role
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled, sign_in
from tests.e2e.drawing import opened, popover

STEPS = 24


@pytest.fixture(scope="module")
def people(server: Server) -> list[int]:
    with writing() as db:
        return [add_user(db, name, PASSWORD).id for name in ("Ada", "Bob")]


@pytest.fixture
def walls(people: list[int], tmp_path: Path) -> list[Image]:
    ada, bob = people
    project = create_project(ada, "Walls")
    accept(invite(project.id, "annotator"), bob)
    for number in range(6):
        pixels = np.random.default_rng(number).integers(150, 220, (30, 40, 3)).astype(np.uint8)
        add_image(project.id, ada, save_png(pixels, tmp_path / f"{number}.png"), f"wall-{number}.png")
    return find_images(project.id)


def done(walls: list[Image], user_id: int) -> list[tuple[str, int | None]]:
    """What a person did to classes, oldest first: the word, and the image."""
    lines = [line for line in reversed(history(walls[0].project_id)) if line.user_id == user_id]
    return [(line.what, line.image_id) for line in lines if line.what in ("changed", "classed")]


def test_quick_steps_store_nothing_while_a_colleague_sorts(
    server: Server, browser: Browser, people: list[int], walls: list[Image]
) -> None:
    ada, bob = people
    project_id = walls[0].project_id
    page = opened(sign_in(browser, server, ada), server, walls[0])
    rng = np.random.default_rng(0)
    expected: dict[int, int | None] = {wall.id: None for wall in walls}
    for _ in range(STEPS):
        page.keyboard.press(str(rng.choice(["d", "a", "d", "a", "u"])))
        if rng.random() < 0.4:
            wall = walls[int(rng.integers(len(walls)))]
            expected[wall.id] = classes_of(project_id)[int(rng.integers(3))].id
            set_class(project_id, bob, [wall.id], expected[wall.id])
        page.wait_for_timeout(float(rng.uniform(20, 700)))  # as a hand does: in the middle of a run, or behind it
    becomes_true(page, "new URL(location).searchParams.get('image') === String(window.ftlSurface.image.id)")
    settled(page)
    assert done(walls, ada) == []
    assert {wall.id: image_in(project_id, wall.id).class_id for wall in walls} == expected
    page.context.close()


def test_a_class_is_given_to_the_image_that_was_seen_with_the_class_it_had(
    server: Server, browser: Browser, people: list[int], walls: list[Image]
) -> None:
    ada, bob = people
    wall = walls[2]
    crack, pore, dirt, _ = (one.id for one in classes_of(wall.project_id))
    page = opened(sign_in(browser, server, ada), server, wall)
    popover(page, "Image and mask")

    def choose(name: str) -> None:
        page.get_by_role("menuitem", name=name).click()

    page.get_by_role("button", name="Image class: none").click()
    choose("Pore")
    held = list[Route]()  # news of what Bob does, which would change what Ada sees while she chooses
    page.route("**/live", lambda route: held.append(route))
    while not held:
        page.wait_for_timeout(20)
    page.get_by_role("button", name="Image class: Pore").click()
    assert image_in(wall.project_id, wall.id).class_id == pore
    assert done(walls, ada) == [("classed", wall.id)]
    give_class(wall.project_id, bob, wall.id, pore, dirt)  # while Ada's menu is open
    choose("Crack")
    page.get_by_text("The class of wall-2.png is Dirt by now: look at it again.").wait_for()
    page.unroute("**/live")  # which lets go of what is held
    settled(page)
    page.get_by_role("button", name="Image class: Dirt").click()
    assert image_in(wall.project_id, wall.id).class_id == dirt
    choose("Crack")
    page.get_by_role("button", name="Image class: Crack").wait_for()
    assert image_in(wall.project_id, wall.id).class_id == crack
    assert done(walls, ada) == [("classed", wall.id)] * 2
    page.context.close()


def test_a_role_that_another_admin_changed_is_not_written_back(
    server: Server, browser: Browser, people: list[int], walls: list[Image]
) -> None:
    ada, bob = people
    project_id = walls[0].project_id
    page = sign_in(browser, server, ada)
    page.goto(f"{server.url}/?project={project_id}")
    page.get_by_role("button", name="annotator").wait_for()
    settled(page)
    set_role(project_id, ada, bob, "reviewer")  # in another tab
    page.get_by_label("Another class").fill("Spalling")
    page.get_by_role("button", name="Add class").click()
    page.get_by_text("5 · Spalling").wait_for()
    settled(page)
    assert role_of(bob, project_id) == "reviewer"
    page.get_by_role("button", name="reviewer").click()
    set_role(project_id, ada, bob, "annotator")  # while the menu is open
    page.get_by_role("menuitem", name="admin").click()
    page.get_by_text("Bob is annotator by now: look at it again.").wait_for()
    settled(page)  # the sentence moves the page down: until the run ends, what stood there before is there too
    assert role_of(bob, project_id) == "annotator"
    page.get_by_role("button", name="annotator").click()
    page.get_by_role("menuitem", name="reviewer").click()
    page.get_by_role("button", name="reviewer").wait_for()
    assert role_of(bob, project_id) == "reviewer"
    page.context.close()
