"""Strokes at random moments after random keys, clicks, zooms and pans: each in the log once, where it was drawn."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import BrowserContext

from studio.annotation import log
from studio.images.library import add_image
from studio.projects.projects import create_project
from studio.store.tables import Image
from tests.e2e.conftest import Server, open_tab
from tests.e2e.drawing import opened, place, saved, shown

STROKES = int(os.environ.get("FTL_STROKES", "20"))
"""Strokes on each image; more on demand."""
SIZES = [(3, 2), (320, 240), (6000, 300), (6000, 4000)]
_TOOLS = {"b": "brush", "e": "eraser", "t": "rectangle"}

_WATCH = """() => {
    window.begun = [];
    const surface = window.ftlSurface;
    const pressed = (bar, name) => surface.root.querySelector(`${bar} [aria-pressed=true]`)?.dataset[name];
    window.addEventListener("pointerdown", (event) => {
        if (event.button !== 0 || !event.composedPath().includes(surface.stage.element)) return;
        const box = surface.stage.element.getBoundingClientRect();
        window.begun.push({
            tool: pressed(".ftl-tools", "tool"), number: Number(pressed(".ftl-classes", "class")),
            size: Number(surface.root.querySelector(".ftl-options .control input:not([type=range])")?.value),
            view: { ...surface.view() }, left: box.left, top: box.top,
        });
    }, true);
}"""  # what the toolbar shows, and where the surface looks, when a stroke begins


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def wall(request: pytest.FixtureRequest, owner: int, tmp_path: Path) -> Image:
    width, height = request.param
    pixels = np.full((height, width, 3), 170, np.uint8)
    pixels[:: max(1, height // 40)] = 120
    Picture.fromarray(pixels).save(tmp_path / "wall.jpg")
    return add_image(create_project(owner, "Walls").id, owner, tmp_path / "wall.jpg", "wall.jpg")[0]


def test_each_stroke_is_in_the_log_once_as_the_toolbar_said(server: Server, tabs: BrowserContext, wall: Image) -> None:
    page = opened(open_tab(tabs), server, wall)
    page.evaluate(_WATCH)
    box = page.locator(".stage").bounding_box()
    rng = random.Random(7)

    def anywhere() -> tuple[float, float]:
        return box["x"] + rng.uniform(80, box["width"] - 80), box["y"] + rng.uniform(80, box["height"] - 80)

    def on_image() -> tuple[float, float]:
        """A place of the photograph that neither a toolbar nor the minimap covers."""
        ((left, top), (right, bottom)) = place(page, [(0, 0), (wall.width, wall.height)])
        across = max(left, box["x"] + 70), min(right, box["x"] + box["width"] - 70)
        down = max(top, box["y"] + 130), min(bottom, box["y"] + box["height"] - 60)
        while True:
            x, y = rng.uniform(*across), rng.uniform(*down)
            if x < box["x"] + box["width"] - 260 or y < box["y"] + box["height"] - 260:
                return x, y

    def look_elsewhere() -> None:
        page.mouse.move(*anywhere())
        page.mouse.wheel(0, rng.choice([-360, -120, 120, 240]))

    def pan() -> None:
        page.mouse.move(*anywhere())
        page.mouse.down(button="middle")
        page.mouse.move(*anywhere(), steps=2)
        page.mouse.up(button="middle")

    keys = "bet" if wall.width > 100 else "be"  # a rectangle of less than a pixel is none
    changes = [
        look_elsewhere, look_elsewhere, pan,
        lambda: page.keyboard.press(rng.choice("0.+-")),
        lambda: page.keyboard.press(rng.choice(keys)),
        lambda: page.keyboard.press(rng.choice("1234")),
        lambda: page.keyboard.press(rng.choice("[]")),
        lambda: page.locator(f".ftl-classes [data-class='{rng.randint(1, 4)}']").click(),
        lambda: page.locator(f".ftl-tools [data-tool={rng.choice([_TOOLS[key] for key in keys])}]").click(),
    ]  # fmt: skip
    drawn: list[list[tuple[float, float]]] = []
    for _ in range(STROKES):
        for _ in range(rng.randint(0, 3)):
            rng.choice(changes)()
        page.wait_for_timeout(rng.uniform(0, 300))
        path = [on_image() for _ in range(rng.randint(2, 4))]
        page.mouse.move(*path[0])
        page.mouse.down()
        for point in path[1:]:
            page.mouse.move(*point, steps=rng.randint(1, 6))
        page.mouse.up()
        drawn.append(path)
    saved(page)
    begun = page.evaluate("window.begun")
    rows = log.read(wall.id)
    assert len(begun) == len(drawn)
    assert len(rows) == len({row.id for row in rows}) == len(drawn)
    for row, start, path in zip(rows, begun, drawn, strict=True):
        view = start["view"]
        points = np.array(
            [
                ((x - start["left"] - view["x"]) / view["scale"], (y - start["top"] - view["y"]) / view["scale"])
                for x, y in path
            ]
        )
        near = max(1.0, 1.0 / view["scale"]) * 1.01
        assert row.kind == {"brush": "brush", "eraser": "erase", "rectangle": "rectangle"}[start["tool"]]
        if row.kind != "erase":
            assert row.class_number == start["number"]
        if row.kind == "rectangle":
            x, y, w, h = row.geometry["box"]
            corners = np.clip(np.array([points[0], points[-1]]), 0, (wall.width, wall.height))
            assert np.abs(np.sort(corners, 0) - [[x, y], [x + w, y + h]]).max() <= near
        else:
            assert row.geometry["width"] == pytest.approx(start["size"], abs=0.06)
            got = np.array(row.geometry["points"])
            assert max(np.abs(got - point).max(1).min() for point in points) <= near, (points, got)
            assert _farthest(got, points) <= near
    assert (shown(page) == log.mask(wall)).all()
    page.close()


def _farthest(got: np.ndarray, points: np.ndarray) -> float:
    """How far the logged line leaves the drawn one, at most."""
    a, b = points[:-1, None], points[1:, None]
    along = np.clip(((got - a) * (b - a)).sum(-1) / np.maximum(((b - a) ** 2).sum(-1), 1e-12), 0, 1)
    return float(np.linalg.norm(got - a - along[..., None] * (b - a), axis=-1).min(0).max())
