"""Several people on one image, each in a browser of their own."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.fold import fold
from studio.annotation.viewport import look
from studio.images.library import add_image
from studio.projects import accept, create_project, invite
from studio.store.database import writing
from studio.store.models import Image
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled
from tests.e2e.test_annotate import HEIGHT, WIDTH, drag, logged, mask, open_image, press, saved

NAMES = ("Ada", "Bob", "Cleo", "Dan", "Eve")


@pytest.fixture(scope="module")
def people(server: Server) -> list[int]:
    with writing() as db:
        return [add_user(db, name, PASSWORD).id for name in NAMES]


@pytest.fixture
def wall(people: list[int], tmp_path: Path) -> Image:
    project = create_project(people[0], "Walls")
    for one in people[1:]:
        accept(invite(project.id, "annotator"), one)
    noise = np.random.default_rng(0).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return add_image(project.id, people[0], save_png(noise, tmp_path / "wall.png"), "wall.png")[0]


def seen(page) -> set[str]:
    """Ids of the strokes that the overlay shows."""
    return set(page.locator(".overlay path[data-id]").evaluate_all("all => all.map(one => one.dataset.id)"))


def wait_until(page, true, seconds: float = 30) -> None:
    for _ in range(int(seconds * 10)):
        if true():
            return
        page.wait_for_timeout(100)
    assert true()


def test_a_stroke_of_another_appears_within_three_seconds_and_spares_the_one_under_the_mouse(
    server: Server, browser, people: list[int], wall: Image
) -> None:
    ada, bob = (open_image(browser, server, one, wall) for one in people[:2])
    view = look(WIDTH, HEIGHT)
    ada.locator(".people").get_by_text("Bob").wait_for()
    bob.locator(".people").get_by_text("Ada").wait_for()
    box = bob.locator("canvas").last.bounding_box()
    bob.mouse.move(box["x"] + 100, box["y"] + 300)
    bob.mouse.down()
    bob.mouse.move(box["x"] + 200, box["y"] + 300, steps=5)  # held

    drag(ada, view, (40, 40), (200, 90))
    saved(ada, 1)
    begin = time.monotonic()
    (stroke,) = (row.id for row in log.read(wall.id))
    wait_until(bob, lambda: stroke in seen(bob))
    assert time.monotonic() - begin < 3
    bob.locator(".tag").get_by_text("Ada").wait_for()
    ada.keyboard.press("Control+z")  # an undo has Bob's view drawn anew, but not while he draws
    logged(ada, wall, ["brush", "undo"])
    bob.wait_for_timeout(2500)
    bob.mouse.move(box["x"] + 400, box["y"] + 300, steps=5)
    bob.mouse.up()
    logged(bob, wall, ["brush", "undo", "brush"])
    wait_until(bob, lambda: not seen(bob))
    own = log.read(wall.id)[-1]
    assert own.author_id == people[1]
    assert max(x for x, _ in own.geometry["points"]) - min(x for x, _ in own.geometry["points"]) > 140
    for page in (ada, bob):
        page.context.close()


@pytest.mark.parametrize("count", [2, 5])
def test_all_that_several_people_draw_at_once_is_there_once_and_everybody_sees_it(
    server: Server, browser, people: list[int], wall: Image, count: int
) -> None:
    pages = [open_image(browser, server, one, wall) for one in people[:count]]
    view = look(WIDTH, HEIGHT)
    rng = np.random.default_rng(count)
    drawn = [0] * count
    undone = 0
    for number, page in enumerate(pages):
        press(page, str(number % 4 + 1), f"class-{number % 4 + 1}")
    boxes = [page.locator("canvas").last.bounding_box() for page in pages]
    end = time.monotonic() + 60
    while time.monotonic() < end:  # strokes are held by all at once, and end in any order
        paths = rng.uniform((20, 20), (WIDTH - 20, HEIGHT - 20), (count, 3, 2))
        for step in range(3):
            for page, path, box in zip(pages, paths, boxes, strict=True):
                x, y = view.to_canvas(path[step : step + 1])[0]
                page.mouse.move(box["x"] + x, box["y"] + y, steps=4 if step else 1)
                if step == 0:
                    page.mouse.down()
        for number in rng.permutation(count):
            pages[number].mouse.up()
            drawn[number] += 1
        if rng.random() < 0.2:
            pages[int(rng.integers(count))].keyboard.press("Control+z")
            undone += 1
    for page in pages:
        wait_until(page, lambda: len(log.read(wall.id)) >= sum(drawn) + undone)
        settled(page)
    rows = log.read(wall.id)
    strokes = [row for row in rows if row.kind == "brush"]
    assert [sum(row.author_id == one for row in strokes) for one in people[:count]] == drawn
    assert len({row.id for row in rows}) == len(rows) == sum(drawn) + undone
    expected = fold([log.drawn(row) for row in rows], HEIGHT, WIDTH)
    for page in pages:
        assert np.array_equal(mask(page, server, wall), expected)
    for page, own in zip(pages, people, strict=False):
        wait_until(page, lambda page=page, own=own: shows(page, rows, own))
        page.context.close()


def shows(page, rows: list, own: int) -> bool:
    """Whether a browser's background, overlay and own canvas together show the whole log."""
    told = page.locator(".overlay").evaluate("one => ({ ...one.dataset })")
    later = {row.id for row in rows if row.seq > int(told["base"]) and row.kind == "brush"}
    mine = {row.id for row in rows if row.id.startswith(told["mount"])}
    return int(told["position"]) >= rows[-1].seq and later <= seen(page) | mine
