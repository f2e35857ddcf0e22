"""What a pointer does on the stage, by real mouse, touch and stylus events: looking, or the tool and the pen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route

from tests.conftest import ROOT

FREEHAND = pytest.mark.parametrize("freehand", [False, True])


class Stage:
    """The harness in a browser: a stage of 1150 x 790 with a grey photograph of 6000 x 4000 and a tool that notes."""

    def __init__(self, page: Page) -> None:
        self.page, self.mouse = page, page.mouse
        self.touchscreen = page.context.new_cdp_session(page)

    def open(self, freehand: bool = False) -> None:
        self.page.goto(f"http://harness.test/{'?freehand=1' if freehand else ''}")
        self.page.wait_for_function("globalThis.photo?.complete")

    def view(self) -> dict[str, float]:
        return self.page.evaluate("look()")

    def heard(self) -> tuple[list[str], list[str]]:
        """What the tool and the pen were told since the last time, without repeats."""
        told, pen = self.page.evaluate("[log.calls.splice(0).map(([kind]) => kind), log.pen.splice(0)]")
        return [kind for kind, before in zip(told, [None, *told], strict=False) if kind != before], pen

    def touch(self, kind: str, *points: tuple[int, float, float]) -> None:
        fingers = [{"id": number, "x": x, "y": y} for number, x, y in points]
        self.touchscreen.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": fingers})


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    grey = cv2.imencode(".jpg", np.full((512, 512, 3), 128, np.uint8))[1].tobytes()

    def answer(route: Route) -> None:
        name = route.request.url.split("/")[-1].split("?")[0]
        if name.endswith(".jpg"):
            route.fulfill(body=grey, content_type="image/jpeg")
        elif name.endswith(".js"):
            route.fulfill(path=ROOT / "studio/canvas/js" / name, content_type="text/javascript")
        else:
            route.fulfill(path=ROOT / "tests/canvas/harness.html", content_type="text/html")

    context = browser.new_context(viewport={"width": 1200, "height": 800}, has_touch=True)
    context.route("http://harness.test/**", answer)
    yield Stage(context.new_page())
    context.close()


@FREEHAND
def test_the_left_button_is_the_tools_and_the_middle_one_looks(stage: Stage, freehand: bool) -> None:
    stage.open(freehand)
    stage.mouse.move(300, 300)
    stage.heard()
    stage.mouse.down()
    stage.mouse.move(1190, 350, steps=4)  # out of the stage
    stage.mouse.up()
    assert stage.heard() == (["down", "move", "up"], ["mousedown"] if freehand else [])
    stage.page.evaluate("actual()")
    ways: list[tuple[Literal["left", "middle"], str | None]] = [("middle", None), ("left", "Space")]
    for button, key in ways:
        stage.mouse.move(400, 300)
        stage.heard()
        before = stage.view()
        if key:
            stage.page.keyboard.down(key)
        stage.mouse.down(button=button)
        stage.mouse.move(450, 330, steps=3)
        stage.mouse.up(button=button)
        if key:
            stage.page.keyboard.up(key)
        after = stage.view()
        assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((50, 30))
        told, pen = stage.heard()
        assert "down" not in told
        assert not pen


def test_the_wheel_zooms_about_the_pointer_when_the_view_may_move(stage: Stage) -> None:
    stage.open()
    stage.page.evaluate("actual()")
    stage.mouse.move(500, 200)
    before = stage.view()
    stage.page.evaluate("state.busy = true")
    stage.mouse.wheel(0, -120)
    stage.page.wait_for_timeout(100)
    assert stage.view() == before
    stage.page.evaluate("state.busy = false")
    stage.page.wait_for_function("look().scale > 1.2")
    after = stage.view()
    assert (500 - after["x"]) / after["scale"] == pytest.approx((500 - before["x"]) / before["scale"])


@FREEHAND
def test_a_second_finger_takes_the_stroke_back_and_pinches(stage: Stage, freehand: bool) -> None:
    stage.open(freehand)
    stage.touch("Start", (0, 300, 300))
    stage.touch("Move", (0, 340, 300))
    stage.touch("End")
    assert stage.heard() == (["down", "move", "up"], ["touchstart"] if freehand else [])
    before = stage.view()
    stage.touch("Start", (0, 400, 400))
    stage.touch("Start", (0, 400, 400), (1, 600, 400))
    for way in (10, 60, 100):
        stage.touch("Move", (0, 400 - way, 400), (1, 600 + way, 400))
    after = stage.view()
    assert after["scale"] == pytest.approx(2 * before["scale"])
    assert stage.heard()[0] == (["down", "cancel"] if freehand else [])  # other tools are told when the finger moves
    stage.touch("Move", (0, 340, 420), (1, 740, 420))
    assert stage.view()["x"] == pytest.approx(after["x"] + 40)
    stage.touch("End")


def test_where_fingers_only_pan_a_stylus_draws(stage: Stage) -> None:
    stage.open(freehand=True)
    stage.page.evaluate("state.fingersPan = true; actual()")
    before = stage.view()
    stage.touch("Start", (0, 300, 300))
    stage.touch("Move", (0, 350, 330))
    stage.touch("End")
    assert stage.view()["x"] == pytest.approx(before["x"] + 50)
    assert stage.heard() == ([], [])
    for kind, x in (("Pressed", 300), ("Moved", 340), ("Released", 340)):
        stage.touchscreen.send("Input.dispatchMouseEvent", {
            "type": f"mouse{kind}", "x": x, "y": 300, "button": "left", "buttons": int(kind != "Released"),
            "clickCount": 1, "pointerType": "pen", "force": 0.4,
        })  # fmt: skip
    told, pen = stage.heard()
    assert told[-3:] == ["down", "move", "up"]
    assert pen == ["mousedown"]


def test_what_is_drawn_when_the_window_loses_the_focus_is_a_stroke(stage: Stage) -> None:
    stage.open()
    stage.mouse.move(300, 300)
    stage.mouse.down()
    stage.mouse.move(330, 300, steps=3)
    stage.heard()
    stage.page.evaluate("window.dispatchEvent(new FocusEvent('blur'))")
    stage.mouse.move(360, 300)
    stage.mouse.up()
    assert stage.heard()[0] == ["up", "move"]  # and moving with no stroke
    stage.touch("Start", (0, 300, 300))
    stage.touch("Move", (0, 350, 330))
    stage.touch("Cancel")
    assert stage.heard()[0] == ["down", "move", "cancel"]


def test_a_button_that_loses_the_focus_ends_no_stroke(stage: Stage) -> None:
    stage.open(freehand=True)
    stage.page.evaluate("document.body.append(Object.assign(document.createElement('button'), {id: 'next'}))")
    stage.page.evaluate("document.querySelector('#next').focus()")
    stage.mouse.move(300, 300)
    stage.heard()
    stage.mouse.down()
    stage.page.evaluate("document.activeElement.blur()")
    stage.mouse.move(360, 300, steps=3)
    stage.mouse.up()
    assert stage.heard()[0] == ["down", "move", "up"]


def test_the_map_moves_the_view(stage: Stage) -> None:
    stage.open()
    assert stage.page.locator(".minimap").is_hidden()
    stage.page.evaluate("actual()")
    box = stage.page.locator(".minimap").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = stage.view()
    stage.mouse.move(x, y)
    stage.heard()
    stage.mouse.down()
    stage.mouse.move(x + 14, y, steps=2)
    stage.mouse.up()
    assert before["x"] - stage.view()["x"] == pytest.approx(14 / box["width"] * 6000, abs=3)
    assert "down" not in stage.heard()[0]
