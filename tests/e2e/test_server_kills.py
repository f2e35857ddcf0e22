"""The studio killed by SIGKILL while somebody draws, and their tab with it: every stroke is there, once."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import update

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.rasterise import fold
from studio.canvas.viewport import look
from studio.images.library import add_image, set_state
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image, Session
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, becomes_true
from tests.e2e.test_annotate import HEIGHT, WIDTH, drag, open_image, rested, saved
from tests.e2e.test_together import wait_until

KILLS = int(os.environ.get("FTL_KILLS", "3"))  # of the server; test_kills.py kills writing processes 50 times
VIEW = look(WIDTH, HEIGHT)


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


def kill(server: Server) -> None:
    server.process.kill()
    server.process.wait(15)


def status(page: Page) -> str:
    """What the page says of the strokes."""
    return str(page.locator(".unsent").inner_text())


def ready(page: Page) -> None:
    """Wait until the page can be drawn on."""
    becomes_true(page, "window.ftlStrokes && !window.ftlStrokes.recovered")  # else a view with them is on its way
    rested(page)
    page.locator("canvas").last.wait_for()
    page.wait_for_timeout(500)  # as in open_image


def begins(wall: Image) -> list[tuple[float, float]]:
    """Where the strokes of the log begin, in their order, to a pixel."""
    return [(round(row.geometry["points"][0][0]), round(row.geometry["points"][0][1])) for row in log.read(wall.id)]


def test_no_stroke_is_lost_or_twice_whatever_is_killed(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    """Strokes go on while the server dies and is dead; then it comes back, to the same tab, a reload or a new tab."""
    page = open_image(browser, server, people[0], wall)
    page.context.add_init_script(
        "addEventListener('mousedown', (event) => { onCanvas = event.composedPath()[0].tagName === 'CANVAS'; }, true)"
    )
    page.reload()
    ready(page)
    rng = np.random.default_rng(7)
    expected: list[tuple[int, int]] = []
    waited = 0
    for number in range(KILLS):
        already = len(expected)
        death = threading.Timer(float(rng.uniform(0.1, 1.5)), server.process.kill)
        death.start()
        while death.is_alive() or rng.random() < 0.6:  # some more while it is dead
            x, y = (int(value) for value in rng.integers((20, 20), (WIDTH - 150, HEIGHT - 40)))
            drag(page, VIEW, (x, y), (x + 120, y + 20))
            if not page.evaluate("window.onCanvas"):  # Streamlit has put its message of the lost line over the page
                break
            expected.append((x, y))
            page.wait_for_timeout(float(rng.uniform(0, 300)))
        death.join()
        server.process.wait(15)
        told = re.search(r"saved · (\d+) since", status(page), re.IGNORECASE)
        assert told is not None
        assert already + int(told[1]) <= len(log.read(wall.id)) <= len(expected)  # what was called saved, was
        waited += len(log.read(wall.id)) < len(expected)
        before = page.locator(".overlay").get_attribute("data-mount")
        if number % 3 == 2:
            context = page.context
            page.close()
        server.start()
        if number % 3 == 1:
            page.reload()
        if number % 3 == 2:
            page = context.new_page()
            page.goto(f"{server.url}/annotate?project={wall.project_id}&image={wall.id}")
        wait_until(page, lambda: len(log.read(wall.id)) >= len(expected), 60)
        page.locator(f".overlay[data-mount]:not([data-mount={before}])").wait_for(state="attached", timeout=60_000)
        page.get_by_text("All strokes saved").wait_for()
        ready(page)
        found = begins(wall)
        assert len(found) == len(expected)
        for own, drawn in zip(sorted(found), sorted(expected), strict=True):
            assert own == pytest.approx(drawn, abs=1.5)
        rows = log.read(wall.id)
        log._FOLDED.clear()
        assert np.array_equal(log.mask(wall), fold([log.drawn(row) for row in rows], HEIGHT, WIDTH))
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('ftl-strokes'))") == []
    print(f"{KILLS} kills, {len(expected)} strokes, {waited} times some had to wait in the browser")
    page.context.close()


def test_strokes_of_one_person_are_sent_by_nobody_else_and_wait_through_a_reload(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    ada, bob = people
    page = open_image(browser, server, ada, wall)
    address = page.url
    with writing() as db:
        db.execute(update(Session).values(expires_at=0.0))
    drag(page, VIEW, (40, 40), (200, 90))
    page.get_by_text("1 stroke not saved yet: you are signed out").wait_for()
    cookie: Any = {"name": "studio_session", "url": server.url}
    page.context.add_cookies([cookie | {"value": server.cookie(bob)}])
    page.get_by_text("1 stroke not saved yet: somebody else drew them, and Bob is signed in now").wait_for()
    page.goto(address)
    page.get_by_text("1 stroke of Ada not saved yet: sent when Ada signs in here and opens Annotate.").wait_for()
    saved(page, 0)
    ready(page)
    drag(page, VIEW, (40, 140), (200, 190))
    saved(page, 1)
    assert [row.author_id for row in log.read(wall.id)] == [bob]
    page.context.add_cookies([cookie | {"value": server.cookie(ada)}])
    page.goto(address)
    wait_until(page, lambda: len(log.read(wall.id)) == 2)
    assert [row.author_id for row in log.read(wall.id)] == [bob, ada]
    page.context.close()


def test_strokes_on_an_image_that_was_accepted_meanwhile_are_the_persons_to_take_or_drop(
    server: Server, browser: Browser, people: list[int], wall: Image
) -> None:
    page = open_image(browser, server, people[1], wall)
    set_state(wall.project_id, people[0], [wall.id], "accepted")
    drag(page, VIEW, (40, 40), (200, 90))
    refused = page.get_by_text("1 stroke not saved yet: this image is accepted and read-only")
    refused.wait_for()
    page.reload()
    refused.wait_for()
    with page.expect_download() as got:
        page.get_by_role("button", name="Download").click()
    (content,) = json.loads(Path(got.value.path()).read_text())
    assert (content["file"], len(content["objects"])) == ("wall.png", 1)
    refused.wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Drop").click()
    refused.wait_for(state="detached")
    page.reload()
    saved(page, 0)
    set_state(wall.project_id, people[0], [wall.id], "open")
    page.reload()
    saved(page, 0)
    assert log.read(wall.id) == []
    page.context.close()
