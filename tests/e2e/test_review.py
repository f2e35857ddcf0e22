"""Review in a real browser: two annotators are compared, settled, returned and accepted."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, Page

from ftl.evaluation.suspicious import UNDRAWN, UNSEEN, Suspicion
from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.collaboration import review, suspicious
from studio.collaboration.assignment import set_overlap, works_on
from studio.collaboration.comments import comment, comments_on
from studio.collaboration.presence import beat
from studio.images import work
from studio.images.library import add_image, image_in
from studio.images.work import work_of
from studio.projects.audit import history, text_of
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled, sign_in
from tests.e2e.drawing import opened, popover, stored

WIDTH, HEIGHT = 400, 300


class Team(NamedTuple):
    """The users' ids."""

    admin: int
    ada: int
    bob: int
    judge: int


@pytest.fixture(scope="module")
def team(server: Server) -> Team:
    with writing() as db:
        return Team(*(add_user(db, name, PASSWORD).id for name in ("Root", "Ada", "Bob *b*", "Judge")))


@pytest.fixture
def wall(team: Team, tmp_path: Path) -> Image:
    """An image that two annotators drew, and handed in."""
    project = create_project(team.admin, "Walls")
    for user, role in ((team.ada, "annotator"), (team.bob, "annotator"), (team.judge, "reviewer")):
        accept(invite(project.id, role), user)
    set_overlap(project.id, team.admin, 2)
    noise = np.random.default_rng(team.ada).integers(150, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    image = add_image(project.id, team.admin, save_png(noise, tmp_path / "wall.png"), "wall [1].png")[0]
    for user, left in ((team.ada, 100), (team.bob, 140)):
        log.append(image.id, user, [Rectangle(f"box-{user}", 1, {"box": [left, 50, 100, 40]}, user)])
        review.submit(image.id, user)
    return image


def open_review(browser: Browser, server: Server, user: int, image: Image, *, whole: bool = False) -> Page:
    page = sign_in(browser, server, user, height=1400)
    page.goto(f"{server.url}/review?project={image.project_id}{'' if whole else f'&image={image.id}'}")
    page.get_by_role("heading", name="Review", exact=True).wait_for()
    settled(page)
    return page


def state(page: Page, image: Image, expected: str) -> None:
    """Wait until the store says so."""
    for _ in range(150):
        if image_in(image.project_id, image.id).state == expected:
            return
        page.wait_for_timeout(100)
    raise AssertionError(image_in(image.project_id, image.id).state)


def rows(page: Page, image: Image, count: int) -> list[str]:
    for _ in range(150):
        if len(log.read(image.id)) >= count:
            break
        page.wait_for_timeout(100)
    return [row.kind for row in log.read(image.id)]


def test_a_reviewer_compares_settles_and_accepts(server: Server, browser: Browser, team: Team, wall: Image) -> None:
    areas = [Suspicion(UNDRAWN, (150, 200, 60, 8), 480, 400.0), Suspicion(UNSEEN, (100, 50, 40, 40), 1600, 900.0)]
    suspicious.keep({wall.id: suspicious.Looked(2, areas)})
    page = open_review(browser, server, team.judge, wall, whole=True)
    page.get_by_text("2 places where a network").wait_for()
    texts = page.get_by_text("The network sees")
    assert texts.all_inner_texts() == [
        "The network sees nothing here, and something is drawn.",
        "The network sees a defect here, and nothing is drawn."
    ]  # fmt: skip
    page.get_by_role("button", name="It is right as it is").first.click()
    page.get_by_text("1 place where a network").wait_for()
    assert [area.kind for area, _ in suspicious.waiting(wall.project_id)] == [UNDRAWN]
    settled(page)
    tile = page.locator(".tile")
    tile.get_by_text("wall [1].png").wait_for()
    tile.get_by_text("Ada, Bob *b*").wait_for()
    settled(page)
    for picture in ("thumbnail.jpg", "mask-thumbnail.png"):
        found = tile.locator(f"img[src*='/{picture}']")
        assert found.evaluate("one => one.decode().then(() => one.naturalWidth)") == 256
    page.get_by_text("Compare all images on which several drew").click()
    page.get_by_text("Mean of 1 image").wait_for()
    iou = page.get_by_test_id("stMetric").filter(has_text="IoU")
    assert "0.429" in iou.inner_text()  # 60 of 140 columns are both's
    settled(page)
    tile.locator("a").click()
    page.get_by_text("Where they differ: 2.67% of the pixels").wait_for()  # 80 columns of 40 pixels
    captions = page.get_by_test_id("stImageCaption").all_inner_texts()
    assert captions[:2] == ["Ada", "Bob *b*"]
    page.get_by_text("3,200 pixels are disputed").wait_for()
    settled(page)
    cells = page.get_by_test_id("stDataFrame").first.locator("[role=gridcell]")
    cells.first.wait_for(state="attached")
    assert [one.split()[0] for one in cells.all_text_contents()[:4]] == ["Crack", "Ada", "Bob", "0.429"]
    page.get_by_text("STAPLE", exact=True).click()
    page.get_by_text("STAPLE needs 3 annotators, and 2 drew here: settle by majority.").wait_for()
    settled(page)
    page.get_by_text("Majority", exact=True).click()
    page.get_by_role("button", name="Make the consensus by majority").wait_for()
    settled(page)
    page.get_by_role("button", name="Make the consensus by majority").click()
    assert rows(page, wall, 3) == ["rectangle", "rectangle", "revision"]
    page.get_by_text("Undo the consensus").wait_for()
    settled(page)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[50:90, 140:200] = 1
    assert np.array_equal(stored(page, server, wall), expected)
    assert text_of(history(wall.project_id, image_id=wall.id)[0]) == "made a consensus of 2"
    page.get_by_text("3,200 pixels are disputed").wait_for()  # what they drew has not changed
    settled(page)
    page.get_by_role("button", name="Accept").click()
    state(page, wall, "accepted")
    page.get_by_role("button", name="Reopen").wait_for()
    page.context.close()


def test_settling_can_be_undone(server: Server, browser: Browser, team: Team, wall: Image) -> None:
    page = open_review(browser, server, team.judge, wall)
    before = stored(page, server, wall)
    page.get_by_role("button", name="Make the consensus by majority").click()
    assert rows(page, wall, 3)[-1] == "revision"
    page.get_by_role("button", name="Undo the consensus").wait_for()
    settled(page)
    page.get_by_role("button", name="Undo the consensus").click()
    assert rows(page, wall, 4)[-1] == "undo"
    assert np.array_equal(stored(page, server, wall), before)
    page.get_by_text("No consensus yet").wait_for()
    page.context.close()


def test_three_are_settled_by_staple(server: Server, browser: Browser, team: Team, wall: Image) -> None:
    pytest.importorskip("SimpleITK", reason="left out: SimpleITK is an extra")
    log.append(wall.id, team.admin, [Rectangle("third", 1, {"box": [100, 50, 100, 40]}, team.admin)])
    page = open_review(browser, server, team.judge, wall)
    page.get_by_text("STAPLE", exact=True).click()
    page.get_by_role("button", name="Make the consensus by STAPLE").wait_for()
    settled(page)
    page.get_by_role("button", name="Make the consensus by STAPLE").click()
    assert rows(page, wall, 4)[-1] == "revision"
    page.get_by_text("Undo the consensus").wait_for()
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[50:90, 100:200] = 1  # two say just that
    assert np.array_equal(stored(page, server, wall), expected)
    assert text_of(history(wall.project_id, image_id=wall.id)[0]) == "made a consensus of 3"
    page.context.close()


def test_what_changed_meanwhile_is_not_settled(server: Server, browser: Browser, team: Team, wall: Image) -> None:
    page = open_review(browser, server, team.judge, wall)
    page.get_by_role("button", name="Make the consensus by majority").wait_for()
    settled(page)
    log.append(wall.id, team.ada, [Rectangle("more", 2, {"box": [0, 0, 20, 20]}, team.ada)])
    page.get_by_role("button", name="Make the consensus by majority").click()
    page.get_by_text("Somebody drew on this image meanwhile").wait_for()
    assert rows(page, wall, 3) == ["rectangle"] * 3
    page.context.close()


def test_a_reviewer_returns_work_to_one_with_a_comment(
    server: Server, browser: Browser, team: Team, wall: Image
) -> None:
    page = open_review(browser, server, team.judge, wall)
    page.get_by_role("button", name="Return", exact=True).click()
    page.get_by_label("What should be changed").fill("The left end is missing")
    page.get_by_role("button", name="Return the image").click()
    state(page, wall, "returned")
    assert {one.user.name: one.state for one in works_on(wall.id) if one.user_id in (team.ada, team.bob)} == {
        "Ada": "returned", "Bob *b*": "submitted",
    }  # fmt: skip
    assert [one.text for one in comments_on(wall.id)] == ["The left end is missing"]
    page.context.close()


def test_work_is_accepted_and_returned_from_the_list(
    server: Server, browser: Browser, team: Team, wall: Image, tmp_path: Path
) -> None:
    walls = [wall]
    for number in range(4):
        noise = np.full((60, 80, 3), 40 * number + 50, np.uint8)
        image = add_image(wall.project_id, team.admin, save_png(noise, tmp_path / "n.png"), f"pier {number}.png")[0]
        drawer = team.judge if number == 3 else team.ada
        log.append(image.id, drawer, [Rectangle("box", 1, {"box": [5, 5, 20, 20]})])
        for user in (drawer, team.bob):
            review.submit(image.id, user)
        walls.append(image)
    page = open_review(browser, server, team.judge, wall, whole=True)
    tiles = page.locator(".tile")
    tiles.nth(4).wait_for()
    assert tiles.locator("button.accept").count() == tiles.locator("button.return").count() == 5
    own = tiles.filter(has_text="pier 3").locator("button.accept")
    assert own.is_disabled()
    assert "your own work" in str(own.get_attribute("title"))
    log.append(walls[1].id, team.bob, [Rectangle("more", 2, {"box": [30, 5, 9, 9]})])
    page.get_by_role("button", name="Accept pier 0.png").click()
    page.get_by_text("Somebody drew on this image meanwhile: look at it again.").wait_for()
    settled(page)
    page.wait_for_timeout(900)
    page.get_by_role("button", name="Accept pier 0.png").dblclick()  # and nothing of what comes to stand there
    state(page, walls[1], "accepted")
    tiles.nth(4).wait_for(state="detached")
    settled(page)
    page.wait_for_timeout(900)
    page.get_by_role("button", name="Return pier 1.png").click()
    page.get_by_label("What should be changed").fill("Go on to the edge")
    page.get_by_role("button", name="Return the image").click()
    state(page, walls[2], "returned")
    tiles.nth(3).wait_for(state="detached")
    assert [one.text for one in comments_on(walls[2].id)] == ["Go on to the edge"]
    assert [image_in(one.project_id, one.id).state for one in walls] == [
        "submitted", "accepted", "returned", "submitted", "submitted",
    ]  # fmt: skip
    beat(wall.id, team.bob)
    tiles.filter(has_text="wall [1].png").locator(".people").get_by_text("Bob *b*").wait_for()
    page.context.close()


def test_an_image_is_opened_in_annotate(server: Server, browser: Browser, team: Team, wall: Image) -> None:
    page = open_review(browser, server, team.judge, wall)
    page.get_by_role("button", name="Open in Annotate").click()
    page.wait_for_url(f"**/annotate?*image={wall.id}*")
    page.get_by_text("wall [1].png").wait_for()
    page.context.close()


def test_an_annotator_sees_who_reviews_and_where_their_own_images_stand(
    server: Server, browser: Browser, team: Team, wall: Image, tmp_path: Path
) -> None:
    Picture.new("RGB", (60, 40), "gray").save(tmp_path / "own.png")
    other = add_image(wall.project_id, team.admin, tmp_path / "own.png", "own.png")[0]
    for user in (team.ada, team.bob):
        log.append(other.id, user, [Rectangle(f"own-{user}", 1, {"box": [5, 5, 9, 9]}, user)])
        review.submit(other.id, user)
    review.give_back(other.id, team.judge, team.ada, "The left end is missing")
    page = open_stranger(browser, server, team.ada, wall)
    page.get_by_role("heading", name="Reviewers look at your masks here").wait_for()
    settled(page)
    page.get_by_text("the reviewers of this project, Judge and Root.").wait_for()
    page.get_by_text("Your images: 1 submitted 1 returned").wait_for()
    assert page.get_by_text("Bob").count() == 0
    assert page.get_by_role("button", name="Accept").count() == 0
    page.get_by_test_id("stMain").get_by_role("link", name="Annotate").click()
    page.wait_for_url("**/annotate?*")
    page.context.close()


def open_stranger(browser: Browser, server: Server, user: int, image: Image) -> Page:
    page = sign_in(browser, server, user)
    page.goto(f"{server.url}/review?project={image.project_id}&image={image.id}")
    return page


def test_nothing_waits(server: Server, browser: Browser, team: Team, tmp_path: Path) -> None:
    project = create_project(team.admin, "Empty")
    path = tmp_path / "plain.png"
    Picture.new("RGB", (50, 40)).save(path)
    image = add_image(project.id, team.admin, path, "plain.png")[0]
    page = open_review(browser, server, team.admin, image, whole=True)
    page.get_by_text("No image to review").wait_for()
    page.goto(f"{server.url}/review?project={project.id}&image={image.id}")
    page.get_by_text("Nobody has drawn on this image").wait_for()
    settled(page)
    page.context.close()


def test_a_double_click_hands_in_and_does_not_accept(
    server: Server, browser: Browser, team: Team, wall: Image, tmp_path: Path
) -> None:
    """Nor does a double click on Accept reopen; even where reviewers may accept their own work."""
    set_overlap(wall.project_id, team.admin, 1)
    work.set_accept_own(wall.project_id, team.admin, True)
    Picture.new("RGB", (60, 40), "gray").save(tmp_path / "own.png")
    image = add_image(wall.project_id, team.admin, tmp_path / "own.png", "own.png")[0]
    log.append(image.id, team.judge, [Rectangle("own", 1, {"box": [5, 5, 9, 9]}, team.judge)])  # else it is asked first
    page = opened(sign_in(browser, server, team.judge), server, image)
    for name, expected in (("Submit", "submitted"), ("Accept image", "accepted")):
        button = page.get_by_role("button", name=name, exact=True)
        box = button.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        state(page, image, expected)
        page.get_by_text(expected, exact=True).first.wait_for()
        settled(page)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # the second, when all is drawn
        settled(page)
        assert image_in(wall.project_id, image.id).state == expected
    assert [line.what for line in history(wall.project_id, image_id=image.id)] == ["accepted", "submitted"]
    page.context.close()


def test_own_work_waits_for_another_reviewer_and_the_page_says_so(
    server: Server, browser: Browser, team: Team, wall: Image
) -> None:
    log.append(wall.id, team.judge, [Rectangle("own", 1, {"box": [0, 0, 9, 9]}, team.judge)])
    with writing() as db:
        work_of(db, wall.id, team.judge).state = "submitted"
    for where, accepts in (("review", "Accept"), ("annotate", "Accept image")):
        page = sign_in(browser, server, team.judge)
        page.goto(f"{server.url}/{where}?project={wall.project_id}&image={wall.id}")
        page.get_by_text("This is your own work: another reviewer of the project accepts it.").wait_for()
        assert page.get_by_role("button", name=accepts, exact=True).is_disabled()
        page.context.close()


def test_who_draws_blind_reads_first_why_their_work_was_returned(
    server: Server, browser: Browser, team: Team, wall: Image
) -> None:
    comment(wall, team.ada, "Ada's own remark", (200.0, 70.0))
    review.give_back(wall.id, team.judge, team.bob, "The left end <b>is</b> missing")
    comment(wall, team.judge, "What is this?", (150.0, 70.0))
    bob, ada = [opened(sign_in(browser, server, user), server, wall) for user in (team.bob, team.ada)]
    bob.get_by_text("Returned by Judge: The left end <b>is</b> missing").wait_for()
    assert bob.get_by_test_id("stAlert").bounding_box()["y"] < bob.locator(".surface").bounding_box()["y"]
    assert ada.get_by_text("Returned by").count() == 0
    pins = "window.ftlSurface.live.comments().filter(({ x }) => Number.isFinite(x)).map(({ text }) => text).join()"
    asked = "What is this?"  # by the reviewer, of all
    for page, pinned in ((bob, asked), (ada, f"Ada's own remark,{asked}")):
        becomes_true(page, f"{pins} === {pinned!r}")
        told = popover(page, "Comments")
        told.get_by_text(asked).wait_for()
        assert told.get_by_text("Ada's own remark").count() == (page is ada)
        assert told.get_by_text("The left end").count() == (page is bob)
    for page in (ada, bob):
        page.context.close()
