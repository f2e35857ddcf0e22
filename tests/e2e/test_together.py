"""Several people on one image, each in a browser of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.rasterise import fold
from studio.annotation.strokes import Brush
from studio.canvas.viewport import look
from studio.collaboration.assignment import give_next, set_overlap
from studio.images.library import add_image, image_in
from studio.projects.classes import classes_of, remove_class, rename_class
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image, Session, Work
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in
from tests.e2e.test_annotate import HEIGHT, WIDTH, drag, logged, mask, open_image, press, rested, saved

SECONDS = int(os.environ.get("FTL_DRAW_SECONDS", "10"))  # as long as each group draws; a minute is asked for
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


def seen(page: Page) -> set[str]:
    """Ids of the strokes that the overlay shows."""
    return set(page.locator(".overlay path[data-id]").evaluate_all("all => all.map(one => one.dataset.id)"))


def wait_until(page: Page, true: Callable[[], bool], seconds: float = 30) -> None:
    for _ in range(int(seconds * 10)):
        if true():
            return
        page.wait_for_timeout(100)
    assert true()


def test_a_stroke_of_another_appears_within_three_seconds_and_spares_the_one_under_the_mouse(
    server: Server, browser: Browser, people: list[int], wall: Image
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


def test_all_that_two_then_five_people_draw_at_once_is_there_once_and_everybody_sees_it(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    pages = [open_image(browser, server, one, wall) for one in people[:2]]
    draw_together(server, pages, people, wall, SECONDS)
    pages += [open_image(browser, server, one, wall) for one in people[2:5]]
    draw_together(server, pages, people, wall, SECONDS)
    for page in pages:
        page.context.close()


def draw_together(server: Server, pages: list[Page], people: list[int], wall: Image, seconds: float) -> None:
    """Have all draw at once for a while, and check the log, the mask and everybody's screen."""
    view, count = look(WIDTH, HEIGHT), len(pages)
    rng = np.random.default_rng(count)
    before = log.read(wall.id)
    drawn, undone = [0] * count, 0
    for number, page in enumerate(pages):
        press(page, str(number % 4 + 1), f"class-{number % 4 + 1}")
    boxes = [page.locator("canvas").last.bounding_box() for page in pages]
    end = time.monotonic() + seconds
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
        wait_until(page, lambda: len(log.read(wall.id)) >= len(before) + sum(drawn) + undone)
        settled(page)
    rows = log.read(wall.id)
    strokes = [row for row in rows[len(before) :] if row.kind == "brush"]
    assert [sum(row.author_id == one for row in strokes) for one in people[:count]] == drawn
    assert len({row.id for row in rows}) == len(rows) == len(before) + sum(drawn) + undone
    expected = fold([log.drawn(row) for row in rows], HEIGHT, WIDTH)
    for page in pages:
        assert np.array_equal(mask(page, server, wall), expected)
    for page, own in zip(pages, people, strict=False):
        wait_until(page, lambda page=page, own=own: shows(page, rows, own))


def shows(page: Page, rows: list[Any], own: int) -> bool:
    """Whether a browser's background, overlay and own canvas together show the whole log."""
    told = page.locator(".overlay").evaluate("one => ({ ...one.dataset })")
    later = {row.id for row in rows if row.seq > int(told["base"]) and row.kind == "brush"}
    mine = {row.id for row in rows if row.id.startswith(told["mount"])}
    return int(told["position"]) >= rows[-1].seq and later <= seen(page) | mine


def test_a_cookie_that_expires_while_drawing_loses_nothing(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    page = open_image(browser, server, people[0], wall)
    view = look(WIDTH, HEIGHT)
    drag(page, view, (40, 40), (200, 90))
    saved(page, 1)
    with writing() as db:
        db.execute(update(Session).values(expires_at=0.0))
    drag(page, view, (40, 140), (200, 190))
    page.get_by_text("You are signed out").first.wait_for()
    drag(page, view, (40, 240), (200, 190))  # whoever has not read it yet
    page.wait_for_timeout(1500)
    assert len(log.read(wall.id)) == 1
    cookie: Any = {"name": "studio_session", "url": server.url}
    page.context.add_cookies([cookie | {"value": server.cookie(people[1])}])  # another's: not in this tab's name
    page.wait_for_timeout(3000)
    assert len(log.read(wall.id)) == 1
    page.context.add_cookies([cookie | {"value": server.cookie(people[0])}])
    logged(page, wall, ["brush"] * 3)
    assert {row.author_id for row in log.read(wall.id)} == {people[0]}
    saved(page, 3)
    page.context.close()


def test_a_class_renamed_and_removed_while_somebody_draws_it(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    page = open_image(browser, server, people[1], wall)
    view = look(WIDTH, HEIGHT)
    press(page, "2", "class-2")
    rested(page)
    pore = classes_of(wall.project_id)[1]
    rename_class(wall.project_id, people[0], pore.id, "Hole")
    drag(page, view, (40, 40), (200, 40))
    saved(page, 1)
    remove_class(wall.project_id, people[0], pore.id)
    drag(page, view, (40, 140), (200, 140))
    saved(page, 2)
    assert [row.class_number for row in log.read(wall.id)] == [2, 2]
    assert not mask(page, server, wall).any()  # kept, out of sight
    page.keyboard.press("f")
    rested(page)
    assert page.get_by_role("button", name="Hole").count() == 0
    remove_class(wall.project_id, people[0], pore.id, removed=False)
    assert (mask(page, server, wall)[[40, 140], 120] == 2).all()
    page.context.close()


def test_a_reload_in_mid_stroke_and_a_quarter_of_the_messages_lost(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    """What the browser sends is dropped at random, as by a bad line; what was told saved is there, once."""
    page = sign_in(browser, server, people[0])
    rng = np.random.default_rng(0)
    dropping = list[Any]()

    def between(ws: Any) -> None:
        peer = ws.connect_to_server()

        def send(message: Any) -> None:
            if dropping and b"canvas-" in (message if isinstance(message, bytes) else b"") and rng.random() < 0.25:
                dropping.append(1)
            else:
                peer.send(message)

        ws.on_message(send)

    page.route_web_socket("**/_stcore/stream", between)
    page.goto(f"{server.url}/annotate?project={wall.project_id}&image={wall.id}")
    page.locator("canvas").last.wait_for()
    settled(page)
    page.wait_for_timeout(800)
    view = look(WIDTH, HEIGHT)
    dropping.append(0)
    count = 24
    for number in range(count):
        drag(page, view, (40, 10 + 11 * number), (300, 12 + 11 * number))
        page.wait_for_timeout(450)  # each in a message of its own
    dropped = len(dropping) - 1
    assert dropped >= 3
    dropping.clear()
    drag(page, view, (340, 20), (380, 280))  # the next whole list brings what was dropped
    saved(page, count + 1)
    rows = log.read(wall.id)
    assert len(rows) == len({row.id for row in rows}) == count + 1

    box = page.locator("canvas").last.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 150, steps=5)
    page.reload()
    page.mouse.up()
    page.locator("canvas").last.wait_for()
    saved(page, 0)
    assert [row.id for row in log.read(wall.id)] == [row.id for row in rows]
    page.context.close()


def test_zoom_resize_and_a_lease_that_ends_leave_every_stroke(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    page = open_image(browser, server, people[1], wall)
    view = look(WIDTH, HEIGHT)
    box = page.locator("canvas").last.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 150, steps=5)
    with writing() as db:  # its lease ends, and somebody else is given the image, in mid-stroke
        db.execute(update(Work).values(seen_at=0.0, assigned_at=None))
    given = give_next(wall.project_id, people[2])
    assert given is not None
    assert given.id == wall.id
    page.set_viewport_size({"width": 1000, "height": 700})
    page.mouse.up()
    logged(page, wall, ["brush"])
    before = mask(page, server, wall)
    assert before[40, 30:120].any()
    page.keyboard.press("i")
    rested(page)
    page.set_viewport_size({"width": 1500, "height": 1000})
    page.wait_for_timeout(1500)  # the canvas takes the room that there is
    rested(page)
    page.keyboard.press("f")
    rested(page)
    page.wait_for_timeout(500)  # as in open_image
    assert np.array_equal(mask(page, server, wall), before)
    assert len(log.read(wall.id)) == 1
    drag(page, view, (40, 200), (200, 200))
    saved(page, 1)
    page.context.close()


def test_blind_annotators_see_only_their_own_and_reviewers_all(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    set_overlap(wall.project_id, people[0], 2)
    for one, y in ((people[1], 50.0), (people[2], 150.0)):
        points = {"points": [[20.0, y], [300.0, y]], "width": 5.0}
        log.append(wall.id, one, [Brush(f"s{one}", 1, points, one)])
    bob = open_image(browser, server, people[1], wall)
    got = mask(bob, server, wall)
    assert got[50, 100] == 1
    assert not got[150].any()
    cleo = open_image(browser, server, people[2], wall)
    bob.wait_for_timeout(2500)
    assert seen(bob) == set()
    assert bob.locator(".people span").count() == 0
    project = f"{server.url}/api/projects/{wall.project_id}"
    assert bob.request.get(f"{project}/export.zip").status == 403
    bob.get_by_role("button", name="Submit").click()
    bob.get_by_text("yours: submitted").wait_for()
    assert image_in(wall.project_id, wall.id).state == "open"
    cleo.get_by_role("button", name="Submit").click()
    cleo.get_by_role("button", name="Submit").wait_for(state="detached")
    assert image_in(wall.project_id, wall.id).state == "submitted"
    ada = open_image(browser, server, people[0], wall)
    assert (mask(ada, server, wall)[[50, 150], 100] == 1).all()
    for page in (ada, bob, cleo):
        page.context.close()


def test_comments_are_pinned_told_to_others_and_settled_and_the_past_comes_back(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    ada, bob = (open_image(browser, server, one, wall) for one in people[:2])
    view = look(WIDTH, HEIGHT)
    drag(ada, view, (40, 40), (200, 90))
    saved(ada, 1)
    first = mask(ada, server, wall)
    drag(ada, view, (40, 140), (200, 190))
    saved(ada, 2)
    press(ada, "p", "tool-pin")
    rested(ada)
    box = ada.locator("canvas").last.bounding_box()
    x, y = view.to_canvas(np.array([[120.0, 65.0]]))[0]
    ada.mouse.click(box["x"] + x, box["y"] + y)
    ada.get_by_label("Comment at 120, 65").fill("Is this <b>one</b> crack?")
    ada.get_by_role("button", name="Comment", exact=True).first.click()
    bob.locator(".pin").wait_for()
    bob.reload()
    bob.get_by_text("Comments · 1").wait_for()
    rested(bob)  # a click while the page is still being drawn may be lost
    bob.get_by_text("Comments · 1").click()
    bob.get_by_text("Is this <b>one</b> crack?").wait_for()
    rested(bob)
    bob.get_by_role("button", name="Done").click()
    bob.locator(".pin").wait_for(state="detached")
    ada.reload()
    saved(ada, 0)
    rested(ada)
    ada.get_by_text("History", exact=True).click()
    rested(ada)
    ada.get_by_text("Show the history").click()
    ada.get_by_role("slider", name="Mask after this many strokes").press("ArrowLeft")
    ada.get_by_role("button", name="Restore this state").click()
    wait_until(ada, lambda: np.array_equal(mask(ada, server, wall), first))
    assert [row.kind for row in log.read(wall.id)] == ["brush", "brush", "revision"]
    for page in (ada, bob):
        page.context.close()
