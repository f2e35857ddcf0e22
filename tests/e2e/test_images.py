"""The Images page in a real browser: photographs in, found, sorted, opened; masks in; what is wrong is told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from ftl.data.demo import draw
from tests.e2e.conftest import PASSWORD, Server, settled, sign_in


@pytest.fixture
def project(server: Server) -> tuple[int, int]:
    """A new project of a new admin: their ids."""
    from studio.accounts import add_user
    from studio.projects.projects import create_project
    from studio.store.database import writing

    with writing() as db:
        user = add_user(db, f"Ada {np.random.default_rng().integers(10**9)}", PASSWORD)
    return create_project(user.id, "Bridge 42").id, user.id


def wall(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw(np.random.default_rng(seed), seed % 2 == 0).image).save(buffer, "JPEG")
    return buffer.getvalue()


def write(folder: Path, **files: bytes) -> list[Path]:
    for name, content in files.items():
        (folder / f"{name}.jpg").write_bytes(content)
    return [folder / f"{name}.jpg" for name in files]


def upload(page: Page, files: list[Path], class_name: str | None = None) -> None:
    page.locator("input[type=file]").first.set_input_files(files)
    page.get_by_test_id("stFileChip").first.wait_for()  # the button waits for all of them
    if class_name:
        page.get_by_label("Image class", exact=True).first.click()
        page.get_by_role("option", name=class_name).click()
    page.get_by_role("button", name="Add to the project").click()


def opened(page: Page, server: Server, project_id: int) -> None:
    page.goto(f"{server.url}/images?project={project_id}")
    page.get_by_role("heading", name="Images", exact=True).wait_for()
    settled(page)


def test_photographs_in_found_sorted_and_opened(
    server: Server, browser: Browser, project: tuple[int, int], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    page = sign_in(browser, server, project[1])
    opened(page, server, project[0])
    page.get_by_text("No photographs yet").wait_for()
    settled(page)
    name = '🌉 "O\'Neill" <b>&amp;'
    upload(page, write(tmp_path, east=wall(1), west=wall(2), **{name: wall(3)}), "Pore")
    page.get_by_text("3 added: Pore 3.").wait_for()
    expect(page.get_by_text("Next: draw masks on 6 of them.")).to_be_visible()
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(3)
    expect(tiles.filter(has_text=f"{name}.jpg")).to_have_count(1)  # as text, not as HTML
    expect(tiles.filter(has_text="Pore")).to_have_count(3)
    for picture in page.locator(".tile img").all():
        expect(picture).to_have_js_property("naturalWidth", 224)
    opened(page, server, project[0])
    page.get_by_label("Name contains").fill("st.jp")
    page.get_by_label("Name contains").press("Enter")
    expect(tiles).to_have_count(2)
    for number in (0, 1):
        tiles.nth(number).locator("input").click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Change 2").click()
    page.get_by_label("Image class to give").click()
    page.get_by_role("option", name="Crack").click()
    page.get_by_role("button", name="Change 2 images").click()
    expect(tiles.filter(has_text="Crack")).to_have_count(2)
    expect(page.get_by_text("selected")).to_have_count(0)
    settled(page)
    page.get_by_label("Name contains").fill("")
    page.get_by_label("Name contains").press("Enter")
    expect(tiles).to_have_count(3)
    expect(tiles.filter(has_text="Pore")).to_have_count(1)
    tiles.filter(has_text="west.jpg").locator("a").click()
    page.wait_for_url("**/annotate?*image=*")
    expect(page.get_by_text("west.jpg")).to_be_visible()


def test_images_are_sorted_counted_and_looked_at_closely(
    server: Server, browser: Browser, project: tuple[int, int], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    from studio.accounts import add_user
    from studio.annotation import log
    from studio.annotation.strokes import Rectangle
    from studio.collaboration.presence import beat
    from studio.collaboration.review import submit
    from studio.images.library import add_image, set_class
    from studio.projects.classes import classes_of
    from studio.projects.invitations import accept, invite
    from studio.store.database import writing

    images = []
    for name, grey in (("b", 60), ("C", 120), ("a", 180)):
        picture = tmp_path / f"{name}.png"
        Image.new("RGB", (900, 600), (grey, 90, 90)).save(picture)
        images.append(add_image(project[0], project[1], picture, picture.name)[0])
    crack, pore = (one.id for one in classes_of(project[0])[:2])
    set_class(project[0], project[1], [images[0].id], pore)
    set_class(project[0], project[1], [images[1].id], crack)
    with writing() as db:
        bert = add_user(db, f"Bert {project[0]}", PASSWORD).id
    accept(invite(project[0], "annotator"), bert)
    log.append(images[0].id, bert, [Rectangle("box", 1, {"box": [0, 299, 900, 1]})])
    submit(images[0].id, bert)
    page = sign_in(browser, server, project[1])
    opened(page, server, project[0])
    tiles, preview = page.locator(".tile"), page.locator(".preview")
    expect(page.locator(".counts")).to_have_text("Crack 1Pore 1no image class 1open 2submitted 1")
    for sort, names in (("Name", "abC"), ("Newest first", "aCb"), ("Image class", "Cba")):
        page.get_by_test_id("stSelectbox").filter(has=page.get_by_label("Sort")).click()
        page.get_by_role("option", name=sort).click()
        expect(tiles.locator(".name")).to_have_text([f"{name}.png" for name in names])
        settled(page)
    drawn = tiles.filter(has_text="b.png")
    drawn.locator("a").hover()
    expect(preview).to_be_visible()
    expect(preview.locator("img").first).to_have_js_property("naturalWidth", 480)
    expect(preview.locator("img.mask")).to_have_js_property("naturalWidth", 480)
    assert preview.bounding_box()["width"] <= 480
    assert preview.evaluate("one => getComputedStyle(one).pointerEvents") == "none"
    tiles.filter(has_text="C.png").locator("input").hover()
    expect(preview.locator("img")).to_have_count(1)  # of the other, which has no mask
    page.mouse.move(700, 5)
    expect(preview).to_be_hidden()
    tiles.first.locator("input").focus()
    page.keyboard.press("Tab")  # to the next tile's link
    expect(preview).to_be_visible()
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    settled(page)
    page.get_by_text("Show masks").click()
    expect(drawn.locator("img.mask")).to_be_hidden()
    beat(images[0].id, bert)
    expect(drawn.locator(".people")).to_have_text(f"Bert {project[0]}")
    settled(page)
    page.get_by_role("button", name="Return b.png").click()
    page.get_by_label("What should be changed").fill("Go on to the edge")
    page.get_by_role("button", name="Return the image").click()
    expect(drawn).to_contain_text("returned")
    expect(page.get_by_role("button", name="Return b.png")).to_have_count(0)
    expect(drawn.locator("img.mask")).to_be_hidden()  # the switch stays
    expect(tiles.locator(".name")).to_have_text(["C.png", "b.png", "a.png"])  # and so does the order


def test_what_cannot_be_taken_is_told_and_the_rest_is_there(
    server: Server, browser: Browser, project: tuple[int, int], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    from tests.studio.images.test_uploads import bomb, damaged, zipped

    page = sign_in(browser, server, project[1])
    opened(page, server, project[0])
    files = write(tmp_path, good=wall(1), twin=wall(1), text=b"no photograph", short=wall(2)[:900], large=bomb())
    for name, content in (("up.zip", zipped(("../../up.jpg", wall(4)), ("Spalling/in.jpg", wall(5)))),
                          ("broken.zip", damaged())):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    upload(page, files)
    page.get_by_text("2 added: no image class 1, Spalling 1. 1 was here already.").wait_for()
    expect(page.get_by_text("5 not taken")).to_be_visible()
    for words in ("text.jpg cannot be read as an image", "short.jpg cannot be read as an image",
                  "large.jpg has too many pixels, more than the 100,000,000", "up.jpg in up.zip points out of the zip",
                  "a.jpg in broken.zip cannot be unpacked"):  # fmt: skip
        expect(page.get_by_text(words)).to_be_visible()
    assert str(server.home) not in page.content()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator(".tile").filter(has_text="Spalling")).to_have_count(1)
    assert not list(server.home.glob(".upload-*"))
    settled(page)
    (tmp_path / "notes.txt").write_bytes(b"no photograph")
    drawer, add = page.get_by_text("Upload photographs"), page.get_by_role("button", name="Add to the project")
    expect(add).to_be_hidden()  # the drawer closes once there are photographs
    drawer.click()
    expect(add).to_be_disabled()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "notes.txt")
    page.get_by_text("1 file of another kind (notes.txt).").wait_for()
    add.click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was added.")).to_be_visible()
    expect(page.get_by_text("notes.txt cannot be read as an image (it is not a BMP, JPEG")).to_be_visible()


def test_a_whole_folder_gives_classes_and_masks_come_after(
    server: Server, browser: Browser, project: tuple[int, int], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    from studio.annotation import log
    from studio.images.library import find_images

    for place, seed in (("Crack/a", 2), ("Moss/b", 3), ("c", 4)):
        (tmp_path / "Photos 2024" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "Photos 2024" / f"{place}.jpg").write_bytes(wall(seed))
    page = sign_in(browser, server, project[1])
    opened(page, server, project[0])
    page.get_by_text("Upload a folder").click()
    page.locator("input[type=file][webkitdirectory]").wait_for(state="attached")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "Photos 2024")
    page.get_by_test_id("stFileChip").first.wait_for()
    page.get_by_text("3 photographs: ").wait_for()
    for words in ("Crack 1", "Moss 1", "no image class 1"):
        expect(page.get_by_text("3 photographs: ")).to_contain_text(words)
    page.get_by_role("button", name="Add to the project").click()
    page.get_by_text("3 added: ").wait_for()
    for words in ("Crack", "Moss", "no image class"):
        expect(page.locator(".tile").filter(has_text=words)).to_have_count(1)
    images = {one.name: one for one in find_images(project[0])}
    values = np.zeros((images["a.jpg"].height, images["a.jpg"].width), np.uint8)
    values[5:20, 10:30] = 255
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values[:9]).save(tmp_path / "b.png")
    settled(page)
    page.get_by_text("Import existing masks").click()
    page.locator("input[type=file]").last.set_input_files([tmp_path / "a.png", tmp_path / "b.png"])
    page.get_by_test_id("stFileChip").first.wait_for()
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("1 image with masks from these files, 1 new area.").wait_for()
    expect(page.get_by_text("b.png: the mask has")).to_be_visible()
    drawn = page.locator(".tile").filter(has_text="a.jpg")
    expect(drawn.locator("img.mask")).to_have_js_property("naturalWidth", 224)
    expect(page.locator("img.mask")).to_have_count(1)
    settled(page)
    page.get_by_text("Show masks").click()
    expect(drawn.locator("img.mask")).to_be_hidden()
    expect(drawn.get_by_text("mask", exact=True)).to_be_visible()
    assert np.array_equal(log.mask(images["a.jpg"]), (values > 0) * 1)


def test_pages_of_many_keep_what_is_selected_and_an_annotator_judges_none(
    server: Server, browser: Browser, project: tuple[int, int], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    from studio.accounts import add_user
    from studio.images.library import add_image, count_images
    from studio.projects.invitations import accept, invite
    from studio.store.database import writing

    for number in range(50):
        picture = tmp_path / f"{number}.png"
        Image.new("RGB", (30, 20), (number, 90, 90)).save(picture)
        add_image(project[0], project[1], picture, f"wall-{number}.png")
    with writing() as db:
        other = add_user(db, f"Bert {project[0]}", PASSWORD).id
    accept(invite(project[0], "annotator"), other)
    page = sign_in(browser, server, other)
    opened(page, server, project[0])
    tiles, ticked = page.locator(".tile"), page.locator(".tile input:checked")
    expect(tiles).to_have_count(48)
    tiles.nth(1).locator("input").click()
    tiles.nth(4).locator("input").click(modifiers=["Shift"])
    expect(page.get_by_text("4 selected")).to_be_visible()
    settled(page)
    pages = page.get_by_test_id("stPagination").get_by_role("button")
    pages.filter(has_text="2").click()
    expect(tiles).to_have_count(2)
    expect(ticked).to_have_count(0)
    settled(page)
    page.get_by_role("button", name="Select this page").click()
    expect(ticked).to_have_count(2)
    expect(page.get_by_text("6 selected")).to_be_visible()
    settled(page)
    pages.filter(has_text="1").click()
    expect(ticked).to_have_count(4)
    settled(page)
    page.get_by_role("button", name="Change 6").click()
    expect(page.get_by_label("Image class to give")).to_be_visible()
    expect(page.get_by_label("State to give")).to_have_count(0)
    page.keyboard.press("Escape")
    settled(page)
    page.get_by_role("button", name="Select none").click()
    expect(ticked).to_have_count(0)
    page.close()
    page = sign_in(browser, server, project[1])
    opened(page, server, project[0])
    page.get_by_role("button", name="Select all 50").click()
    page.get_by_role("button", name="Change 50").wait_for()
    settled(page)
    page.get_by_role("button", name="Change 50").click()
    page.get_by_label("State to give").click()
    page.get_by_role("option", name="accepted").click()
    page.get_by_role("button", name="Change 50 images").click()
    expect(page.locator(".tile").filter(has_text="accepted")).to_have_count(48)
    from studio.images.library import Filter

    assert count_images(project[0], Filter(state="accepted")) == 50


def test_how_crops_are_named_is_guessed_shown_and_saved(
    server: Server, browser: Browser, project: tuple[int, int], tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    from studio.images.library import add_image
    from studio.projects.projects import project_of

    for number in range(8):
        (file,) = write(tmp_path, **{f"pier{number // 4}_{number % 4}": wall(number)})
        add_image(project[0], project[1], file, file.name)
    page = sign_in(browser, server, project[1])
    page.goto(f"{server.url}/?project={project[0]}")
    page.get_by_text("Crops of one photo", exact=True).click()
    template = page.get_by_role("textbox", name="Template")
    expect(template).to_have_value("{photo}_#")
    expect(page.get_by_text("2 photos from 8 images")).to_be_visible()
    template.fill("pier")
    template.press("Enter")
    expect(page.get_by_text("A template has {photo} where the photo's name stands")).to_be_visible()
    template.fill("{photo}_*")
    template.press("Enter")
    expect(page.get_by_text("2 photos from 8 images")).to_be_visible()
    save = page.locator(".st-key-crops").get_by_role("button", name="Save")
    save.click()
    expect(save).to_be_disabled()  # nothing is left to save
    expect(template).to_have_value("{photo}_*")  # it stays open
    assert project_of(project[0]).photo_pattern == "{photo}_*"
