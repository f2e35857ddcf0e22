"""Drawing on the surface with real events: where an image point is on the screen, and when all is saved."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image as Picture
from playwright.sync_api import Locator, Page

from studio.annotation import log
from studio.store.tables import Image, Stroke
from tests.e2e.conftest import Server, becomes_true, settled


def opened(page: Page, server: Server, image: Image) -> Page:
    """The image on the surface of a page, ready to be drawn on."""
    page.goto(f"{server.url}/annotate?project={image.project_id}&image={image.id}")
    ready(page, image)
    settled(page)
    return page


def ready(page: Page, image: Image) -> None:
    """Wait until the surface shows the image, with its mask and its pen."""
    becomes_true(page, """id => {
        const surface = window.ftlSurface;
        return surface?.image?.id === id && surface.view() && surface.mask.position !== null
            && surface.root.dataset.pen === "ready";
    }""", image.id)  # fmt: skip


def place(page: Page, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Where image points are on the screen, in CSS pixels."""
    left, top, view = page.evaluate("""() => {
        const box = window.ftlSurface.stage.element.getBoundingClientRect();
        return [box.left, box.top, window.ftlSurface.view()];
    }""")
    return [(left + x * view["scale"] + view["x"], top + y * view["scale"] + view["y"]) for x, y in points]


def drag(page: Page, *points: tuple[float, float], steps: int = 8) -> None:
    """Draw along image points with the mouse held."""
    for number, (x, y) in enumerate(place(page, points)):
        page.mouse.move(x, y, steps=steps if number else 1)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def hold(page: Page, *points: tuple[float, float]) -> None:
    """Begin a stroke, and go on holding the mouse."""
    first, *others = place(page, points)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point, steps=6)


def click(page: Page, *points: tuple[float, float]) -> None:
    """Click at image points, one after the other."""
    for x, y in place(page, points):
        page.mouse.click(x, y)


def look_at(page: Page, scale: float, x: float, y: float) -> None:
    """Look at an image point in the middle of the surface, with so many screen pixels an image pixel."""
    page.evaluate("""([scale, x, y]) => {
        const surface = window.ftlSurface;
        const { width, height } = surface.stage;
        surface.setView({ scale, x: width / 2 - x * scale, y: height / 2 - y * scale });
    }""", [scale, x, y])  # fmt: skip


def choose(page: Page, tool: str | None = None, number: int | None = None, size: float | None = None) -> None:
    """Choose a tool, a class and a size, as the toolbar does."""
    changes = {"tool": tool, "classNumber": number, "size": size}
    page.evaluate(
        "changes => window.ftlSurface.set(changes)", {key: value for key, value in changes.items() if value is not None}
    )


def saved(page: Page) -> None:
    """Wait until all strokes of this browser are on the studio's disk, and the surface says so."""
    becomes_true(page, "window.ftlSurface.outbox.status().waiting === 0 && !window.ftlSurface.drawing()")
    page.get_by_text("Saved", exact=True).wait_for()


def wait_until(page: Page, true: Callable[[], object], seconds: float = 30.0) -> float:
    """Wait until it is true; the seconds that took."""
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < seconds
        page.wait_for_timeout(50)
    return time.monotonic() - begin


def shown(page: Page) -> np.ndarray:
    """The index mask that the surface shows, uint8 (height, width)."""
    width, height, text = page.evaluate("""() => {
        const { values } = window.ftlSurface.mask;
        let text = "";
        for (let at = 0; at < values.length; at += 32768)
            text += String.fromCharCode(...values.subarray(at, at + 32768));
        return [window.ftlSurface.image.width, window.ftlSurface.image.height, text];
    }""")
    return np.frombuffer(text.encode("latin-1"), np.uint8).reshape(height, width)


def stored(page: Page, server: Server, image: Image) -> np.ndarray:
    """The index mask that the studio gives away, uint8 (height, width)."""
    # a connection that the server has just closed for want of use is opened again
    got = page.request.get(f"{server.url}/files/{image.project_id}/images/{image.id}/mask.png", max_retries=3)
    assert got.status == 200
    return np.asarray(Picture.open(io.BytesIO(got.body())))


def logged(image: Image, *kinds: str, seconds: float = 30.0) -> list[Stroke]:
    """The rows of the log, once there are so many; they are of these kinds."""
    until = time.monotonic() + seconds
    while len(rows := log.read(image.id)) < len(kinds) and time.monotonic() < until:
        time.sleep(0.03)
    assert [row.kind for row in rows] == list(kinds)
    return rows


def popover(page: Page, name: str) -> Locator:
    """What opens behind a sign of the bar above the surface: "Comments", "History" or "Image and mask"."""
    page.locator(".st-key-head").get_by_role("button", name=name).click()
    body = page.get_by_role("dialog", name=name)
    body.wait_for()
    return body
