"""The network labels ahead: people draw, it proposes on other photographs, people decide, and all see whose it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, Locator, Page, expect

from ftl.config import SweepConfig
from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.proposals import waiting_among
from studio.collaboration import drawing_order
from studio.images.library import add_image
from studio.jobs import queue
from studio.jobs.request import SweepRequest
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image, Job
from tests.conftest import save_png
from tests.dark_network import add_dark_sweep
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in, still
from tests.e2e.drawing import choose, click, drag, logged, opened, place, saved, wait_until

WIDTH, HEIGHT = 400, 300
CRACK, PORE, FAINT, DIRT = (40, 60, 300, 8), (60, 180, 40, 40), (180, 180, 40, 40), (300, 180, 40, 40)
"""What is dark on each wall: boxes x, y, width, height; one is less dark than the others."""


class Walls(NamedTuple):
    """Four photographs of a project of Ada's, in which Bob draws."""

    ada: int
    bob: int
    images: list[Image]


def wall(seed: int) -> np.ndarray:
    image = np.random.default_rng(seed).integers(180, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    for box in (CRACK, PORE, FAINT, DIRT):
        image[part(box)] = 100 if box is FAINT else 50
    return image


def part(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x, y, width, height = box
    return slice(y, y + height), slice(x, x + width)


def middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


@pytest.fixture(scope="module")
def people(server: Server) -> list[int]:
    with writing() as db:
        return [add_user(db, name, PASSWORD).id for name in ("Ada", "Bob")]


@pytest.fixture
def walls(people: list[int], tmp_path: Path) -> Walls:
    ada, bob = people
    project = create_project(ada, "Walls").id
    accept(invite(project, "annotator"), bob)
    files = [save_png(wall(seed), tmp_path / f"wall-{seed}.png") for seed in range(4)]
    return Walls(ada, bob, [add_image(project, ada, file, file.name)[0] for file in files])


@pytest.fixture
def pages(browser: Browser, server: Server, walls: Walls) -> Iterator[list[Page]]:
    """Ada's and Bob's browsers."""
    found = [sign_in(browser, server, person) for person in (walls.ada, walls.bob)]
    yield found
    for page in found:
        page.context.close()


def options(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Options of the tool")


def exported(page: Page, server: Server, project: int) -> dict[str, np.ndarray]:
    """The index masks of the project's export, by the names of their images."""
    got = page.request.get(f"{server.url}/api/projects/{project}/export.zip?format=index&images=no", max_retries=3)
    assert got.status == 200
    with zipfile.ZipFile(io.BytesIO(got.body())) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        return {Path(name).stem: np.asarray(Picture.open(io.BytesIO(archive.read(name)))) for name in names}


def test_a_network_proposes_and_people_decide(server: Server, pages: list[Page], walls: Walls) -> None:
    ada, bob = pages
    drawn, proposed = walls.images[0], walls.images[1]
    opened(bob, server, drawn)
    choose(bob, "propose")
    options(bob).get_by_role("button", name="Network").click()
    options(bob).get_by_text("No network yet").wait_for()
    bob.get_by_text("launch a sweep with networks that do").wait_for()
    with writing() as db:
        draws = SweepRequest(sweep=SweepConfig(heads=("segmented",))).model_dump(mode="json")
        job = Job(project_id=drawn.project_id, created_by=walls.ada, kind="sweep", name="Walls", settings=draws)
        db.add(job)
        job.state, job.share = "running", 0.92
    opened(bob, server, drawn)
    options(bob).get_by_text("A network is being trained: 92 %").wait_for()
    bob.get_by_text("Once it is trained, it can propose here.").wait_for()
    queue.change(job.id, state="cancelled")
    choose(bob, "brush", number=1, size=8)
    drag(bob, (44, 64), (336, 64))
    saved(bob)
    add_dark_sweep(drawn.project_id, walls.ada)

    opened(bob, server, proposed)
    choose(bob, "propose")
    expect(options(bob).get_by_role("button", name="Network")).to_have_attribute("aria-pressed", "true")  # as before
    options(bob).get_by_role("button", name="Look for cracks").click()
    options(bob).get_by_text("3 left").wait_for()
    slider = options(bob).get_by_role("slider", name="Sure from")
    expect(slider).to_have_value("50")
    slider.focus()
    for _ in range(30):
        bob.keyboard.press("ArrowLeft")
    options(bob).get_by_text("4 left").wait_for()  # it finds the faint one too
    assert slider.evaluate("one => one.matches(':focus')"), "it stays in the hand"
    for _ in range(30):
        bob.keyboard.press("ArrowRight")
    options(bob).get_by_text("3 left").wait_for()
    assert log.read(proposed.id) == []
    click(bob, middle(CRACK))
    options(bob).get_by_text("2 left").wait_for()
    bob.mouse.click(*place(bob, [middle(PORE)])[0], button="right")
    options(bob).get_by_text("1 left").wait_for()
    choose(bob, number=3)
    click(bob, middle(DIRT))
    logged(proposed, "region", "region")
    saved(bob)

    truth = np.zeros((HEIGHT, WIDTH), np.uint8)
    truth[part(CRACK)], truth[part(DIRT)] = 1, 3
    found = exported(ada, server, proposed.project_id)
    (mask,) = [found[name] for name in found if name.startswith("wall-1")]
    assert (mask == truth).all()
    assert not any(mask.any() for name, mask in found.items() if name.startswith(("wall-2", "wall-3")))

    opened(ada, server, proposed)
    choose(ada, "select")
    click(ada, middle(DIRT))
    ada.get_by_text("Proposed by keep-0.5-segmented of Walls, accepted by Bob").wait_for()
    choose(ada, "propose")
    options(ada).get_by_role("button", name="Network").click()
    options(ada).get_by_role("button", name="Look for cracks").click()
    options(ada).get_by_text("1 left").wait_for()  # neither of what Bob accepted; he alone has refused the pore


def test_the_rest_is_labelled_ahead(server: Server, pages: list[Page], walls: Walls) -> None:
    ada, bob = pages
    first, second = walls.images[:2]
    project = first.project_id
    opened(bob, server, first)
    choose(bob, "brush", number=1, size=8)
    drag(bob, (44, 64), (336, 64))
    saved(bob)
    add_dark_sweep(project, walls.ada)

    ada.goto(f"{server.url}/images?project={project}")
    settled(ada)
    ada.get_by_text("Label ahead by a network").click()
    ada.get_by_text("the 3 photographs without strokes").wait_for()
    settled(ada)
    still(ada)  # a click while the panel opens is lost
    ada.get_by_role("button", name="Label ahead", exact=True).click()
    ada.get_by_text("Proposals of keep-0.5-segmented of Walls").wait_for()
    wait_until(ada, lambda: not queue.unfinished(), 240)
    assert queue.jobs_of(project)[0].state == "done"
    assert waiting_among([image.id for image in walls.images]) == {image.id for image in walls.images[1:]}
    ada.get_by_role("button", name="Images", exact=True).click()
    settled(ada)
    expect(ada.locator(".badges span", has_text="proposed")).to_have_count(3)
    assert all(not mask.any() for name, mask in exported(ada, server, project).items() if "wall-0" not in name)

    opened(bob, server, second)
    choose(bob, "propose")
    options(bob).get_by_text("3 left").wait_for()  # at once: nobody has asked for a look
    for key in ("Enter", "Delete", "Enter"):
        bob.keyboard.press(key)
    logged(second, "region", "region")
    wait_until(bob, lambda: second.id not in waiting_among([second.id]))

    ada.reload()
    settled(ada)
    expect(ada.locator(".badges span", has_text="proposed")).to_have_count(2)

    third, last = walls.images[2:]
    drawing_order.keep(project, [(last.id, drawing_order.UNSURE), (third.id, drawing_order.UNLIKE)])
    ada.get_by_text("What to draw next").click()
    still(ada)
    ada.get_by_role("combobox", name="Order", exact=True).click()
    ada.get_by_role("option", name="what teaches most first").click()
    ada.get_by_text("2 photographs in order.").wait_for()
    ada.get_by_role("button", name="Use this order").click()
    wait_until(ada, lambda: drawing_order.order_of(project) == drawing_order.TEACHING)
    bob.get_by_role("button", name="Next for me").click()
    bob.get_by_text("next because the network is unsure of it.").wait_for()
    bob.wait_for_url(f"**image={last.id}*")
