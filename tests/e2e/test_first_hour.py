"""The first hour of a stranger to terminals: from the first link to a network's answer, every click counted."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from ftl.models.io import save_backbone
from studio.jobs.sweeps import CLASSIFY, picked
from tests.conftest import ROOT, SIZE, draw_pair, make_features, save_png
from tests.e2e import drawing
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled, taken_home
from tests.e2e.test_try import shown

EACH, MASKS = 40, 6
"""Photographs of each class: so many that a network can be significantly better than a guess. And masks."""

MOST_CLICKS = 15


class Hand:
    """Clicks and counts them: what is typed, dragged or dropped needs none."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, thing: Locator) -> None:
        thing.click()
        self.clicks += 1

    def choose_files(self, where: Locator, *files: Path) -> None:
        """Through the browser's dialog: a click opens it, and one closes it."""
        where.set_input_files(files)
        self.clicks += 2

    def follow(self, page: Page, name: str) -> None:
        """Open a page by its link and wait until it is drawn: a click that comes earlier may be lost."""
        self.click(page.get_by_role("link", name=name, exact=True))
        page.get_by_role("heading", name=name, exact=True).wait_for()
        settled(page)


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One at its first start."""
    return own_server


@pytest.fixture
def cracks() -> list[int]:
    """The row of the crack on each of the photographs that masks are drawn on."""
    rng = np.random.default_rng(0)
    return [int(np.flatnonzero(draw_pair(rng, True)[1].any(1))[1]) for _ in range(MASKS)]


@pytest.fixture
def material(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "walls.zip", "w") as archive:
        for name in ("Crack", "Background"):
            for number in range(EACH):
                buffer = io.BytesIO()
                Image.fromarray(draw_pair(rng, name == "Crack")[0]).save(buffer, "PNG")
                archive.writestr(f"{name}/{number}.png", buffer.getvalue())
    save_png(draw_pair(rng, True)[0], tmp_path / "new.png")
    (tmp_path / "notes.jpg").write_text("no photograph")
    save_backbone(make_features(), tmp_path / "tiny.safetensors", name="tiny", size=SIZE)
    return tmp_path


def test_from_the_first_link_to_an_answer_about_a_new_photograph(
    server: Server, browser: Browser, material: Path, cracks: list[int]
) -> None:
    from playwright.sync_api import expect

    hand = Hand()
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    link = re.search(r"http://\S+/account/join/\S+", server.log.read_text())
    assert link
    page.goto(link[0].replace("localhost", "127.0.0.1"))
    page.keyboard.type("Ada")  # the field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("Create a project first").wait_for()
    settled(page)
    hand.click(page.get_by_label("Name"))
    page.keyboard.type("Bridge 42")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Bridge 42").wait_for()
    settled(page)
    for number, title in enumerate(("Photographs", "Image classes", "Masks", "Networks", "Choose", "Use"), 1):
        expect(page.get_by_text(f"{number} · {title}", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Sign out")).to_be_in_viewport()

    hand.click(page.get_by_role("button", name="Add photographs"))
    page.get_by_text("No photographs yet").wait_for()
    hand.choose_files(page.locator("input[type=file]").first, material / "walls.zip", material / "notes.jpg")
    page.get_by_text("walls.zip").wait_for()
    hand.click(page.get_by_role("button", name="Add to the project"))
    page.get_by_text(f"{2 * EACH} added: ").wait_for()
    expect(page.get_by_text("notes.jpg cannot be read as an image")).to_be_visible()
    page.locator(".gallery a").first.wait_for(state="attached")

    hand.click(page.get_by_role("link", name="Annotate", exact=True))
    for number, row in enumerate(cracks):
        if number:
            before = page.evaluate("window.ftlSurface.image.id")
            page.keyboard.press("d")
            becomes_true(page, "before => window.ftlSurface.image.id !== before", before)
        becomes_true(page, "window.ftlSurface?.mask?.position === 0 && window.ftlSurface.root.dataset.pen === 'ready'")
        settled(page)
        drawing.choose(page, "brush", 1, 3)
        drawing.drag(page, (1, row + 0.5), (SIZE - 1, row + 0.5))
        drawing.saved(page)
    page.reload()
    becomes_true(page, "window.ftlSurface?.mask?.position > 0")
    drawing.saved(page)
    ids = {name: int(re.search(rf"{name}=(\d+)", page.url)[1]) for name in ("project", "image")}  # type: ignore[index]
    own = f"{server.url}/files/{ids['project']}/images/{ids['image']}/mask.png"
    mask = np.asarray(Image.open(io.BytesIO(page.request.get(own, max_retries=3).body())))
    assert (mask[cracks[-1]] == 1).sum() > SIZE / 2

    hand.follow(page, "Sweep")
    # a stranger takes the recommended network: this one makes the test quick, and its clicks do not count
    page.get_by_role("button", name="Add a network file").click()
    page.locator("input[type=file]").first.set_input_files(material / "tiny.safetensors")
    page.get_by_text("was added").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("It is the file that was added last").wait_for()
    settled(page)
    expect(page.get_by_text(re.compile("Begins at once, done at about"))).to_have_count(3)
    expect(page.get_by_text(f"tell apart Crack ({EACH}), Background ({EACH})")).to_be_visible()
    hand.click(page.get_by_role("button", name="Launch Quick"))
    page.get_by_text(re.compile("waiting|running")).first.wait_for()
    page.goto("about:blank")  # the tab is closed, and the studio restarted: the job goes on
    server.stop()
    server.start()
    page.goto(f"{server.url}/jobs?project={ids['project']}")
    page.get_by_role("button", name="Choose").wait_for(timeout=400_000)
    hand.click(page.get_by_role("button", name="Choose"))

    pick = page.get_by_role("button", name="Make this the project's network")  # of the recommended one
    hand.click(pick)
    pick.wait_for(state="detached")
    settled(page)
    hand.follow(page, "Try")
    hand.choose_files(page.locator("input[type=file]"), material / "new.png")
    page.get_by_text(re.compile("photographs show Crack")).wait_for()
    settled(page)
    assert hand.clicks <= MOST_CLICKS

    answers = shown(page)
    name = picked(ids["project"])[CLASSIFY].candidate
    assert answers[name][0] == "Crack"
    page.get_by_role("link", name="Home", exact=True).click()
    expect(page.get_by_text(f"The project's: {name}.")).to_be_visible()
    expect(page.get_by_text(f"Drawn on {MASKS} photographs.")).to_be_visible()
    settled(page)
    hand.follow(page, "Choose")
    page.get_by_role("heading", name=re.compile(f"^{re.escape(name)}"), level=3).wait_for()
    settled(page)
    with page.expect_download() as download:
        taken_home(page, "Safetensors").click()
    taken = material / "taken.safetensors"
    download.value.save_as(taken)
    told = subprocess.run(
        [sys.executable, "-m", "ftl", "predict", str(taken), str(material / "new.png")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout  # fmt: skip
    (row_told,) = csv.DictReader(io.StringIO(told))
    assert row_told["class"] == answers[name][0]
    assert float(row_told["probability"]) == pytest.approx(answers[name][1], abs=1e-4)
    page.context.close()
