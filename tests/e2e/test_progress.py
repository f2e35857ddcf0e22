"""The Progress page in a browser: numbers, charts, who is here, what was done; light, dark, and in a small window."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.collaboration import review
from studio.collaboration.comments import comment
from studio.collaboration.presence import beat
from studio.images.library import add_image
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in

BOX = {"box": [2, 2, 20, 20]}


@pytest.fixture(scope="module")
def team(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """A project of four images; Bob drew on three, and one was accepted."""
    folder: Path = tmp_path_factory.mktemp("images")
    with writing() as db:
        ada, bob = add_user(db, "Ada", PASSWORD).id, add_user(db, "Bob <b>*B*</b>", PASSWORD).id
    own = create_project(ada, "Bridge").id
    accept(invite(own, "annotator"), bob)
    images = []
    for number in range(4):
        noise = np.random.default_rng(number).integers(150, 220, (40, 50, 3)).astype(np.uint8)
        images.append(add_image(own, ada, save_png(noise, folder / f"{number}.png"), f"wall_{number}.png")[0])
    for image in images[:3]:
        log.append(image.id, bob, [Rectangle("a", 1, BOX), Rectangle("b", 2, BOX)])
        review.submit(image.id, bob)
    review.accept(images[0].id, ada)
    review.give_back(images[1].id, ada, why="the *left* one")
    for number in range(24):
        comment(images[3], ada, f"remark {number}")
    beat(images[3].id, bob)
    return {"project": own, "ada": ada, "bob": bob, "image": images[3].id}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_progress_of_a_project(
    browser: Browser, server: Server, team: dict[str, int], scheme: Literal["light", "dark"]
) -> None:
    page = sign_in(browser, server, team["ada"], width=900)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server.url}/progress?project={team['project']}")
    beat(team["image"], team["bob"])
    page.locator(".js-plotly-plot").nth(2).wait_for()
    settled(page)
    told = page.get_by_test_id("stMetric").all_inner_texts()
    assert [one.split("\n")[-1] for one in told] == ["4", "75 %", "1", "1", "1"]
    assert page.locator(".js-plotly-plot .bars path").count() > 3
    page.get_by_text("has wall_3.png open").wait_for()
    page.get_by_text("Bob <b>*B*</b>", exact=True).first.wait_for()  # as it is, no markup
    inner = page.get_by_test_id("stMain").evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert inner[0] <= inner[1]  # nothing is cut off, and nothing scrolls sideways
    newest = page.get_by_text("commented: remark 23")
    newest.wait_for()
    page.get_by_role("button", name="Older").click()
    page.get_by_text("returned the image").wait_for()
    newest.wait_for(state="detached")
    settled(page)  # a page that is being drawn may lose the click
    page.get_by_role("button", name="Newer").click()
    newest.wait_for()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    content = Path(download.value.path()).read_text("utf-8-sig")
    assert content.startswith("time,user,action,image,image sha256,line")
    assert content.count("commented: remark") == 24
    settled(page)
    page.context.close()


def test_an_annotator_gets_no_audit_log(browser: Browser, server: Server, team: dict[str, int]) -> None:
    page = sign_in(browser, server, team["bob"])
    page.goto(f"{server.url}/progress?project={team['project']}")
    page.locator(".js-plotly-plot").nth(2).wait_for()
    settled(page)
    assert page.get_by_role("button", name="Save as CSV").count() == 0
    page.context.close()
