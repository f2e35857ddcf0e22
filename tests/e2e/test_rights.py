"""A tab that was open when its user was removed, signed out or deactivated changes nothing, and says why."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import delete, select, update

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.collaboration import review
from studio.images.library import add_image, find_images
from studio.projects.invitations import accept, invite
from studio.projects.members import set_role
from studio.projects.projects import create_project
from studio.store.database import reading, writing
from studio.store.tables import Base, Session, User
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, open_tab, settled, sign_in
from tests.e2e.drawing import drag


class Wall(NamedTuple):
    project: int
    owner: int
    judge: int
    open: int
    submitted: int


@pytest.fixture
def wall(server: Server, tmp_path: Path) -> Wall:
    """A project with an image to submit and one to judge, and somebody who may do both."""
    with writing() as db:
        owner, judge = (add_user(db, f"{name} {time.time_ns()}", PASSWORD).id for name in ("Owner", "Judge"))
    project = create_project(owner, "Wall").id
    accept(invite(project, "reviewer"), judge)
    images = []
    for name in ("open", "submitted"):
        picture = np.random.default_rng(len(name)).integers(150, 220, (120, 160, 3)).astype(np.uint8)
        images.append(add_image(project, owner, save_png(picture, tmp_path / f"{name}.png"), f"{name}.png")[0].id)
    log.append(images[1], owner, [Rectangle("box", 1, {"box": [10, 10, 30, 30]})])
    review.submit(images[1], owner)
    return Wall(project, owner, judge, *images)


def removed(wall: Wall) -> None:
    set_role(wall.project, wall.owner, wall.judge, None)


def signed_out(wall: Wall) -> None:
    with writing() as db:
        db.execute(delete(Session).where(Session.user_id == wall.judge))


def deactivated(wall: Wall) -> None:
    with writing() as db:
        db.execute(update(User).where(User.id == wall.judge).values(deactivated_at=time.time()))


SAYS = {
    removed: re.compile("not in this project|no longer in this project", re.I),
    signed_out: re.compile("signed out", re.I),
    deactivated: re.compile("deactivated|signed out", re.I),
}


def rows() -> dict[str, list[str]]:
    """All that the database holds, but for who has which image open, which nobody did here."""
    with reading() as db:
        return {table.name: sorted(map(repr, db.execute(select(table)))) for table in Base.metadata.sorted_tables}


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()


def send_back(page: Page) -> None:
    page.get_by_test_id("stPopover").get_by_role("button", name="Return").click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Return").click()


def sort_away(page: Page) -> None:
    """Give the images that are ticked a class."""
    page.get_by_role("button", name=re.compile("^Change 2")).click()
    form = page.get_by_test_id("stPopoverBody")
    form.get_by_role("combobox", name="Image class to give").click()
    page.get_by_role("option", name="Crack").click()
    form.get_by_role("button", name="Change 2 images").click()


def draw(page: Page) -> None:
    drag(page, (20, 20), (60, 40))
    page.get_by_text("1 stroke on open.png not saved, kept in this browser").wait_for()


ACTS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "draw": ("open", draw),
    "submit": ("open", lambda page: press(page, "Submit")),
    "accept": ("submitted", lambda page: press(page, "Accept")),
    "return": ("submitted", send_back),
    "sort": ("", sort_away),
}


@pytest.mark.parametrize("revoke", SAYS, ids=lambda revoke: revoke.__name__)
def test_an_open_tab_changes_nothing(
    browser: Browser, server: Server, wall: Wall, revoke: Callable[[Wall], None]
) -> None:
    pages, tab = list[tuple[Page, Callable[[Page], None]]](), sign_in(browser, server, wall.judge)
    for image, act in ACTS.values():
        page = open_tab(tab.context) if pages else tab
        if image:
            page.goto(f"{server.url}/annotate?project={wall.project}&image={getattr(wall, image)}")
            page.get_by_text("Saved", exact=True).wait_for()
        else:
            page.goto(f"{server.url}/images?project={wall.project}")
            page.get_by_role("button", name="Select this page").click()
            page.get_by_text("2 selected").wait_for()
        settled(page)
        pages.append((page, act))
    for page, _ in pages:  # the surface says every few seconds that an image is open: that is no act of its user
        page.route("**/live", lambda route: route.abort())
    revoke(wall)
    before = rows()
    for page, act in pages:
        act(page)
        page.get_by_text(SAYS[revoke]).first.wait_for()
        settled(page)
        if revoke is removed and act is not draw:  # a stroke needs no run of the page, and names its image
            assert page.get_by_text("open.png").count() == 0
        page.close()
    tab.context.close()
    after = rows()
    assert {name: set(after[name]) ^ set(before[name]) for name in after if after[name] != before[name]} == {}
    assert {image.state for image in find_images(wall.project)} == {"open", "submitted"}
