"""Fingers and a stylus on tablets and a phone: all that a mouse does, with every button in reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from studio.annotation import log
from studio.images.library import add_image
from studio.projects.projects import create_project
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import Server, sign_in
from tests.e2e.drawing import choose, logged, look_at, opened, place, saved, shown

SIZES = [(1180, 820), (820, 1180), (390, 844)]
WIDTH, HEIGHT = 600, 450
VIEW = "({ ...window.ftlSurface.view() })"


@pytest.fixture
def wall(owner: int, tmp_path: Path) -> Image:
    noise = np.random.default_rng(0).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return add_image(create_project(owner, "Walls").id, owner, save_png(noise, tmp_path / "wall.png"), "wall.png")[0]


class Hand:
    """Fingers and a stylus on a page; places are image points, but for those of `touch`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.device = page.context.new_cdp_session(page)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"id": number, "x": x, "y": y} for number, (x, y) in enumerate(points)]
        self.device.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": fingers})

    def drag(self, *points: tuple[float, float]) -> None:
        """Draw along points with one finger."""
        spots = place(self.page, points)
        self.touch("Start", spots[0])
        for (x, y), (right, down) in pairwise(spots):
            for part in (0.25, 0.5, 0.75, 1.0):
                self.touch("Move", (x + (right - x) * part, y + (down - y) * part))
        self.touch("End")

    def tap(self, *points: tuple[float, float]) -> None:
        for spot in place(self.page, points):
            self.touch("Start", spot)
            self.touch("End")

    def two(self, *pairs: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Move two fingers from pair to pair of places on the screen."""
        self.touch("Start", pairs[0][0])
        self.touch("Start", *pairs[0])
        for pair in pairs[1:]:
            self.touch("Move", *pair)
        self.touch("End")

    def stylus(self, *points: tuple[float, float, float]) -> None:
        """Draw with a stylus along (x, y, pressure)."""
        spots = place(self.page, [point[:2] for point in points])
        kinds = ["Pressed", *["Moved"] * (len(points) - 2), "Released"]
        for kind, (x, y), (*_, force) in zip(kinds, spots, points, strict=True):
            self.device.send("Input.dispatchMouseEvent", {
                "type": f"mouse{kind}", "x": x, "y": y, "button": "left", "buttons": int(kind != "Released"),
                "clickCount": 1, "pointerType": "pen", "force": force,
            })  # fmt: skip

    def press(self, selector: str) -> None:
        """Tap what Playwright finds in reach: within the window, and covered by nothing."""
        self.page.locator(selector).tap()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def hand(request: pytest.FixtureRequest, browser: Browser, server: Server, owner: int, wall: Image) -> Iterator[Hand]:
    width, height = request.param
    page = sign_in(browser, server, owner, width, height, touch=True)
    yield Hand(opened(page, server, wall))
    page.context.close()


def near(hand: Hand, got: list[list[float]], points: Sequence[tuple[float, float]]) -> None:
    """A logged line begins, ends and passes where the hand was, to a pixel of the image or of the screen."""
    most = 1.01 * max(1.0, 1.0 / hand.page.evaluate(VIEW)["scale"])
    line = np.array(got)
    assert np.abs(line[[0, -1]] - np.array([points[0], points[-1]])).max() <= most
    assert max(np.abs(line - point).max(1).min() for point in points) <= most


def test_fingers_draw_with_every_tool(hand: Hand, wall: Image) -> None:
    page = hand.page
    hand.press(".ftl-tools [data-tool=brush]")
    hand.press(".ftl-classes [data-class='2']")
    choose(page, size=14)
    line = [(120, 150), (300, 180), (450, 250)]
    hand.drag(*line)
    (brush,) = logged(wall, "brush")
    assert (brush.class_number, brush.geometry["width"], "widths" in brush.geometry) == (2, 14, False)
    near(hand, brush.geometry["points"], line)
    hand.press(".ftl-tools [data-tool=eraser]")
    hand.drag((300, 120), (300, 240))
    *_, erase = logged(wall, "brush", "erase")
    near(hand, erase.geometry["points"], [(300, 120), (300, 240)])
    hand.press(".ftl-tools [data-tool=rectangle]")
    hand.press(".ftl-classes [data-class='3']")
    hand.drag((150, 260), (260, 330))
    *_, rectangle = logged(wall, "brush", "erase", "rectangle")
    assert rectangle.geometry["box"] == pytest.approx([150, 260, 110, 70], abs=2.1)
    hand.press(".ftl-tools [data-tool=polygon]")
    corners = [(320.0, 260.0), (480.0, 270.0), (400.0, 350.0)]
    hand.tap(*corners, corners[0])
    *_, polygon = logged(wall, "brush", "erase", "rectangle", "polygon")
    assert np.abs(np.array(polygon.geometry["points"]) - corners).max() <= 2.1
    hand.press(".ftl-actions [data-command=undo]")
    logged(wall, "brush", "erase", "rectangle", "polygon", "undo")
    saved(page)
    assert (shown(page) == log.mask(wall)).all()
    assert shown(page)[165, 210] == 2
    assert shown(page)[180, 300] == 0


def test_two_fingers_look_and_draw_nothing(hand: Hand, wall: Image) -> None:
    page = hand.page
    ((x, y),) = place(page, [(300, 225)])
    for tool in ("brush", "rectangle"):
        hand.press(f".ftl-tools [data-tool={tool}]")
        page.evaluate("window.ftlSurface.root.querySelector('[data-command=whole]').click()")
        before = page.evaluate(VIEW)
        hand.two(*[((x - way, y), (x + way, y)) for way in (30, 45, 60, 90)])
        closer = page.evaluate(VIEW)
        assert closer["scale"] == pytest.approx(3 * before["scale"], rel=0.01)
        assert place(page, [(300, 225)])[0] == pytest.approx((x, y), abs=2), "what was between the fingers stays there"
        hand.two(*[((x - 40 + way, y + way), (x + 40 + way, y + way)) for way in (0, 10, 30, 50)])
        moved = page.evaluate(VIEW)
        assert moved["scale"] == pytest.approx(closer["scale"])
        assert (moved["x"] - closer["x"], moved["y"] - closer["y"]) == pytest.approx((50, 50), abs=1)
    hand.drag((290, 210), (300, 220))  # the next finger draws again
    logged(wall, "rectangle")
    saved(page)


def test_where_fingers_only_pan_a_stylus_draws_with_its_pressure(hand: Hand, wall: Image) -> None:
    page = hand.page
    hand.press(".ftl-tools [data-tool=brush]")
    choose(page, size=12)
    hand.press(".ftl-options button[title^='Fingers move the view']")
    look_at(page, 4, 300, 225)
    before = page.evaluate(VIEW)
    ((x, y),) = place(page, [(300, 225)])
    hand.touch("Start", (x, y))
    for way in (10, 30):
        hand.touch("Move", (x + way, y + way))
    hand.touch("End")
    after = page.evaluate(VIEW)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((30, 30), abs=1)
    line = [(260, 200, 0.2), (280, 205, 0.4), (310, 215, 0.9), (340, 230, 0.6), (340, 230, 0)]
    hand.stylus(*line)
    (even,) = logged(wall, "brush")
    assert "widths" not in even.geometry, "off by default"
    near(hand, even.geometry["points"], [point[:2] for point in line])
    hand.press(".ftl-options button[title^='Pen pressure']")
    hand.stylus(*[(x, y + 40, force) for x, y, force in line])
    *_, pressed = logged(wall, "brush", "brush")
    points, widths = pressed.geometry["points"], pressed.geometry["widths"]
    near(hand, points, [(x, y + 40) for x, y, _ in line])
    assert len(widths) == len(points)
    assert max(widths) <= 12
    for x, y, force in line[:4]:
        nearest = int(np.abs(np.array(points) - (x, y + 40)).max(1).argmin())
        assert widths[nearest] == pytest.approx(12 * force, abs=0.6)
    saved(page)
    assert (shown(page) == log.mask(wall)).all()


def test_every_button_is_in_reach(hand: Hand) -> None:
    """Playwright scrolls to it, and taps only what is within the window and covered by nothing."""
    page = hand.page
    tools = page.locator(".ftl-tools button").evaluate_all("all => all.map(button => button.dataset.tool)")
    bars = page.locator(".ftl-tools, .ftl-options")
    cut = bars.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.className)")
    assert cut == []
    assert {"select", "brush", "eraser", "polygon", "polyline", "rectangle", "fill", "pin", "trace"} <= set(tools)
    for tool in tools:
        hand.press(f".ftl-tools [data-tool={tool}]")
        assert page.locator(f".ftl-tools [data-tool={tool}]").get_attribute("aria-pressed") == "true"
        for bar in (".ftl-options button", ".ftl-classes button", ".ftl-actions button"):
            for button in page.locator(bar).filter(visible=True).all():
                button.tap(trial=True)
    wide, high = page.evaluate("""() => {
        const sizes = [...window.ftlSurface.root.querySelectorAll(".ftl-tools button, .ftl-actions button")]
            .map(button => button.getBoundingClientRect()).filter(size => size.width);
        return [Math.min(...sizes.map(size => size.width)), Math.min(...sizes.map(size => size.height))];
    }""")
    assert min(wide, high) >= 39.5
    hidden = page.locator(".ftl-actions button").evaluate_all(
        "all => all.filter(button => !button.offsetWidth).map(button => button.dataset.command)"
    )
    assert set(hidden) <= {"closer", "farther", "actual", "sheet"}, hidden  # fingers pinch, and have no keys
    hand.press(".ftl-actions [data-command=look]")
    page.locator(".ftl-look").get_by_role("button", name="Reset").tap()
    hand.press(".ftl-actions [data-command=look]")
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1], "the page is no wider than the window"
