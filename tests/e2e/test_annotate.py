"""Drawing with the mouse in a real browser: what is saved is what was drawn, to the pixel, at any zoom."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Page, expect

from studio.annotation import log
from studio.collaboration import practice
from studio.images.library import add_image, image_in, set_state
from studio.projects.projects import create_project
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import Server, becomes_true, settled
from tests.e2e.drawing import (
    choose,
    click,
    drag,
    logged,
    look_at,
    opened,
    place,
    ready,
    saved,
    shown,
    stored,
    wait_until,
)

WIDTH, HEIGHT = 400, 300


@pytest.fixture
def wall(owner: int, tmp_path: Path) -> Image:
    project = create_project(owner, "Walls")
    noise = np.random.default_rng(0).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    noise[250:260, 50:90] = 20  # a dark area for the threshold
    noise[270:272, 200:203] = 20
    return add_image(project.id, owner, save_png(noise, tmp_path / "wall.png"), "wall.png")[0]


@pytest.fixture
def other(wall: Image, owner: int, tmp_path: Path) -> Image:
    """The image behind the wall."""
    plain = save_png(np.full((HEIGHT, WIDTH, 3), 180, np.uint8), tmp_path / "other.png")
    return add_image(wall.project_id, owner, plain, "other.png")[0]


def opened_afresh(page: Page, server: Server, image: Image) -> Page:
    """The image on the surface, with the brush in hand, 5 pixels wide."""
    opened(page, server, image)
    choose(page, "brush", size=5)
    return page


def presses(page: Page, text: str) -> None:
    for key in text:
        page.keyboard.press(key)


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


def colour_at(page: Page, x: float, y: float) -> np.ndarray:
    """What is seen at an image point, RGB."""
    ((left, top),) = place(page, [(x, y)])
    seen = page.screenshot(clip={"x": round(left), "y": round(top), "width": 1, "height": 1})
    return np.asarray(Picture.open(io.BytesIO(seen)).convert("RGB"))[0, 0].astype(int)


def test_brush_rectangle_polygon_eraser_undo_and_reload(server: Server, page: Page, wall: Image) -> None:
    opened_afresh(page, server, wall)
    stroke = [(40.0, 60.0), (200.0, 110.0)]
    drag(page, *stroke)
    presses(page, "2t")
    drag(page, (100, 150), (180, 220))
    presses(page, "3g")
    corners = [(240.0, 120.0), (340.0, 140.0), (300.0, 260.0)]
    click(page, *corners, corners[0])
    brush, rectangle, _ = logged(wall, "brush", "rectangle", "polygon")
    before = stored(page, server, wall)
    assert brush.geometry["width"] == 5
    assert rectangle.geometry["box"] == [100, 150, 80, 70]
    differs_only_at_edges(before == 1, line(stroke, 5))
    differs_only_at_edges(before == 3, polygon(corners))

    page.reload()
    ready(page, wall)
    saved(page)
    assert np.array_equal(shown(page), before)
    assert np.array_equal(stored(page, server, wall), before)

    def is_blue() -> bool:
        red, _, blue = colour_at(page, 140, 185)
        return bool(blue > red + 30)

    wait_until(page, is_blue)  # the rectangle of class Pore is seen; its pixels may be painted a frame later

    page.keyboard.press("e")
    drag(page, (90, 185), (190, 185))
    logged(wall, "brush", "rectangle", "polygon", "erase")
    erased = stored(page, server, wall)
    assert (before == 2)[185, 100:180].all()
    assert not erased[185, 95:185].any()
    page.keyboard.press("Control+z")
    logged(wall, "brush", "rectangle", "polygon", "erase", "undo")
    assert np.array_equal(stored(page, server, wall), before)
    page.keyboard.press("Control+y")
    logged(wall, "brush", "rectangle", "polygon", "erase", "undo", "redo")
    assert np.array_equal(stored(page, server, wall), erased)
    saved(page)  # the browser has heard of it too
    assert np.array_equal(shown(page), erased)

    save_png(before, practice.true_file(wall))  # as of a surface to practise on
    page.reload()
    ready(page, wall)
    page.get_by_role("button", name="How close?").click()
    expect(page.get_by_text("Crack · F1 1.00 · IoU 1.00")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Pore · F1 0\.\d\d · IoU 0\.\d\d"))).to_be_visible()


def test_zoomed_and_moved_strokes_land_in_image_pixels(server: Server, page: Page, wall: Image) -> None:
    opened_afresh(page, server, wall)
    before = page.evaluate("window.ftlSurface.view().scale")
    presses(page, "+++")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.ftlSurface.view().scale") == pytest.approx(before * 1.25**3)
    stroke = [(190.0, 100.0), (310.0, 190.0)]
    drag(page, *stroke)  # at once: nothing has to settle
    logged(wall, "brush")
    differs_only_at_edges(stored(page, server, wall) == 1, line(stroke, 5))


def test_several_quick_strokes_are_all_saved(server: Server, page: Page, wall: Image) -> None:
    opened_afresh(page, server, wall)
    for number in range(6):
        drag(page, (40, 60 + 20 * number), (200, 60 + 20 * number))
    saved(page)
    assert len(log.read(wall.id)) == 6
    rows = stored(page, server, wall)[:, 120] == 1
    assert all(rows[60 + 20 * number] for number in range(6))


def test_keys_in_quick_succession_are_all_done_and_the_next_stroke_has_them(
    server: Server, page: Page, wall: Image
) -> None:
    opened_afresh(page, server, wall)
    presses(page, "2t3g1e")
    pressed = page.locator(".ftl-tools, .ftl-classes").locator("[aria-pressed=true]")
    titles = [pressed.nth(at).get_attribute("title") or "" for at in range(pressed.count())]
    assert {title.partition(":")[0] for title in titles} == {"Eraser (E)", "Crack (1)"}
    turns = [("2", "t", "rectangle"), ("3", "b", "brush"), ("4", "t", "rectangle")]
    for turn, (number, key, _) in enumerate(turns):
        presses(page, number + key)
        drag(page, (40, 60 + 60 * turn), (200, 90 + 60 * turn))
    rows = logged(wall, *(kind for _, _, kind in turns))
    assert [row.class_number for row in rows] == [2, 3, 4]


@pytest.mark.parametrize("key", ["+", "Control+z", "d"])
def test_a_key_right_after_a_stroke_waits_for_it(
    server: Server, page: Page, wall: Image, other: Image, key: str
) -> None:
    """The pen tells of a stroke a moment after mouse-up; what comes meanwhile neither drops nor moves it."""
    opened_afresh(page, server, wall)
    drag(page, (40, 60), (200, 110))
    page.keyboard.press(key)
    if key == "d":
        ready(page, other)
        page.get_by_text("other.png").wait_for()
    (row, *_) = logged(wall, *(["brush", "undo"] if key == "Control+z" else ["brush"]))
    assert row.geometry["points"][0] == pytest.approx([40, 60], abs=1)
    assert row.geometry["points"][-1] == pytest.approx([200, 110], abs=1)
    assert log.read(other.id) == []


def test_the_threshold_way(server: Server, page: Page, wall: Image) -> None:
    opened_afresh(page, server, wall)
    page.keyboard.press("r")
    options = page.get_by_role("toolbar", name="Options of the tool")
    options.get_by_role("button", name="-10").click()
    assert options.get_by_role("slider", name="Threshold").input_value() == "110"
    options.get_by_role("spinbutton", name="Smallest").fill("3")
    options.get_by_role("spinbutton", name="Smallest").press("Enter")
    options.get_by_role("button", name="Sort the areas").click()
    options.get_by_text("Area 1 of 2").wait_for()
    page.get_by_text("400 pixels").wait_for()
    page.keyboard.press("1")
    page.get_by_text("6 pixels. What is it?").wait_for()
    page.keyboard.press("2")
    page.get_by_text("All areas are sorted.").wait_for()
    logged(wall, "region", "region")
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[250:260, 50:90] = 1
    expected[270:272, 200:203] = 2
    assert np.array_equal(stored(page, server, wall), expected)
    assert np.array_equal(shown(page), expected)


def test_accepted_work_is_read_only_until_it_is_reopened(server: Server, page: Page, owner: int, wall: Image) -> None:
    set_state(wall.project_id, owner, [wall.id], "accepted")
    opened_afresh(page, server, wall)
    page.get_by_text("this image is accepted", exact=False).wait_for()
    drag(page, (40, 60), (200, 110))
    assert page.evaluate("window.ftlSurface.outbox.status().waiting") == 0
    page.get_by_role("button", name="Reopen").click()
    becomes_true(page, "window.ftlSurface.image.editable")
    page.get_by_text("this image is accepted", exact=False).wait_for(state="hidden")
    settled(page)
    assert image_in(wall.project_id, wall.id).state == "open"
    drag(page, (40, 160), (200, 210))
    (row,) = logged(wall, "brush")
    assert row.geometry["points"][0] == pytest.approx([40, 160], abs=1)


def test_leaving_the_surface_and_coming_back_changes_nothing(
    server: Server, page: Page, wall: Image, other: Image
) -> None:
    """To another tool, another page and another image: nothing is sent twice, taken back or forgotten."""
    opened_afresh(page, server, wall)
    drag(page, (40, 60), (200, 110))
    logged(wall, "brush")
    drawn = stored(page, server, wall)
    assert drawn.any()

    def back() -> None:
        ready(page, wall)
        saved(page)
        settled(page)
        logged(wall, "brush")
        assert np.array_equal(shown(page), drawn)

    presses(page, "rb")
    back()
    page.get_by_role("link", name="Images").click()
    page.wait_for_url("**/images?*")
    page.locator(".surface").wait_for(state="detached")
    settled(page)
    page.get_by_role("link", name="Annotate").click()
    back()
    page.keyboard.press("d")
    ready(page, other)
    page.get_by_text("other.png").wait_for()
    page.keyboard.press("a")
    page.get_by_text("wall.png").wait_for()
    back()
    assert np.array_equal(stored(page, server, wall), drawn)


def test_strokes_that_cannot_be_saved_are_told_and_kept(server: Server, page: Page, owner: int, wall: Image) -> None:
    """A reviewer accepts an image while a stroke is drawn on it: it is kept, over a reload too, until it can go."""
    opened_afresh(page, server, wall)
    page.route("**/live", lambda route: route.abort())  # the browser does not hear of it
    set_state(wall.project_id, owner, [wall.id], "accepted")
    drag(page, (40, 60), (200, 110))
    told = page.get_by_text("1 stroke on wall.png not saved, kept in this browser: this image is accepted", exact=False)
    told.wait_for()
    page.unroute("**/live")
    page.get_by_role("button", name="Reopen").wait_for()  # now it knows
    assert log.read(wall.id) == []
    page.reload()
    ready(page, wall)
    told.wait_for()
    becomes_true(page, "window.ftlSurface.mask.at(120, 85) === 1")  # it is seen as well
    set_state(wall.project_id, owner, [wall.id], "open")
    (row,) = logged(wall, "brush")
    assert row.geometry["points"][0] == pytest.approx([40, 60], abs=1)
    saved(page)
    told.wait_for(state="detached")
    assert (stored(page, server, wall) == 1).any()


def test_a_hidden_class_is_not_lost(server: Server, page: Page, wall: Image) -> None:
    opened_afresh(page, server, wall)
    drag(page, (40, 100), (200, 100))
    look_at(page, 4, 120, 100)
    logged(wall, "brush")
    crack = colour_at(page, 120, 100)
    page.get_by_role("button", name="Opacity, brightness, contrast, mask classes shown").click()
    page.get_by_role("group", name="Mask classes shown").get_by_role("button", name="Crack").click()
    becomes_true(page, "window.ftlSurface.state.hidden.includes(1)")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert np.abs(colour_at(page, 120, 100) - crack).max() > 30
    page.keyboard.press("Escape")
    presses(page, "02")
    drag(page, (40, 160), (200, 160))
    logged(wall, "brush", "brush")
    got = stored(page, server, wall)
    assert got[100, 120] == 1
    assert got[160, 120] == 2


def test_an_address_of_no_image_shows_the_first(server: Server, page: Page, wall: Image) -> None:
    for wrong in ("999999999999999999999999", "-1", "x"):
        page.goto(f"{server.url}/annotate?project={wall.project_id}&image={wrong}")
        ready(page, wall)
        page.get_by_text("wall.png").wait_for()
        settled(page)


def test_a_shape_that_was_left_unfinished_says_so(server: Server, page: Page, wall: Image, other: Image) -> None:
    opened(page, server, wall)
    saved(page)
    choose(page, "polygon", 1)
    click(page, (100, 100), (200, 100))
    page.get_by_text("Unfinished polygon", exact=True).wait_for()
    expect(page.get_by_text("Saved", exact=True)).to_have_count(0)
    page.keyboard.press("d")
    ready(page, other)
    saved(page)
    page.keyboard.press("b")
    page.keyboard.press("a")
    ready(page, wall)
    page.get_by_text("Unfinished polygon", exact=True).wait_for()
    how = (
        "unfinished polygon: choose Polygon (G), then Enter closes it, Backspace takes a corner back, Escape drops it."
    )
    expect(page.get_by_text(how)).to_have_count(2)  # beside the line that says what is saved, and as a hint
    page.keyboard.press("g")
    page.keyboard.press("Escape")
    saved(page)
    assert log.read(wall.id) == []
