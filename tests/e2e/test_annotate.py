"""Drawing with the mouse in a real browser: what is saved is what was drawn, to the pixel, at any zoom."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, BrowserContext, Page

from studio.accounts import add_user
from studio.annotation import log
from studio.canvas.viewport import Viewport, look
from studio.images.library import add_image, image_in, set_state
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, becomes_true, open_tab, settled, sign_in

WIDTH, HEIGHT = 400, 300


@pytest.fixture(scope="module")
def owner(server: Server) -> int:
    with writing() as db:
        return add_user(db, "Ada", PASSWORD).id


@pytest.fixture
def wall(owner: int, tmp_path: Path) -> Image:
    project = create_project(owner, "Walls")
    noise = np.random.default_rng(0).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    noise[250:260, 50:90] = 20  # a dark area for the threshold
    noise[270:272, 200:203] = 20
    return add_image(project.id, owner, save_png(noise, tmp_path / "wall.png"), "wall.png")[0]


@pytest.fixture(scope="module")
def tabs(browser: Browser, server: Server, owner: int) -> Iterator[BrowserContext]:
    """Ada's browser."""
    context = sign_in(browser, server, owner).context
    yield context
    context.close()


def open_image(browser: Browser, server: Server, user: int, image: Image) -> Page:
    """The image in a browser of its own."""
    return opened(sign_in(browser, server, user), server, image)


def opened(page: Page, server: Server, image: Image) -> Page:
    page.goto(f"{server.url}/annotate?project={image.project_id}&image={image.id}")
    page.locator("canvas").last.wait_for()
    settled(page)
    page.wait_for_timeout(500)  # the canvas takes its listeners a moment after it is there
    return page


def drag(page: Page, view: Viewport, *points: tuple[float, float]) -> None:
    """Draw along image points with the mouse held."""
    box = page.locator("canvas").last.bounding_box()
    for number, (x, y) in enumerate(view.to_canvas(np.array(points))):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8 if number else 1)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def saved(page: Page, count: int) -> None:
    page.get_by_text(f"All strokes saved · {count} since this view").wait_for()


def press(page: Page, key: str, name: str) -> None:
    """Press a class' or tool's key, and wait until its button shows it."""
    page.keyboard.press(key)
    page.locator(f".st-key-{name} button[kind=primary]").first.wait_for()


def logged(page: Page, image: Image, kinds: list[str]) -> None:
    """Wait until the log has that many rows; they are of these kinds."""
    for _ in range(300):
        if len(log.read(image.id)) >= len(kinds):
            break
        page.wait_for_timeout(100)
    assert [row.kind for row in log.read(image.id)] == kinds


def rested(page: Page) -> None:
    """Wait until all keys and clicks are done, so that a stroke is drawn at once."""
    becomes_true(page, "window.ftlHold && !window.ftlHold.change && !window.ftlHold.queue.length")
    settled(page)


def mask(page: Page, server: Server, image: Image) -> np.ndarray:
    # a connection that the server has just closed for want of use is opened again
    got = page.request.get(f"{server.url}/files/{image.project_id}/images/{image.id}/mask.png", max_retries=3)
    assert got.status == 200
    return np.asarray(Picture.open(io.BytesIO(got.body())))


def differs_only_at_edges(got: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for pixels within one of the expected shape's edge."""
    kernel = np.ones((3, 3), np.uint8)
    inner = cv2.erode(expected.astype(np.uint8), kernel) > 0
    outer = cv2.dilate(expected.astype(np.uint8), kernel) > 0
    assert got[inner].all()
    assert not got[~outer].any()


def line(points: list[tuple[float, float]], width: float) -> np.ndarray:
    x, y = np.arange(WIDTH) + 0.5, (np.arange(HEIGHT) + 0.5)[:, None]
    where = np.zeros((HEIGHT, WIDTH), bool)
    for (x0, y0), (x1, y1) in pairwise(points):
        t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        where |= np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)) <= width / 2
    return where


def polygon(corners: list[tuple[float, float]]) -> np.ndarray:
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    fixed = np.round((np.array(corners) - 0.5) * 16).astype(np.int32)  # OpenCV counts from the first pixel's centre
    return cv2.fillPoly(canvas, [fixed], 1, cv2.LINE_8, 4) > 0


def test_brush_rectangle_polygon_eraser_undo_and_reload(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    page = opened(open_tab(tabs), server, wall)
    view = look(WIDTH, HEIGHT)
    stroke = [(40.0, 40.0), (200.0, 90.0)]
    drag(page, view, *stroke)
    saved(page, 1)
    width = log.read(wall.id)[0].geometry["width"]
    assert width == pytest.approx(5, abs=0.3)  # as the slider says, to a canvas pixel
    differs_only_at_edges(mask(page, server, wall) == 1, line(stroke, width))

    press(page, "2", "class-2")
    press(page, "t", "tool-rectangle")
    drag(page, view, (100, 150), (180, 220))
    saved(page, 2)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[150:220, 100:180] = True
    differs_only_at_edges(mask(page, server, wall) == 2, expected)

    press(page, "3", "class-3")
    press(page, "g", "tool-polygon")
    corners = [(240.0, 120.0), (340.0, 140.0), (300.0, 260.0)]  # whole canvas pixels, as a mouse has them
    box = page.locator("canvas").last.bounding_box()
    for x, y in view.to_canvas(np.array([*corners, corners[0]])):
        page.mouse.click(box["x"] + x, box["y"] + y, delay=60)
        page.wait_for_timeout(200)  # clicks in quick succession would be a double click
    saved(page, 3)
    differs_only_at_edges(mask(page, server, wall) == 3, polygon(corners))

    page.reload()
    page.locator("canvas").last.wait_for()
    saved(page, 0)  # nothing new in this view, and nothing lost
    before = mask(page, server, wall)
    assert set(np.unique(before)) == {0, 1, 2, 3}
    shown = np.asarray(Picture.open(io.BytesIO(page.locator("canvas").first.screenshot())).convert("RGB")).astype(int)
    x, y = view.to_canvas(np.array([[140, 185]]))[0]
    red, _, blue = shown[int(y), int(x)]
    assert blue > red + 30  # the rectangle of class Pore is seen, in its blue

    page.wait_for_timeout(1000)
    press(page, "e", "tool-eraser")
    drag(page, view, (90, 185), (190, 185))
    saved(page, 1)
    erased = mask(page, server, wall)
    assert (before == 2)[185, 100:180].all()
    assert not erased[185, 95:185].any()
    page.keyboard.press("Control+z")
    page.get_by_text("· 0 since this view").wait_for()
    assert np.array_equal(mask(page, server, wall), before)
    page.keyboard.press("Control+y")
    logged(page, wall, ["brush", "rectangle", "polygon", "erase", "undo", "redo"])
    assert np.array_equal(mask(page, server, wall), erased)
    page.close()


def test_zoomed_and_moved_strokes_land_in_image_pixels(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    page = opened(open_tab(tabs), server, wall)
    page.locator(".st-key-view-zoom_in button").first.click()
    page.get_by_text(re.compile("^2 ×$")).wait_for()
    page.keyboard.press("ArrowRight")
    rested(page)
    page.wait_for_timeout(500)  # as in open_image
    view = look(WIDTH, HEIGHT, 2.0, (WIDTH / 2 + WIDTH / 8, HEIGHT / 2))
    assert view.left == 150
    stroke = [(170.0, 100.0), (310.0, 190.0)]
    drag(page, view, *stroke)
    saved(page, 1)
    differs_only_at_edges(mask(page, server, wall) == 1, line(stroke, log.read(wall.id)[0].geometry["width"]))
    page.close()


def test_several_quick_strokes_are_all_saved(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    view = look(WIDTH, HEIGHT)
    for number in range(6):
        drag(page, view, (40, 40 + 20 * number), (200, 40 + 20 * number))
    saved(page, 6)
    assert len(log.read(wall.id)) == 6
    rows = mask(page, server, wall)[:, 120] == 1
    assert all(rows[40 + 20 * number] for number in range(6))
    page.close()


def test_keys_in_quick_succession_are_all_done_and_spoil_none_that_follow(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    page = opened(open_tab(tabs), server, wall)
    for key in "2t3g1e":  # most wait for the one before them
        page.keyboard.press(key)
    rested(page)
    for name in ("class-1", "tool-eraser"):
        page.locator(f".st-key-{name} button[kind=primary]").first.wait_for()
    for key, name in (("3", "class-3"), ("b", "tool-brush"), ("2", "class-2")):
        press(page, key, name)
        rested(page)
    page.close()


def test_the_threshold_way(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    page.get_by_text("Threshold", exact=True).click()
    page.get_by_role("button", name="-10").click()
    page.get_by_text("all below 110").wait_for()
    page.get_by_label("Smallest area, in pixels").fill("3")
    page.get_by_label("Smallest area, in pixels").press("Enter")
    settled(page)
    page.get_by_role("button", name="Sort the areas").click()
    page.get_by_text("Area 1 of 2, 400 pixels").wait_for()
    page.get_by_role("button", name="Crack").click()
    page.get_by_text("Area 2 of 2, 6 pixels").wait_for()
    page.get_by_role("button", name="Pore").click()
    page.get_by_text("All areas are sorted").wait_for()
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[250:260, 50:90] = 1
    expected[270:272, 200:203] = 2
    assert np.array_equal(mask(page, server, wall), expected)
    page.close()


def test_accepted_work_is_read_only_until_it_is_reopened(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    set_state(wall.project_id, owner, [wall.id], "accepted")
    page = opened(open_tab(tabs), server, wall)
    page.get_by_text("This image is accepted").wait_for()
    drag(page, look(WIDTH, HEIGHT), (40, 40), (200, 90))
    page.wait_for_timeout(1000)
    assert log.read(wall.id) == []
    page.get_by_role("button", name="Reopen").click()
    page.get_by_text("This image is accepted").wait_for(state="detached")
    assert image_in(wall.project_id, wall.id).state == "open"
    page.close()


def test_leaving_the_desk_and_coming_back_changes_nothing(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    """The canvas forgets its drawing when it is hidden; an empty canvas must not be taken for a wish to undo."""
    other = save_png(np.full((HEIGHT, WIDTH, 3), 180, np.uint8), server.home / "other.png")
    add_image(wall.project_id, owner, other, "other.png")
    page = opened(open_tab(tabs), server, wall)
    drag(page, look(WIDTH, HEIGHT), (40, 40), (200, 90))
    saved(page, 1)
    drawn = mask(page, server, wall)
    assert drawn.any()

    def back() -> None:
        saved(page, 0)
        settled(page)
        assert [row.kind for row in log.read(wall.id)] == ["brush"]
        assert np.array_equal(mask(page, server, wall), drawn)

    page.get_by_text("Threshold", exact=True).click()
    page.get_by_role("button", name="Sort the areas").wait_for()
    settled(page)
    page.get_by_text("Draw", exact=True).click()
    back()
    page.get_by_role("link", name="Images").click()
    page.wait_for_url("**/images?*")
    page.locator("canvas").first.wait_for(state="detached")
    settled(page)
    page.get_by_role("link", name="Annotate").click()
    back()
    rested(page)
    page.keyboard.press("d")
    page.get_by_text("other.png").wait_for()
    rested(page)
    page.keyboard.press("a")
    page.get_by_text("wall.png").wait_for()
    back()
    page.close()


@pytest.mark.parametrize("key", ["i", "Control+z", "d"])
def test_a_key_right_after_a_stroke_waits_for_it(
    server: Server, tabs: BrowserContext, owner: int, wall: Image, key: str
) -> None:
    """The canvas sends a stroke 200 ms after mouse-up, and would drop it if it were taken off before."""
    other = save_png(np.full((HEIGHT, WIDTH, 3), 180, np.uint8), server.home / "other.png")
    add_image(wall.project_id, owner, other, "other.png")
    page = opened(open_tab(tabs), server, wall)
    drag(page, look(WIDTH, HEIGHT), (40, 40), (200, 90))
    page.keyboard.press(key)
    if key == "i":
        page.get_by_text(re.compile("^2 ×$")).wait_for()
    elif key == "d":
        page.get_by_text("other.png").wait_for()
    logged(page, wall, ["brush", "undo"] if key == "Control+z" else ["brush"])
    page.close()


def test_a_stroke_right_after_a_class_and_a_tool_has_them(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    page = opened(open_tab(tabs), server, wall)
    view = look(WIDTH, HEIGHT)
    for turn, (number, key, kind) in enumerate([("2", "t", "rectangle"), ("3", "b", "brush"), ("4", "t", "rectangle")]):
        page.keyboard.press(number)
        page.keyboard.press(key)
        drag(page, view, (40, 40 + 60 * turn), (200, 80 + 60 * turn))
        saved(page, turn + 1)
        last = log.read(wall.id)[-1]
        assert (last.kind, last.class_number) == (kind, int(number))
    page.close()


def test_a_stroke_on_a_canvas_about_to_go_is_not_begun(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    page = opened(open_tab(tabs), server, wall)
    box = page.locator("canvas").last.bounding_box()
    page.keyboard.press("i")
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=8)
    page.mouse.up()
    page.get_by_text(re.compile("^2 ×$")).wait_for()
    rested(page)
    page.wait_for_timeout(500)  # as in open_image
    drag(page, look(WIDTH, HEIGHT, 2.0), (140, 100), (260, 190))
    saved(page, 1)
    assert [row.geometry["points"][0] for row in log.read(wall.id)] == [pytest.approx([140, 100], abs=1)]
    page.close()


def test_strokes_that_cannot_be_saved_are_told_and_kept(
    server: Server, tabs: BrowserContext, owner: int, wall: Image
) -> None:
    page = opened(open_tab(tabs), server, wall)
    set_state(wall.project_id, owner, [wall.id], "accepted")  # by a reviewer, meanwhile
    drag(page, look(WIDTH, HEIGHT), (40, 40), (200, 90))
    page.get_by_text("Not saved yet: this image is accepted").wait_for()
    assert log.read(wall.id) == []
    settled(page)
    page.wait_for_timeout(1000)  # as in press
    page.keyboard.press("i")  # takes the canvas off, and the stroke with it
    page.get_by_text("This image is accepted. A reviewer").wait_for()
    settled(page)
    page.wait_for_timeout(1000)
    set_state(wall.project_id, owner, [wall.id], "open")
    page.keyboard.press("f")
    saved(page, 0)
    assert [row.kind for row in log.read(wall.id)] == ["brush"]
    assert (mask(page, server, wall) == 1).any()
    page.close()


def test_a_hidden_class_is_not_lost(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    view = look(WIDTH, HEIGHT)
    drag(page, view, (40, 40), (200, 40))
    saved(page, 1)
    page.get_by_text("View", exact=True).click()
    page.get_by_role("button", name="Crack", exact=True).last.click()  # in the list of what is shown
    saved(page, 0)
    rested(page)
    page.wait_for_timeout(500)  # as in open_image
    press(page, "2", "class-2")
    drag(page, view, (40, 100), (200, 100))
    saved(page, 1)
    got = mask(page, server, wall)
    assert got[40, 120] == 1
    assert got[100, 120] == 2
    page.close()


def test_an_address_of_no_image_shows_the_first(server: Server, tabs: BrowserContext, owner: int, wall: Image) -> None:
    page = open_tab(tabs)
    for wrong in ("999999999999999999999999", "-1", "x"):
        page.goto(f"{server.url}/annotate?project={wall.project_id}&image={wrong}")
        page.get_by_text("wall.png").wait_for()
        saved(page, 0)
    page.close()


def test_a_late_word_of_the_canvas_does_not_blank_the_page_opened_since(
    tabs: BrowserContext, server: Server, owner: int, wall: Image
) -> None:
    """The canvas may tell of itself as the next page is opened; its fragment is gone by then."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    page = open_tab(tabs)
    sent: list[bytes] = []
    studios = []

    def between(client: Any) -> None:
        studio = client.connect_to_server()
        client.on_message(lambda message: (sent.append(message), studio.send(message)))
        studios.append(studio)

    page.route_web_socket(re.compile("/_stcore/stream"), between)
    page.goto(f"{server.url}/annotate?project={wall.project_id}&image={wall.id}")
    page.locator("canvas").last.wait_for()
    rested(page)
    page.wait_for_timeout(500)
    drag(page, look(WIDTH, HEIGHT), (50, 50), (90, 80))
    saved(page, 1)
    late = next(one for one in reversed(sent) if BackMsg.FromString(one).rerun_script.fragment_id)
    page.get_by_role("link", name="Sweep").click()
    page.get_by_text("Choose two image classes").wait_for()
    settled(page)
    studios[-1].send(late)
    page.wait_for_timeout(1000)
    page.get_by_text("Upload a file").click()
    page.get_by_text("Add a file").wait_for()
