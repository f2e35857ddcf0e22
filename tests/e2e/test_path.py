"""The whole path of a stranger to terminals: from the first link to a network taken home, in one browser."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from ftl.data.demo import draw
from ftl.models.io import save_backbone
from tests.conftest import ROOT, SIZE, make_features
from tests.e2e.conftest import PASSWORD, Server, settled
from tests.e2e.test_annotate import rested
from tests.e2e.test_choose import POINTS, click, panel
from tests.e2e.test_try import shown

EACH = 14


@pytest.fixture(scope="module")
def server(own_server: Server) -> Server:
    """One at its first start."""
    return own_server


def photographs(name: str, count: int) -> list[bytes]:
    """Real concrete where ../shared is there, else drawn walls; JPEG bytes."""
    shared = Path(os.environ.get("FTL_SHARED", ROOT.parent / "shared")) / "data" / "metu" / "train" / name
    if shared.is_dir():
        return [file.read_bytes() for file in sorted(shared.iterdir())[:count]]
    rng = np.random.default_rng(name == "Crack")
    found = []
    for _ in range(count):
        buffer = io.BytesIO()
        Image.fromarray(draw(rng, name == "Crack").image).save(buffer, "JPEG")
        found.append(buffer.getvalue())
    return found


@pytest.fixture
def material(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "walls.zip", "w") as archive:
        for name in ("Crack", "Background"):
            for number, content in enumerate(photographs(name, EACH)):
                archive.writestr(f"{name}/{number}.jpg", content)
    (tmp_path / "new.jpg").write_bytes(photographs("Crack", EACH + 1)[-1])
    (tmp_path / "notes.jpg").write_text("no photograph")
    save_backbone(make_features(), tmp_path / "tiny.safetensors", name="tiny", size=SIZE)
    return tmp_path


def follow(page: Page, name: str) -> None:
    """Open a page by its link and wait until it is drawn: a click that comes earlier may be lost."""
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    settled(page)


def test_from_the_first_link_to_a_network_taken_home(server: Server, browser: Browser, material: Path) -> None:
    from playwright.sync_api import expect

    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    link = re.search(r"http://\S+/account/join/\S+", server.log.read_text())
    assert link
    page.goto(link[0].replace("localhost", "127.0.0.1"))
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button").click()
    page.get_by_text("Create a project first").wait_for()
    page.get_by_label("Name").fill("Bridge 42")
    page.get_by_role("button", name="Make project").click()
    page.get_by_role("heading", name="Bridge 42").wait_for()

    follow(page, "Images")
    page.get_by_text("No photographs yet").wait_for()
    page.locator("input[type=file]").first.set_input_files([material / "walls.zip", material / "notes.jpg"])
    page.get_by_text("walls.zip").wait_for()
    page.get_by_role("button", name="Add to the project").click()
    page.get_by_text(f"{2 * EACH} added.").wait_for()
    expect(page.get_by_text("Notes.jpg cannot be read as an image")).to_be_visible()
    follow(page, "Images")
    page.locator(".gallery a").nth(2 * EACH - 1).wait_for(state="attached")
    assert page.locator(".gallery a").count() == 2 * EACH

    for number in range(3):
        if number == 0:
            page.locator(".gallery a").first.click()
        else:
            page.get_by_role("button", name=re.compile("chevron_right")).or_(
                page.locator("button", has_text="chevron_right")
            ).first.click()
        page.locator("canvas").last.wait_for()
        rested(page)
        page.wait_for_timeout(1500)  # the canvas takes its listeners a moment after it is there
        box = page.locator("canvas").last.bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 60, box["y"] + box["height"] - 80, steps=10)
        page.mouse.up()
        page.get_by_text("All strokes saved · 1 since this view").wait_for()
    page.reload()
    page.get_by_text("All strokes saved · 0 since this view").wait_for()
    where = re.search(r"project=(\d+).*image=(\d+)|image=(\d+).*project=(\d+)", page.url)
    assert where
    ids = [int(one) for one in where.groups() if one]
    project, image = ids if where[1] else ids[::-1]
    mask = page.request.get(f"{server.url}/files/{project}/images/{image}/mask.png", max_retries=3).body()
    assert (np.asarray(Image.open(io.BytesIO(mask))) == 1).sum() > 100

    follow(page, "Sweep")
    page.get_by_text("Upload a file").click()
    page.locator("input[type=file]").first.set_input_files(material / "tiny.safetensors")
    page.get_by_text("was added").wait_for()
    fractions = page.get_by_role("textbox", name="Keep fractions")
    fractions.fill("0.25, 0.5")
    fractions.press("Enter")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(
        "5"
    )  # the whole one, two fractions, both fine-tuned
    settled(page)
    page.get_by_role("button", name="Launch the sweep").click()
    page.get_by_text(re.compile("waiting|running")).first.wait_for()
    page.goto("about:blank")  # the tab is closed, and the studio restarted: the job goes on
    server.stop()
    server.start()
    page.goto(f"{server.url}/jobs?project={project}")
    page.get_by_role("button", name="Choose").wait_for(timeout=400_000)
    page.get_by_role("button", name="Choose").click()

    page.locator(".js-plotly-plot .point").first.wait_for()
    settled(page)
    points = page.evaluate(POINTS)
    pruned = [one for one in points if one != "base"]
    name = max(pruned, key=lambda one: min(math.dist(points[one], points[other]) for other in points if other != one))
    click(page, name)  # the one that no other is near, where a click may mean either
    panel(page, name).wait_for()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    taken = material / "taken.safetensors"
    download.value.save_as(taken)
    pick = page.get_by_role("button", name="Make this the project's network")
    pick.click()
    pick.wait_for(state="detached")
    settled(page)

    follow(page, "Try")
    page.locator("input[type=file]").set_input_files(material / "new.jpg")
    page.get_by_text(re.compile("photographs show Crack")).wait_for()
    settled(page)
    label, probability = shown(page)[name]
    told = subprocess.run(
        [sys.executable, "-m", "ftl", "predict", str(taken), str(material / "new.jpg")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(told))
    assert row["class"] == label
    assert float(row["probability"]) == pytest.approx(probability, abs=1e-4)
    page.context.close()
