"""The surface as a hand uses it: looking, drawing, objects, what is kept, and all of the photographs that there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import Locator, Page

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Polygon
from studio.collaboration.comments import comments_on
from studio.images.library import add_image, find_images
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import Image
from tests.e2e.conftest import PASSWORD, Server, becomes_true, settled
from tests.e2e.drawing import choose, click, drag, logged, look_at, opened, place, popover, ready, saved, shown, stored

WIDTH, HEIGHT = 400, 300
HUGE = (6000, 4000)
LONG = (6000, 300)
VIEW = "window.ftlSurface.view()"

Make = Callable[..., Image]


@pytest.fixture(scope="module")
def people(server: Server) -> list[int]:
    with writing() as db:
        return [add_user(db, name, PASSWORD).id for name in ("Ada", "Bob")]


@pytest.fixture(scope="module")
def owner(people: list[int]) -> int:
    return people[0]


@pytest.fixture
def project_id(people: list[int]) -> int:
    ada, bob = people
    project = create_project(ada, "Walls")
    accept(invite(project.id, "annotator"), bob)
    return project.id


@pytest.fixture
def photograph(project_id: int, people: list[int], tmp_path: Path) -> Make:
    """photograph(width, height, level, name) -> a grey one in the project."""

    def made(width: int = WIDTH, height: int = HEIGHT, level: int = 170, name: str = "wall.jpg") -> Image:
        Picture.new("L", (width, height), level).save(tmp_path / name, quality=90)
        return add_image(project_id, people[0], tmp_path / name, name)[0]

    return made


def scale(page: Page) -> float:
    return page.evaluate(VIEW)["scale"]


def at(page: Page, x: float, y: float) -> np.ndarray:
    """The image point under a place of the screen."""
    left, top, view = page.evaluate(f"""() => {{
        const box = window.ftlSurface.stage.element.getBoundingClientRect();
        return [box.left, box.top, {VIEW}];
    }}""")
    return np.array([(x - left - view["x"]) / view["scale"], (y - top - view["y"]) / view["scale"]])


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".stage").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def layer(page: Page, name: str, *points: tuple[float, float]) -> np.ndarray:
    """What a layer has at image points, RGBA, once it is drawn with all tiles of the photograph."""
    return np.array(
        page.evaluate(
            """async ([name, points]) => {
                const drawn = async () => { for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); };
                await drawn();
                while (!window.ftlSurface.photo.complete) await drawn();
                await drawn();
                const surface = window.ftlSurface, { scale, x, y } = surface.view();
                const canvas = surface.root.querySelector(`canvas.${name}`), ratio = canvas.width / surface.stage.width;
                const seen = (left, top) => [...canvas.getContext("2d").getImageData(left, top, 1, 1).data];
                return points.map((point) =>
                    seen(Math.floor((point[0] * scale + x) * ratio), Math.floor((point[1] * scale + y) * ratio)));
            }""",
            [name, [list(point) for point in points]],
        )
    )


def presses(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def options(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="Options of the tool")


def test_looking(server: Server, page: Page, photograph: Make) -> None:
    wall = photograph(*HUGE)
    opened(page, server, wall)
    choose(page, "brush")
    whole = page.evaluate(VIEW)
    little = page.locator(".minimap")
    assert little.is_hidden()

    x, y = middle(page)
    x, y = x + 211, y - 83
    page.mouse.move(x, y)
    for _ in range(3):  # the wheel: about the pointer
        before, under = scale(page), at(page, x, y)
        page.mouse.wheel(0, -240)
        becomes_true(page, f"before => {VIEW}.scale > before", before)
        assert np.abs(at(page, x, y) - under).max() * scale(page) < 1
    assert little.is_visible()

    drags: list[tuple[Literal["left", "middle"], str | None]] = [("middle", None), ("left", " ")]
    for button, key in drags:
        under = at(page, x, y)
        if key:
            page.keyboard.down(key)
        page.mouse.move(x, y)
        page.mouse.down(button=button)
        page.mouse.move(x - 90, y + 40, steps=3)
        page.mouse.up(button=button)
        if key:
            page.keyboard.up(key)
        assert np.abs(at(page, x - 90, y + 40) - under).max() * scale(page) < 1

    box = little.bounding_box()  # the small photograph: its middle is the photograph's
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.75)
    free = page.evaluate("""() => {
        const { width, height, inset: { left, top, right, bottom } } = window.ftlSurface.stage;
        return [(left + width - right) / 2, (top + height - bottom) / 2];
    }""")
    stage = page.locator(".stage").bounding_box()
    seen = at(page, stage["x"] + free[0], stage["y"] + free[1])
    assert seen == pytest.approx([HUGE[0] * 0.25, HUGE[1] * 0.75], abs=60)

    page.keyboard.press("ArrowLeft")
    assert at(page, stage["x"] + free[0], stage["y"] + free[1])[0] < seen[0]
    for keys, expected in (("0", whole["scale"]), (".", 1), ("+", 1.25), ("-", 1), ("0", whole["scale"])):
        page.keyboard.press(keys)
        assert scale(page) == pytest.approx(expected)
    assert page.evaluate(VIEW) == whole

    page.keyboard.press("v")  # where a double click means nothing else: whole image and 1:1
    under = at(page, x, y)
    page.mouse.dblclick(x, y)
    becomes_true(page, f"{VIEW}.scale === 1")
    assert np.abs(at(page, x, y) - under).max() < 1
    page.mouse.dblclick(x, y)
    becomes_true(page, f"whole => {VIEW}.scale === whole", whole["scale"])

    page.mouse.move(x, y)
    for _ in range(12):
        page.mouse.wheel(0, -800)
    becomes_true(page, f"{VIEW}.scale === 32")
    page.mouse.wheel(0, -800)
    look_at(page, 32, 3000, 2000)
    edge, inside = layer(page, "overlay", (3000, 2000.5), (3000.5, 2000.5))
    assert edge[3] > 0  # the grid of pixels
    assert inside[3] == 0
    assert scale(page) == 32
    look_at(page, 4, 3000, 2000)
    assert (layer(page, "overlay", (3000, 2000.5), (3000.5, 2000.5))[:, 3] == 0).all()
    assert log.read(wall.id) == []


def test_a_long_photograph_has_the_whole_stage_when_one_looks_closer(
    server: Server, page: Page, photograph: Make
) -> None:
    wall = photograph(*LONG)
    opened(page, server, wall)
    look_at(page, 4, 3000, 150)
    width, height = page.evaluate("[window.ftlSurface.stage.width, window.ftlSurface.stage.height]")
    corners = [
        ((x - view["x"]) / view["scale"], (y - view["y"]) / view["scale"])
        for view in [page.evaluate(VIEW)]
        for x in (1, width - 2)
        for y in (1, height - 2)
    ]
    assert (layer(page, "photo", *corners) == [170, 170, 170, 255]).all()
    choose(page, "brush", 1, 10)
    drag(page, (2950, 100), (3050, 200))
    logged(wall, "brush")
    assert stored(page, server, wall)[150, 3000] == 1


def test_a_pen_is_as_wide_as_it_says_at_every_zoom(server: Server, page: Page, photograph: Make) -> None:
    wall = photograph(*HUGE)
    opened(page, server, wall)
    choose(page, "brush", 1)
    number = options(page).get_by_role("spinbutton", name="Size")
    number.fill("1")
    number.press("Enter")
    for turn, zoom in enumerate((0.5, 1, 8)):  # a line of one pixel, whatever it is on the screen
        at_x, at_y = 3000, 1000 + 500 * turn
        look_at(page, zoom, at_x, at_y)
        half = 40 / zoom
        drag(page, (at_x - half, at_y + 0.5), (at_x + half, at_y + 0.5))
        row = logged(wall, *["brush"] * (turn + 1))[-1]
        assert row.geometry["width"] == 1
        got = stored(page, server, wall)[at_y - 5 : at_y + 6, int(at_x - half) + 2 : int(at_x + half) - 1] > 0
        assert got.any(0).all()
        if zoom >= 1:  # below, the hand cannot keep to a line of pixels
            assert (got.sum(0) == 1).all()
        assert got.sum(0).max() <= 2

    look_at(page, 8, 3000, 2000)
    sizes = []

    def now() -> float:
        sizes.append(page.evaluate("window.ftlSurface.state.size"))
        assert float(number.input_value()) == sizes[-1]
        return sizes[-1]

    number.fill("20")
    number.press("Enter")
    assert now() == 20
    presses(page, "]]")
    assert now() == 24
    page.keyboard.press("[")
    assert now() == 22
    x, y = place(page, [(3000, 2000)])[0]
    page.mouse.move(x, y)
    page.keyboard.down("Alt")
    page.mouse.wheel(0, -120)
    becomes_true(page, "window.ftlSurface.state.size > 22")
    page.keyboard.up("Alt")
    size = now()
    assert scale(page) == 8  # the wheel was for the pen
    # its outline is the cursor: as wide as what will be drawn
    rim, within, beyond = layer(page, "overlay", *((3000 + size / 2 * part, 2000.5) for part in (1, 0.6, 1.3)))
    assert rim[3] > within[3]
    assert rim[3] > beyond[3]
    drag(page, (3000, 2000.5), (3010, 2000.5))
    assert logged(wall, *["brush"] * 4)[-1].geometry["width"] == pytest.approx(size)
    assert (stored(page, server, wall)[1900:2100, 3005] > 0).sum() == pytest.approx(size, abs=1)


def test_a_stylus_draws_as_wide_as_it_is_pressed_if_one_wants_that(
    server: Server, page: Page, photograph: Make
) -> None:
    wall = photograph()
    opened(page, server, wall)
    choose(page, "brush", 1, 20)
    events = page.context.new_cdp_session(page)

    def press(y: float) -> None:
        for kind, x, force in (("Pressed", 100, 0.2), ("Moved", 150, 0.5), ("Moved", 200, 0.9), ("Released", 200, 0)):
            ((left, top),) = place(page, [(x, y)])
            events.send("Input.dispatchMouseEvent", {
                "type": f"mouse{kind}", "x": left, "y": top, "button": "left", "buttons": int(kind != "Released"),
                "clickCount": 1, "pointerType": "pen", "force": force,
            })  # fmt: skip

    press(100)
    assert "widths" not in logged(wall, "brush")[0].geometry
    options(page).get_by_role("button", name="Pen pressure changes the width").click()
    press(200)
    geometry = logged(wall, "brush", "brush")[1].geometry
    assert geometry["widths"][0] < 6
    assert max(geometry["widths"]) > 15
    got = stored(page, server, wall)[160:240] > 0
    assert 0 < got[:, 110].sum() < got[:, 190].sum() <= 20
    saved(page)
    assert (shown(page) == stored(page, server, wall)).all()
    page.evaluate("window.ftlSurface.set({ pressure: false })")


def test_shapes_of_corners_and_fill(server: Server, page: Page, photograph: Make) -> None:
    wall = photograph()
    opened(page, server, wall)
    choose(page, "polygon", 1)
    corners = [(100.0, 60.0), (300.0, 80.0), (200.0, 240.0)]
    click(page, (50, 50), (60, 200))
    page.keyboard.press("Escape")  # nothing of it stays
    click(page, *corners[:2])
    look_at(page, 6, 200, 240)  # closer, for the next corner
    click(page, (190, 230), corners[2])
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    click(page, corners[2])
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    (polygon,) = logged(wall, "polygon")
    assert polygon.geometry["points"] == [pytest.approx(corner, abs=0.5) for corner in corners]

    presses(page, "l2")  # a line with a width, closed by hand
    number = options(page).get_by_role("spinbutton", name="Size")
    number.fill("6")
    page.evaluate("window.ftlSurface.set({})")  # the toolbar is drawn anew, as once a second
    number.press("Enter")
    ring = [(20.0, 100.0), (90.0, 100.0), (90.0, 170.0), (20.0, 170.0)]
    click(page, *ring, (20.0, 106.0))
    page.keyboard.press("Enter")
    polyline = logged(wall, "polygon", "polyline")[-1]
    assert polyline.geometry["width"] == 6
    assert len(polyline.geometry["points"]) == 5
    got = stored(page, server, wall)
    assert (got[97:103, 55] == 2).all()
    assert got[95, 55] == got[105, 55] == 0

    presses(page, "t3")
    page.keyboard.down("Shift")
    drag(page, (320, 200), (370, 230))
    page.keyboard.up("Shift")
    assert logged(wall, "polygon", "polyline", "rectangle")[-1].geometry["box"] == [320, 200, 50, 50]

    presses(page, "f4")
    click(page, (10, 10))
    page.get_by_text("This area reaches the edge of the image.").wait_for()
    click(page, (55, 135))
    logged(wall, "polygon", "polyline", "rectangle", "region")
    expected = stored(page, server, wall)
    assert (expected[103:167, 23:87] == 4).all()
    assert (expected[got > 0] == got[got > 0]).all()
    saved(page)
    assert (shown(page) == expected).all()


def test_a_comment_is_pinned_to_its_place(server: Server, page: Page, photograph: Make) -> None:
    wall = photograph()
    opened(page, server, wall)
    page.keyboard.press("p")
    click(page, (120, 90))
    field = page.get_by_role("textbox", name="Comment at this place")
    field.press_sequentially("bet 3")  # letters that are keys of tools and classes elsewhere
    field.press("Enter")
    field.wait_for(state="detached")
    (comment,) = comments_on(wall.id)
    assert (comment.text, comment.x, comment.y) == ("bet 3", pytest.approx(120, abs=0.5), pytest.approx(90, abs=0.5))
    assert page.evaluate("window.ftlSurface.state.tool") == "pin"
    becomes_true(page, "window.ftlSurface.live.comments().length === 1")
    presses(page, "b")
    ((x, y),) = place(page, [(120, 90)])
    page.mouse.move(x + 2, y, steps=2)
    bubble = page.get_by_role("tooltip").filter(has_text="bet 3")
    bubble.wait_for()
    assert "Ada" in bubble.inner_text()
    settled(page)
    popover(page, "Comments").get_by_text("bet 3").wait_for()
    assert log.read(wall.id) == []


def test_objects_are_selected_changed_and_undone(
    server: Server, page: Page, photograph: Make, people: list[int]
) -> None:
    ada, bob = people
    wall = photograph()
    box = [[40.0, 60.0], [140.0, 60.0], [140.0, 140.0], [40.0, 140.0]]
    log.append(wall.id, bob, [Polygon("bobs", 1, {"points": box}, bob)])
    own = [[x + 200, y] for x, y in box]
    log.append(wall.id, ada, [Polygon("own", 1, {"points": own}, ada)])
    opened(page, server, wall)
    page.keyboard.press("v")
    card = page.get_by_role("region", name="Selected object")
    kinds = ["polygon", "polygon"]
    masks = [stored(page, server, wall)]

    def now(*more: str) -> np.ndarray:
        """The mask once the log has these rows more; what is shown is the same."""
        kinds.extend(more)
        logged(wall, *kinds)
        saved(page)
        masks.append(stored(page, server, wall))
        assert (shown(page) == masks[-1]).all()
        return masks[-1]

    click(page, (90, 100))
    card.get_by_text("Bob").wait_for()
    card.get_by_role("button", name="Pore").click()
    got = now("region")  # painted over what is Bob's
    assert (got[60:140, 40:140] == 2).all()
    assert (got[60:140, 240:340] == 1).all()
    page.keyboard.press("Control+z")
    assert (now("undo") == masks[0]).all()

    click(page, (290, 100))
    card.get_by_text("You").wait_for()
    page.keyboard.press("3")
    changed = now("undo", "polygon")
    assert (changed[60:140, 240:340] == 3).all()
    assert (changed[60:140, 40:140] == 1).all()
    drag(page, (340, 140), (380, 200))  # a corner
    moved = now("undo", "polygon")
    assert moved[180, 365] == 3
    card.get_by_role("button", name="Delete").click()
    deleted = now("undo")
    assert not deleted[:, 200:].any()
    for before in (moved, changed, masks[0]):  # each with one key
        page.keyboard.press("Control+z")
        steps = {id(moved): ["redo"], id(changed): ["undo", "redo"], id(masks[0]): ["undo", "redo"]}[id(before)]
        assert (now(*steps) == before).all()
    for after, steps in ((changed, ["redo", "undo"]), (moved, ["redo", "undo"]), (deleted, ["undo"])):
        page.keyboard.press("Control+y")
        assert (now(*steps) == after).all()
    card.wait_for(state="detached")


def test_what_is_drawn_at_a_mark_is_there_whatever_the_orientation(
    server: Server, page: Page, project_id: int, people: list[int], tmp_path: Path
) -> None:
    upright = np.full((160, 240, 3), 150, np.uint8)
    upright[96:112, 32:64] = (220, 30, 30)
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera did that EXIF tells: as `Picture.Transpose`
    for orientation in range(1, 9):
        picture = Picture.fromarray(upright)
        if orientation in turns:
            picture = picture.transpose(Picture.Transpose(turns[orientation]))
        exif = Picture.Exif()
        exif[0x0112] = orientation
        name = f"{orientation}.jpg"
        picture.save(tmp_path / name, quality=100, exif=exif)
        add_image(project_id, people[0], tmp_path / name, name)
    images = find_images(project_id)
    assert [(image.width, image.height) for image in images] == [(240, 160)] * 8
    opened(page, server, images[0])
    choose(page, "brush", 1, 4)
    for number, image in enumerate(images):
        if number:
            page.keyboard.press("d")
            ready(page, image)
        becomes_true(page, """() => {
            const canvas = window.ftlSurface.root.querySelector("canvas.photo"), { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            let [x, y, count] = [0, 0, 0];
            for (let at = 0; at < data.length; at += 4) if (data[at] > 180 && data[at + 1] < 80) {
                [x, y, count] = [x + (at / 4) % width, y + Math.floor(at / 4 / width), count + 1];
            }
            const box = canvas.getBoundingClientRect();
            window.mark = [box.left + x / count / width * box.width, box.top + y / count / height * box.height];
            return count > 0;
        }""")  # fmt: skip
        x, y = page.evaluate("window.mark")  # the middle of the red that is seen
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 4, y, steps=3)
        page.mouse.up()
    saved(page)
    for image in images:
        logged(image, "brush")
        rows, columns = np.nonzero(stored(page, server, image))
        assert (rows.min(), rows.max()) == (pytest.approx(102, abs=1), pytest.approx(105, abs=1)), image.name
        assert columns.min() == pytest.approx(46, abs=1), image.name


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (1920, 1080)])
def test_the_stage_has_most_of_the_window_in_every_tool(
    server: Server, page: Page, photograph: Make, width: int, height: int
) -> None:
    wall = photograph()
    page.set_viewport_size({"width": width, "height": height})
    opened(page, server, wall)
    names = page.evaluate("Object.keys(window.ftlSurface.tools)")
    assert len(names) >= 12
    for name in names:
        page.locator(f".ftl-tools [data-tool={name}]").click()
        becomes_true(page, "name => window.ftlSurface.tool.name === name", name)
        box = page.locator(".stage").bounding_box()
        across = min(box["x"] + box["width"], width) - box["x"]
        down = min(box["y"] + box["height"], height) - box["y"]
        assert across * down / (width * height) >= 0.65, name
    choose(page, "brush")
    for visible in (False, True):  # all of it, when the toolbars are away
        page.keyboard.press("Tab")
        becomes_true(page, "visible => window.ftlSurface.state.panels === visible", visible)
        assert page.locator(".ftl-tools").is_visible() == visible
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    sheet.get_by_text("Next unlabelled image").wait_for()
    page.keyboard.press("e")  # the sheet is no surface
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    assert page.evaluate("window.ftlSurface.state.tool") == "brush"
    before = page.locator(".stage").bounding_box()["width"]
    page.get_by_test_id("stSidebar").hover()
    page.get_by_test_id("stSidebarCollapseButton").locator("button").click()
    becomes_true(page, "before => window.ftlSurface.stage.width > before + 150", before)
    drag(page, (100, 100), (200, 100))
    logged(wall, "brush")
    assert stored(page, server, wall)[100, 150] > 0
    page.get_by_test_id("stExpandSidebarButton").click()
    becomes_true(page, "before => window.ftlSurface.stage.width === before", before)


_CLOCK = """window.addEventListener("keydown", ({ key }) => {
    if (key !== "d") return;
    const begin = performance.now(), before = window.ftlSurface?.image;
    const look = () => {
        const { image, root } = window.ftlSurface, canvas = root.querySelector("canvas.photo");
        const [red,,, seen] = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
        if (image.id !== before.id && seen && Math.abs(red - parseInt(image.name)) < 4)
            window.took = performance.now() - begin;
        else requestAnimationFrame(look);
    };
    window.took = null;
    if (before) look();
}, true)"""  # ms from a key to the frame that has the other photograph


def test_settings_are_kept_and_the_next_photograph_comes_at_once(
    server: Server, page: Page, photograph: Make, record_property: Callable[[str, object], None]
) -> None:
    images = [photograph(level=level, name=f"{level}.jpg") for level in (60, 120, 200)]
    page.add_init_script(_CLOCK)
    opened(page, server, images[0])
    presses(page, "e3")
    options(page).get_by_role("spinbutton", name="Size").fill("17")
    options(page).get_by_role("spinbutton", name="Size").press("Enter")
    page.evaluate("window.ftlSurface.set({ over: false, opacity: 0.7 })")
    chosen = """(({ tool, classNumber, size, over, opacity }) => [tool, classNumber, size, over, opacity])
        (window.ftlSurface.state)"""
    expected = ["eraser", 3, 17, False, 0.7]
    assert page.evaluate(chosen) == expected
    took = []
    for image in images[1:]:
        page.keyboard.press("d")
        ready(page, image)
        becomes_true(page, "window.took !== null")
        took.append(round(page.evaluate("window.took")))
        page.get_by_text(image.name).wait_for()
        settled(page)
        assert page.evaluate(chosen) == expected
    record_property("ms to the next photograph", took)
    page.reload()
    ready(page, images[2])
    assert page.evaluate(chosen) == expected
    page.evaluate("window.ftlSurface.set({ over: true, opacity: 0.5, tool: 'brush' })")
    saved(page)
