"""The assists in a real browser: what is shown is what is taken, as one stroke, and nothing before it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.canvas.viewport import Viewport, look
from studio.images.library import add_image, set_state
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, open_tab, settled, sign_in
from tests.e2e.test_annotate import HEIGHT, WIDTH, drag, mask, opened, press, rested

PORE = (300, 170)  # high enough to be seen without scrolling


TELLS = {"Trace": "Click the two ends", "Gated brush": "Brush over a crack", "Cut out": "Draw a rectangle about",
         "Proposals": "The studio looks for cracks"}  # fmt: skip


def crack() -> np.ndarray:
    x = np.arange(40, 361)
    points = np.stack([x, 100 - 50 * np.sin(np.pi * (x - 40) / 320)], axis=1)
    fixed = np.round(points * 16).astype(np.int32)[:, None]
    return cv2.polylines(np.zeros((HEIGHT, WIDTH), np.uint8), [fixed], False, 1, 4, cv2.LINE_8, 4) > 0


def pore() -> np.ndarray:
    return cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), PORE, 18, 1, -1) > 0


@pytest.fixture(scope="module")
def owner(server: Server) -> int:
    with writing() as db:
        return add_user(db, "Ada", PASSWORD).id


@pytest.fixture(scope="module")
def tabs(browser: Browser, server: Server, owner: int) -> Iterator[BrowserContext]:
    """Ada's browser."""
    context = sign_in(browser, server, owner).context
    yield context
    context.close()


@pytest.fixture
def wall(owner: int, tmp_path: Path) -> Image:
    project = create_project(owner, "Walls")
    level = np.random.default_rng(0).normal(180, 6, (HEIGHT, WIDTH))
    level[crack() | pore()] = 50
    image = np.repeat(level.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return add_image(project.id, owner, save_png(image, tmp_path / "wall.png"), "wall.png")[0]


def choose(page: Page, name: str) -> None:
    """The Assist way, with an assist."""
    if page.get_by_text("Trace", exact=True).count() == 0:
        page.get_by_text("Assist", exact=True).click()
    page.get_by_text("Trace", exact=True).wait_for()
    settled(page)
    page.wait_for_timeout(1000)
    if name != "Trace":
        page.get_by_text(name, exact=True).click()
    page.get_by_text(TELLS[name]).wait_for()
    page.wait_for_timeout(500)
    settled(page)
    page.wait_for_timeout(1000)  # the canvas takes its listeners a moment after it is there


def click(page: Page, view: Viewport, x: float, y: float) -> None:
    box = page.locator("canvas").last.bounding_box()
    (across, down), *_ = view.to_canvas(np.array([[x, y]]))
    page.mouse.click(box["x"] + across, box["y"] + down, delay=60)
    page.wait_for_timeout(700)


def found(page: Page) -> None:
    page.get_by_text(re.compile("pixels found")).wait_for()
    settled(page)


def take(page: Page, image: Image, count: int) -> None:
    page.keyboard.press("y")
    for _ in range(200):
        if len(log.read(image.id)) == count:
            break
        page.wait_for_timeout(100)
    assert len(log.read(image.id)) == count
    page.get_by_text(re.compile("pixels found")).wait_for(state="detached")
    settled(page)
    page.wait_for_timeout(1000)


def iou(got: np.ndarray, truth: np.ndarray) -> float:
    return float((got & truth).sum() / (got | truth).sum())


def test_trace_is_shown_then_taken_or_discarded(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    choose(page, "Trace")
    view = look(WIDTH, HEIGHT)
    click(page, view, 42, 100)
    click(page, view, 358, 100)
    found(page)
    assert log.read(wall.id) == []  # shown, not taken
    page.keyboard.press("n")
    page.get_by_text(re.compile("pixels found")).wait_for(state="detached")
    settled(page)
    page.wait_for_timeout(1000)
    assert log.read(wall.id) == []
    press(page, "2", "class-2")
    page.wait_for_timeout(500)
    settled(page)
    click(page, view, 42, 100)
    click(page, view, 358, 100)
    found(page)
    take(page, wall, 1)
    row = log.read(wall.id)[0]
    assert (row.kind, row.class_number, row.geometry["over"]) == ("region", 2, False)
    assert iou(mask(page, server, wall) == 2, crack()) > 0.6
    page.close()


def test_clicks_stay_when_the_view_moves(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    choose(page, "Trace")
    click(page, look(WIDTH, HEIGHT), 42, 100)
    page.keyboard.press("i")
    page.get_by_text(re.compile("^2 ×$")).wait_for()
    for key in ("ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
        rested(page)
    page.wait_for_timeout(1000)
    click(page, look(WIDTH, HEIGHT, 2.0, (WIDTH / 2 + WIDTH / 8, HEIGHT / 2 - HEIGHT / 8)), 330, 84)
    found(page)
    take(page, wall, 1)
    got = mask(page, server, wall) == 1
    assert got[:, 50].any()
    assert got[:, 320].any()
    assert iou(got[:, :330], crack()[:, :330]) > 0.6
    page.close()


def test_the_gated_brush_and_the_cut_out_spare_other_classes(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    log.append(wall.id, owner, [Rectangle("old", 3, {"box": [180, 30, 40, 40]}, owner)])
    page = opened(open_tab(tabs), server, wall)
    choose(page, "Gated brush")
    view = look(WIDTH, HEIGHT)
    drag(page, view, (150, 60), (200, 50), (250, 60))
    found(page)
    take(page, wall, 2)
    got = mask(page, server, wall)
    assert (got[30:70, 180:220] == 3).all()
    assert ((got == 1) & ~cv2.dilate(crack().astype(np.uint8), np.ones((3, 3))).astype(bool)).sum() == 0
    assert (got[:, 165] == 1).any()
    choose(page, "Cut out")
    press(page, "2", "class-2")
    page.wait_for_timeout(1000)
    x, y = PORE
    drag(page, view, (x - 30, y - 30), (x + 30, y + 30))
    found(page)
    take(page, wall, 3)
    assert iou(mask(page, server, wall) == 2, pore()) > 0.9
    page.keyboard.press("Control+z")
    for _ in range(100):
        if len(log.read(wall.id)) == 4:
            break
        page.wait_for_timeout(100)
    assert not (mask(page, server, wall) == 2).any()
    page.close()


def test_proposals_are_accepted_one_by_one(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    choose(page, "Proposals")
    page.get_by_role("button", name="Look for cracks").click()
    page.get_by_text(re.compile("Area 1 of")).wait_for()
    page.get_by_role("button", name="Crack").click()
    for _ in range(100):
        if log.read(wall.id):
            break
        page.wait_for_timeout(100)
    row = log.read(wall.id)[0]
    assert (row.kind, row.class_number, row.geometry["over"]) == ("region", 1, False)
    assert iou(mask(page, server, wall) == 1, crack()) > 0.4
    settled(page)
    page.close()


def test_an_accepted_image_takes_nothing(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    set_state(wall.project_id, owner, [wall.id], "accepted")
    page = opened(open_tab(tabs), server, wall)
    choose(page, "Trace")
    page.get_by_text("This image is accepted").wait_for()
    click(page, look(WIDTH, HEIGHT), 42, 100)
    click(page, look(WIDTH, HEIGHT), 358, 100)
    page.keyboard.press("y")
    page.wait_for_timeout(1000)
    settled(page)
    assert log.read(wall.id) == []
    page.close()
