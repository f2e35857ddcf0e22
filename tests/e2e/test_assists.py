"""The assists in a real browser: what is shown is what is taken, as one stroke, and nothing before it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page

from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.images.library import add_image, set_state
from studio.projects.projects import create_project
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import Server, becomes_true, open_tab, settled
from tests.e2e.drawing import click, drag, logged, opened, place, stored

WIDTH, HEIGHT = 400, 300
PORE = (300, 220)


def crack() -> np.ndarray:
    x = np.arange(40, 361)
    points = np.stack([x, 100 - 50 * np.sin(np.pi * (x - 40) / 320)], axis=1)
    fixed = np.round(points * 16).astype(np.int32)[:, None]
    return cv2.polylines(np.zeros((HEIGHT, WIDTH), np.uint8), [fixed], False, 1, 4, cv2.LINE_8, 4) > 0


def pore() -> np.ndarray:
    return cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), PORE, 18, 1, -1) > 0


@pytest.fixture
def wall(owner: int, tmp_path: Path) -> Image:
    project = create_project(owner, "Walls")
    level = np.random.default_rng(0).normal(180, 6, (HEIGHT, WIDTH))
    level[crack() | pore()] = 50
    image = np.repeat(level.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    return add_image(project.id, owner, save_png(image, tmp_path / "wall.png"), "wall.png")[0]


@pytest.fixture
def page(server: Server, tabs: BrowserContext, wall: Image) -> Iterator[Page]:
    tab = opened(open_tab(tabs), server, wall)
    yield tab
    settled(tab)
    tab.close()


def choose(page: Page, tool: str) -> None:
    page.locator(f"[data-tool={tool}]").click()
    assert page.evaluate("window.ftlSurface.state.tool") == tool


def options(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Options of the tool")


def iou(got: np.ndarray, truth: np.ndarray) -> float:
    return float((got & truth).sum() / (got | truth).sum())


def test_trace_follows_the_pointer_and_is_taken(server: Server, page: Page, wall: Image) -> None:
    choose(page, "trace")
    page.keyboard.press("2")
    click(page, (42, 100))
    page.mouse.move(*place(page, [(358, 100)])[0], steps=4)
    # the way to the pointer is the crack's, which leaves the straight line by 50 pixels
    becomes_true(page, "window.ftlSurface.tool.way().some(([x, y]) => y < 60)")
    assert [worker.url[:5] for worker in page.workers] == ["blob:"]  # the studio's policy lets it run
    assert log.read(wall.id) == []
    click(page, (358, 100))
    page.keyboard.press("Enter")
    logged(wall, "region")
    assert log.read(wall.id)[0].class_number == 2
    assert iou(stored(page, server, wall) == 2, crack()) > 0.6
    page.keyboard.press("Control+z")
    logged(wall, "region", "undo")
    assert not stored(page, server, wall).any()


def test_a_preview_is_taken_or_discarded_and_points_stay_when_the_view_moves(
    server: Server, page: Page, wall: Image
) -> None:
    choose(page, "trace")
    options(page).get_by_role("button", name="Preview first").click()
    click(page, (42, 100))
    click(page, (358, 100))
    page.keyboard.press("Enter")
    options(page).get_by_role("button", name="Discard").click()
    assert log.read(wall.id) == []
    click(page, (42, 100))
    page.mouse.move(*place(page, [(100, 75)])[0])
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(500)
    click(page, (150, 55))
    page.keyboard.press("Enter")
    options(page).get_by_role("button", name="Discard").wait_for()
    page.keyboard.press("y")
    logged(wall, "region")
    got = stored(page, server, wall) == 1
    assert iou(got[:, 42:150], crack()[:, 42:150]) > 0.6
    assert not got[:, 170:].any()


def test_the_gated_brush_and_the_cut_out_spare_other_classes(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    log.append(wall.id, owner, [Rectangle("old", 3, {"box": [180, 30, 40, 40]}, owner)])
    page = opened(open_tab(tabs), server, wall)
    choose(page, "gate")
    if page.evaluate("window.ftlSurface.state.over"):
        options(page).get_by_role("button", name="Paint over other classes").click()
    drag(page, (150, 60), (200, 50), (250, 60))
    logged(wall, "rectangle", "region")
    got = stored(page, server, wall)
    assert (got[30:70, 180:220] == 3).all()
    assert ((got == 1) & ~cv2.dilate(crack().astype(np.uint8), np.ones((3, 3))).astype(bool)).sum() == 0
    assert (got[:, 165] == 1).any()
    choose(page, "grab")
    page.keyboard.press("2")
    x, y = PORE
    drag(page, (x - 30, y - 30), (x + 30, y + 30))
    options(page).get_by_role("button", name="Take it").wait_for()
    assert len(log.read(wall.id)) == 2
    page.keyboard.press("Enter")
    logged(wall, "rectangle", "region", "region")
    assert iou(stored(page, server, wall) == 2, pore()) > 0.9
    page.evaluate("window.ftlSurface.set({ over: true })")
    page.close()


def test_proposals_are_clicked_or_refused_where_they_are_seen(server: Server, page: Page, wall: Image) -> None:
    choose(page, "propose")
    options(page).get_by_role("button", name="Wide").click()
    options(page).get_by_role("button", name="Look for cracks").click()
    options(page).get_by_text("2 left").wait_for()
    page.mouse.click(*place(page, [PORE])[0], button="right")
    options(page).get_by_text("1 left").wait_for()
    page.keyboard.press("Backspace")
    options(page).get_by_text("2 left").wait_for()
    assert log.read(wall.id) == []
    click(page, (200, 50))
    logged(wall, "region")
    assert iou(stored(page, server, wall) == 1, crack()) > 0.4
    page.keyboard.press("Delete")
    options(page).get_by_role("button", name="Look for cracks").wait_for()
    assert len(log.read(wall.id)) == 1


def test_threshold_covers_and_classes_area_by_area(server: Server, page: Page, wall: Image) -> None:
    choose(page, "threshold")
    drag(page, (20, 20), (120, 140))
    options(page).get_by_role("button", name="Covers: 1").wait_for()
    options(page).get_by_role("button", name="Sort the areas").click()
    options(page).get_by_text("Area 1 of 2").wait_for()
    page.keyboard.press("2")
    options(page).get_by_text("Area 2 of 2").wait_for()
    page.keyboard.press("Backspace")
    options(page).get_by_text("Area 1 of 2").wait_for()
    page.keyboard.press("s")
    options(page).get_by_text("Area 2 of 2").wait_for()
    page.wait_for_timeout(300)
    page.get_by_role("toolbar", name="Class").get_by_role("button").nth(2).click()
    logged(wall, "region", "undo", "region")
    got = stored(page, server, wall)
    assert set(np.unique(got)) == {0, 3}
    assert not got[20:140, 20:120].any()
    assert ((got == 3) & ~(crack() | pore())).sum() == 0
    options(page).get_by_role("button", name="Sort the areas").wait_for()


def test_an_accepted_image_takes_nothing(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    set_state(wall.project_id, owner, [wall.id], "accepted")
    page = opened(open_tab(tabs), server, wall)
    assert page.locator("[data-tool=trace]").is_disabled()
    page.keyboard.press("w")
    click(page, (42, 100))
    click(page, (358, 100))
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert log.read(wall.id) == []
    page.close()
