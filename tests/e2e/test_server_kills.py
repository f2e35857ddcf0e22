"""All that was drawn is in the log, once, or in the browser, which says so: whatever keeps it from the studio's disk.

That is a server killed by SIGKILL, a cut line, a full disk, a closed tab, another user, an image that was accepted.
"""

from __future__ import annotations

import json
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page
from sqlalchemy import update

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.rasterise import fold
from studio.images.library import add_image, set_state
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image, Session
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, becomes_true, open_tab, sign_in
from tests.e2e.drawing import choose, drag, hold, logged, opened, place, ready, saved, shown, wait_until

KILLS = int(os.environ.get("FTL_KILLS", "3"))
"""Of the server; 20 are asked for. test_kills.py kills writing processes 50 times."""
WIDTH, HEIGHT = 400, 300
OUTBOX = "window.ftlSurface.outbox.status()"


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One that is killed."""
    return own_server


@pytest.fixture(scope="module")
def people(server: Server) -> list[int]:
    with writing() as db:
        return [add_user(db, name, PASSWORD).id for name in ("Ada", "Bob")]


@pytest.fixture
def wall(people: list[int], tmp_path: Path) -> Image:
    project = create_project(people[0], "Walls")
    accept(invite(project.id, "annotator"), people[1])
    pixels = np.random.default_rng(0).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return add_image(project.id, people[0], save_png(pixels, tmp_path / "wall.png"), "wall.png")[0]


@pytest.fixture
def context(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser in which nobody is signed in."""
    made = sign_in(browser, server, 1).context
    made.clear_cookies()
    yield made
    made.close()


def tab_of(context: BrowserContext, server: Server, user: int, wall: Image) -> Page:
    """A tab of the browser, in which a user is now signed in, with the wall."""
    context.add_cookies([{"name": "studio_session", "value": server.cookie(user), "url": server.url}])
    return opened(open_tab(context), server, wall)


def begins(wall: Image) -> list[tuple[float, float]]:
    """Where the strokes of the log begin, from left to right."""
    return sorted(tuple(row.geometry["points"][0]) for row in log.read(wall.id))


def in_log_once(wall: Image, expected: list[tuple[int, int]]) -> None:
    rows = log.read(wall.id)
    assert len(rows) == len({row.id for row in rows}) == len(expected)
    for own, drawn in zip(begins(wall), sorted(expected), strict=True):
        assert own == pytest.approx(drawn, abs=1.5)


def test_no_stroke_is_lost_or_twice_whatever_is_killed(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    """Strokes go on while the server dies and is dead; then it comes back, to the same tab, a reload or a new tab."""
    page = tab_of(context, server, people[0], wall)
    choose(page, "brush", size=5)
    rng = np.random.default_rng(7)
    expected: list[tuple[int, int]] = []
    waited = 0
    for number in range(KILLS):
        death = threading.Timer(float(rng.uniform(0.1, 1.5)), server.process.kill)
        death.start()
        after = int(rng.integers(1, 4))  # strokes while it is dead
        while death.is_alive() or after > 0:
            after -= not death.is_alive()
            x, y = (int(value) for value in rng.integers((20, 20), (WIDTH - 150, HEIGHT - 40)))
            drag(page, (x, y), (x + 120, y + 20))
            expected.append((x, y))
            page.wait_for_timeout(float(rng.uniform(0, 300)))
        death.join()
        server.process.wait(15)
        becomes_true(page, "!window.ftlSurface.drawing()")
        waiting = page.evaluate(OUTBOX)["waiting"]
        assert len(expected) - waiting <= len(log.read(wall.id)) <= len(expected)  # what was called saved, was
        assert shown(page)[expected[-1][1] + 1, expected[-1][0] + 2] == 1, "it is seen all the same"
        waited += len(log.read(wall.id)) < len(expected)
        if number % 3 == 2:
            page.close()
        server.start()
        if number % 3 == 1:
            page.reload()
        if number % 3 == 2:
            page = open_tab(context)
            page.goto(f"{server.url}/annotate?project={wall.project_id}&image={wall.id}")
        ready(page, wall)
        wait_until(page, lambda: len(log.read(wall.id)) >= len(expected), 60)
        saved(page)
        in_log_once(wall, expected)
        rows = log.read(wall.id)
        log._FOLDED.clear()
        assert np.array_equal(log.mask(wall), fold([log.drawn(row) for row in rows], HEIGHT, WIDTH))
        wait_until(page, lambda page=page: np.array_equal(shown(page), log.mask(wall)))
    print(f"{KILLS} kills, {len(expected)} strokes, {waited} times some had to wait in the browser")


def test_what_is_drawn_without_a_line_waits_through_reloads_and_closed_tabs(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    page = tab_of(context, server, people[0], wall)
    choose(page, "brush", size=5)
    context.set_offline(True)
    expected = [(30, 20 + 40 * number) for number in range(4)]
    for x, y in expected:
        drag(page, (x, y), (x + 150, y))
    page.keyboard.press("Control+z")  # also known by the log, once
    page.get_by_text("5 strokes on wall.png not saved, kept in this browser").wait_for()
    assert (shown(page)[[20, 60, 100], 100] == 1).all()
    assert shown(page)[140, 100] == 0
    hold(page, (300, 50), (300, 150))
    page.close()  # in mid-stroke: that one was not drawn yet
    assert log.read(wall.id) == []
    context.set_offline(False)
    page = tab_of(context, server, people[0], wall)
    logged(wall, "brush", "brush", "brush", "brush", "undo")
    saved(page)
    assert (shown(page) == log.mask(wall)).all()

    context.set_offline(True)  # and back in the same tab, with no hand on it
    drag(page, (200, 200), (350, 220))
    page.get_by_text("1 stroke on wall.png not saved").wait_for()
    context.set_offline(False)
    saved(page)
    assert len(log.read(wall.id)) == 6


def test_a_tab_that_is_closed_right_after_a_stroke_sends_it_or_keeps_it(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    expected = []
    for number in range(3):
        page = tab_of(context, server, people[0], wall)
        choose(page, "brush", size=5)
        for turn in range(2):
            x, y = 30 + 40 * turn, 30 + 60 * number
            drag(page, (x, y), (x + 150, y))
            expected.append((x, y))
        becomes_true(page, "!window.ftlSurface.drawing()")
        page.close(run_before_unload=number % 2 == 0)
    page = tab_of(context, server, people[0], wall)
    wait_until(page, lambda: len(log.read(wall.id)) >= len(expected))
    saved(page)
    in_log_once(wall, expected)


def test_a_full_disk_is_said_and_what_was_drawn_is_sent_when_there_is_room(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    page = tab_of(context, server, people[0], wall)
    choose(page, "brush", size=5)
    drag(page, (30, 20), (180, 20))
    saved(page)
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))  # no file takes a byte
    try:
        for y in (60, 100):
            drag(page, (30, y), (180, y))
        page.get_by_text("2 strokes on wall.png not saved, kept in this browser").wait_for()
        assert len(log.read(wall.id)) == 1
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    wait_until(page, lambda: len(log.read(wall.id)) == 3)
    saved(page)
    in_log_once(wall, [(30, 20), (30, 60), (30, 100)])


def test_strokes_of_one_person_are_sent_by_nobody_else_and_wait_through_a_reload(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    ada, bob = people
    page = tab_of(context, server, ada, wall)
    address = page.url
    with writing() as db:
        db.execute(update(Session).values(expires_at=0.0))
    drag(page, (40, 40), (200, 90))
    page.get_by_text("1 stroke on wall.png not saved, kept in this browser: you are signed out").wait_for()
    context.add_cookies([{"name": "studio_session", "url": server.url, "value": server.cookie(bob)}])
    page.get_by_text("somebody else drew them, and Bob is signed in now").wait_for()
    page.goto(address)
    ready(page, wall)
    page.get_by_text("1 stroke of Ada waits in this browser until Ada signs in.").wait_for()
    assert not shown(page).any()
    drag(page, (40, 140), (200, 190))
    saved(page)
    assert [row.author_id for row in log.read(wall.id)] == [bob]
    context.add_cookies([{"name": "studio_session", "url": server.url, "value": server.cookie(ada)}])
    page.goto(address)
    wait_until(page, lambda: len(log.read(wall.id)) == 2)
    assert [row.author_id for row in log.read(wall.id)] == [bob, ada]
    ready(page, wall)
    saved(page)


def test_a_browser_that_keeps_nothing_says_so_and_asks_before_it_loses_anything(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    page = open_tab(context)
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { get() { throw new Error('none here'); } })")
    context.add_cookies([{"name": "studio_session", "value": server.cookie(people[0]), "url": server.url}])
    opened(page, server, wall)
    drag(page, (40, 40), (200, 90))
    saved(page)
    context.set_offline(True)
    drag(page, (40, 140), (200, 190))
    page.get_by_text("1 stroke on wall.png not saved, kept in this tab only").wait_for()
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.close(run_before_unload=True)
    wait_until(page, lambda: asked)
    assert asked == ["beforeunload"]
    context.set_offline(False)
    saved(page)
    assert len(log.read(wall.id)) == 2


def test_an_image_that_is_accepted_while_one_draws_locks_and_what_is_unsent_is_sent_when_it_is_reopened(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    page = tab_of(context, server, people[1], wall)
    choose(page, "brush", size=5)
    drag(page, (40, 20), (200, 20))
    saved(page)
    hold(page, (40, 60), (120, 60))
    set_state(wall.project_id, people[0], [wall.id], "accepted")
    page.locator(".ftl-banner").get_by_text("this image is accepted and read-only").wait_for()
    page.mouse.move(*place(page, [(200, 60)])[0], steps=5)
    page.mouse.up()  # what was begun is kept
    page.get_by_text("1 stroke on wall.png not saved, kept in this browser: this image is accepted").wait_for()
    assert page.locator(".ftl-tools [data-tool=brush]").is_disabled()
    drag(page, (40, 100), (200, 100))  # locked: nothing is drawn
    page.keyboard.press("Control+z")
    assert page.evaluate(OUTBOX)["waiting"] == 1
    assert (shown(page)[[20, 60, 100], 80] == [1, 1, 0]).all()
    with page.expect_response("**/strokes") as answer:
        page.get_by_role("button", name="Try again").click()
    assert answer.value.status == 400
    page.get_by_role("button", name="Try again").wait_for()
    page.reload()
    ready(page, wall)
    page.get_by_text("1 stroke on wall.png not saved, kept in this browser: this image is accepted").wait_for()
    assert len(log.read(wall.id)) == 1
    set_state(wall.project_id, people[0], [wall.id], "open")
    page.locator(".ftl-banner").wait_for(state="hidden")
    logged(wall, "brush", "brush")
    saved(page)
    drag(page, (40, 100), (200, 100))
    saved(page)
    in_log_once(wall, [(40, 20), (40, 60), (40, 100)])


def test_what_an_accepted_image_refuses_is_the_persons_to_take_or_drop(
    server: Server, context: BrowserContext, people: list[int], wall: Image
) -> None:
    page = tab_of(context, server, people[1], wall)
    held = []
    page.route("**/strokes", lambda route: held.append(route))  # the line is slow, and the image is accepted meanwhile
    drag(page, (40, 40), (200, 90))
    wait_until(page, lambda: held)
    set_state(wall.project_id, people[0], [wall.id], "accepted")
    for route in held:
        route.continue_()
    page.unroute("**/strokes")
    refused = page.get_by_text("1 stroke on wall.png not saved, kept in this browser: this image is accepted")
    refused.wait_for()
    page.reload()
    refused.wait_for()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()
    (content,) = json.loads(Path(got.value.path()).read_text())
    assert (content["file"], content["kind"], content["user"]) == ("wall.png", "brush", "Bob")
    assert content["geometry"]["points"][0] == pytest.approx((40, 40), abs=1.5)
    refused.wait_for()
    page.get_by_role("button", name="Drop").click()
    page.get_by_role("button", name="Drop 1 stroke?").click()
    refused.wait_for(state="detached")
    page.get_by_text("Saved", exact=True).wait_for()
    assert not shown(page).any()
    page.reload()
    ready(page, wall)
    saved(page)
    set_state(wall.project_id, people[0], [wall.id], "open")
    page.locator(".ftl-banner").wait_for(state="hidden")
    saved(page)
    assert log.read(wall.id) == []
