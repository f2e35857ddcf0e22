"""Masks out of a project in every format, and the same pixels back in another one."""

from __future__ import annotations

import base64
import io
import json
import sys
import zipfile
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Picture
from pycocotools import mask as coco_mask
from streamlit.testing.v1 import AppTest

import ftl
from studio.annotation import log
from studio.annotation.outlines import outlines
from studio.annotation.strokes import Polygon, Rectangle, Region
from studio.errors import StudioError
from studio.formats.export_zip import as_zip
from studio.formats.exported_images import safe_stem, unique_stems
from studio.formats.import_masks import import_masks
from studio.formats.registry import EXPORTS
from studio.formats.voc import palette
from studio.images.library import find_images, set_split
from studio.projects.classes import classes_of
from studio.projects.projects import create_project
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import send

NAMES = ('wall "a" 🌉 & <b>.png', "two words.png", "never drawn.png")
PIXEL = st.sampled_from([0, 0, 1, 2, 3])
MASKS = st.tuples(st.integers(1, 11), st.integers(1, 11)).flatmap(
    lambda size: st.one_of(
        arrays(np.uint8, size, elements=PIXEL), arrays(np.uint8, size, elements=PIXEL, fill=st.just(0))
    )
)


class Pair(NamedTuple):
    """Two projects with the same photographs; the same names have other numbers in the second, which lacks one."""

    first: Someone
    second: Someone


def opened(file: Any) -> np.ndarray:
    return np.asarray(Picture.open(file))


def photograph(height: int, width: int, value: int, kind: str = "PNG", **options: object) -> bytes:
    noise = np.random.default_rng(value).integers(0, 255, (height, width, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


def first(user_id: int, files: list[tuple[str, bytes]]) -> Someone:
    return holding(user_id, files, ("Crack", "Pore & 'co', 🌉", "Dirt #2", "Background"))


def second(user_id: int, files: list[tuple[str, bytes]]) -> Someone:
    return holding(user_id, files, ("Background", "dirt #2", "CRACK"))


def holding(user_id: int, files: list[tuple[str, bytes]], classes: tuple[str, ...]) -> Someone:
    """A project of these photographs and classes."""
    project = Someone(create_project(user_id, "Walls", classes).id, user_id)
    assert send(project, *files).problems == []
    return project


def pair(user_id: int, files: list[tuple[str, bytes]]) -> Pair:
    return Pair(first(user_id, files), second(user_id, files))


def draw(project: Someone, index: int, mask: np.ndarray) -> None:
    """Give an image this index mask; an empty one is drawn and wiped out again."""
    image = find_images(project.project_id)[index]
    whole = Rectangle("r", 1, {"box": [0, 0, image.width, image.height]})
    wiped = Region.of(np.ones(mask.shape, bool), 0, "wiped")
    parts = [Region.of(mask == number, number, f"m{number}") for number in np.unique(mask).tolist() if number]
    log.append(image.id, project.user_id, [whole, wiped, *parts])
    assert np.array_equal(log.mask(image), mask)


def export(project: Someone, name: str, photographs: bool = True) -> bytes:
    return b"".join(as_zip(project.project_id, name, photographs))


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def take(project: Someone, content: bytes, name: str = "export.zip") -> list[str]:
    uploads = [(name, io.BytesIO(content))]
    return import_masks(project.project_id, project.user_id, uploads, class_number=1).problems


def by_class(project: Someone) -> list[dict[str, bytes]]:
    """For each image, the pixels of each class that is drawn on it."""
    names = {one.number: one.name.lower() for one in classes_of(project.project_id)}
    masks = [log.mask(image) for image in find_images(project.project_id)]
    return [{names[one]: (mask == one).tobytes() for one in np.unique(mask).tolist() if one} for mask in masks]


def without_list(content: bytes) -> bytes:
    """The zip as another program would give it back: without the studio's own list."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, own in members(content).items():
            if name != "images.json":
                archive.writestr(name, own)
    return buffer.getvalue()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mask=MASKS, asked=st.fixed_dictionaries(dict.fromkeys(EXPORTS, st.tuples(st.booleans(), st.booleans()))))
def test_every_format_gives_every_pixel_back(
    project: Someone, mask: np.ndarray, asked: dict[str, tuple[bool, bool]]
) -> None:
    """`asked`: for each format, whether the studio's own list is in the file, and whether the photographs are."""
    files = [(name, photograph(*mask.shape, value)) for value, name in enumerate(NAMES)]
    drawn = first(project.user_id, files)
    draw(drawn, 0, mask)
    draw(drawn, 1, np.flip(mask))
    wanted = by_class(drawn)
    for name, (listed, photographs) in asked.items():
        taken, content = second(project.user_id, files), export(drawn, name, photographs)
        assert take(taken, content if listed else without_list(content)) == [], name
        assert by_class(taken) == wanted, name


HARD = {
    "a ring in a ring": ["#######", "#     #", "# ### #", "# # # #", "# ### #", "#     #", "#######"],
    "a diagonal": ["#      ", " #     ", "  #    ", "   #   "],
    "a comb with holes": ["#######", "# # # #", "#######", "## ## #", "#######"],
    "holes that touch at corners": ["######", "# ## #", "## # #", "### ##", "######"],
    "one pixel": ["       ", "   #   "],
    "all of it": ["####", "####"],
}


def rows(text: list[str]) -> np.ndarray:
    return np.array([[one == "#" for one in row] for row in text])


def filled(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    where = np.zeros(shape, bool)
    for points in polygons:
        box, part = Polygon("", 1, {"points": points.tolist()}).cover(*shape)
        where[box] |= part
    return where


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_outlines_of_hard_masks(text: list[str]) -> None:
    where = rows(text)
    assert np.array_equal(filled(outlines(where), where.shape), where)


@settings(max_examples=300)
@given(
    where=arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.booleans(), fill=st.booleans())
)
def test_outlines_are_one_for_each_area_and_run_along_pixels(where: np.ndarray) -> None:
    polygons = outlines(where)
    assert np.array_equal(filled(polygons, where.shape), where)
    assert len(polygons) == cv2.connectedComponents(where.astype(np.uint8), connectivity=8)[0] - 1
    for points in polygons:
        steps = points != np.roll(points, 1, axis=0)
        assert (steps.sum(1) == 1).all()  # along one axis at a time, and never on the spot


def test_outlines_of_a_square_with_a_hole() -> None:
    polygons = outlines(rows(["###", "# #", "###"]))
    assert len(polygons) == 1
    walk = polygons[0].tolist()
    assert sorted(walk) == sorted(
        [[0, 0], [3, 0], [3, 3], [0, 3], [0, 1], [1, 1], [1, 2], [2, 2], [2, 1], [1, 1], [0, 1]]
    )
    assert outlines(np.zeros((3, 3), bool)) == []


def long_thin_crack(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    rng = np.random.default_rng(1)
    points = np.cumsum(rng.normal(0, 6, (4000, 2)), axis=0) + np.array([width // 2, height // 2])
    cv2.polylines(mask, [points.astype(np.int32)], False, 1, 1)
    return mask > 0


def steps_of(where: np.ndarray) -> int:
    """How many lines of Python `outlines` takes: a machine that is busy with other things takes as many."""
    count = 0

    def lines(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return lines

    sys.settrace(lines)
    try:
        outlines(where)
    finally:
        sys.settrace(None)
    return count


def test_outlines_of_a_long_thin_crack_take_steps_by_its_length_only() -> None:
    where = long_thin_crack(1500, 2000)
    polygons = outlines(where)
    assert np.array_equal(filled(polygons, where.shape), where)
    corners = sum(map(len, polygons))
    few, many = steps_of(where), steps_of(np.tile(where, 2))
    assert few < 40 * corners  # it takes about 17
    assert many < 2.2 * few


@pytest.fixture
def tiny(project: Someone) -> Someone:
    """A photograph of 4 x 2 pixels, crack in a corner and pore in a line, and one without a mask."""
    send(project, ("a b.png", photograph(2, 4, 1)), ("none.png", photograph(2, 4, 2)))
    draw(project, 0, TINY)
    return project


TINY = np.array([[1, 1, 0, 2], [1, 0, 0, 2]], np.uint8)


def test_index_masks(tiny: Someone) -> None:
    got = members(export(tiny, "index"))
    assert set(got) == {
        "classes.json",
        "Segmented/classes.json",
        "images.json",
        "Images/Unsorted/a b.png",
        "Images/Unsorted/none.png",
        "Segmented/Unsorted/a b.png",
    }
    assert json.loads(got["classes.json"]) == {"Crack": 1, "Pore": 2, "Dirt": 3, "Background": 4}
    assert np.array_equal(opened(io.BytesIO(got["Segmented/Unsorted/a b.png"])), TINY)
    assert got["Images/Unsorted/none.png"] == photograph(2, 4, 2)
    told = json.loads(got["images.json"])
    assert [one["file"] for one in told] == ["a b.png", "none.png"]
    assert told[0]["sha256"] == find_images(tiny.project_id)[0].sha256
    lean = members(export(tiny, "index", photographs=False))
    assert set(got) - set(lean) == {"Images/Unsorted/a b.png", "Images/Unsorted/none.png"}


def test_a_mask_for_each_class_is_what_ftl_reads(tiny: Someone, tmp_path: Path) -> None:
    content = export(tiny, "classes")
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    assert np.array_equal(opened(tmp_path / "Segmented/Pore/a b.png"), (TINY == 2) * 255)
    masks = ftl.load_masks(tmp_path / "Images", tmp_path / "Segmented")
    assert set(masks.groups) == {"Crack", "Pore"}
    assert np.array_equal(masks.examples[0].mask(2, 4), (TINY == 1) * 255)


def test_coco_run_lengths(tiny: Someone) -> None:
    got = members(export(tiny, "coco"))
    value = json.loads(got["annotations/instances_default.json"])
    assert [(one["file_name"], one["width"], one["height"]) for one in value["images"]] == [
        ("a b.png", 4, 2),
        ("none.png", 4, 2),
    ]
    assert all(f"images/{one['file_name']}" in got for one in value["images"])
    names = {one["id"]: one["name"] for one in value["categories"]}
    crack, pore = value["annotations"]
    assert (names[crack["category_id"]], names[pore["category_id"]]) == ("Crack", "Pore")
    assert np.array_equal(coco_mask.decode(crack["segmentation"]), TINY == 1)
    assert np.array_equal(coco_mask.decode(pore["segmentation"]), TINY == 2)
    assert (crack["area"], crack["bbox"]) == (3, [0, 0, 2, 2])
    assert (pore["area"], pore["bbox"]) == (2, [3, 0, 1, 2])


def test_coco_polygons(tiny: Someone) -> None:
    value = json.loads(members(export(tiny, "coco-polygons"))["annotations/instances_default.json"])
    crack, pore = value["annotations"]
    assert crack["segmentation"] == [[0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2]]
    assert (crack["area"], crack["bbox"]) == (3, [0, 0, 2, 2])
    assert pore["segmentation"] == [[3, 0, 4, 0, 4, 2, 3, 2]]
    assert np.array_equal(
        coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(pore["segmentation"], 2, 4))), TINY == 2
    )


def test_coco_counts_a_hole_off_the_area(project: Someone) -> None:
    where = rows(HARD["a ring in a ring"])
    send(project, ("a.png", photograph(*where.shape, 1)))
    draw(project, 0, where.astype(np.uint8))
    value = json.loads(members(export(project, "coco-polygons"))["annotations/instances_default.json"])
    assert [one["area"] for one in value["annotations"]] == [24, 8]
    assert [one["bbox"] for one in value["annotations"]] == [[0, 0, 7, 7], [2, 2, 3, 3]]


def test_cvat(tiny: Someone) -> None:
    got = members(export(tiny, "cvat"))
    root = ElementTree.fromstring(got["annotations.xml"])
    images = root.findall("image")
    assert [one.get("name") for one in images] == ["a b.png", "none.png"]
    assert [one.text for one in root.findall("meta/task/labels/label/name")] == ["Crack", "Pore", "Dirt", "Background"]
    assert images[1].find("mask") is None
    where = np.zeros((2, 4), np.uint8)
    for mask in images[0].findall("mask"):
        left, top, width, height = (int(mask.attrib[one]) for one in ("left", "top", "width", "height"))
        pixels: list[int] = []
        for index, run in enumerate(mask.attrib["rle"].split(", ")):
            pixels += [index % 2] * int(run)
        number = {"Crack": 1, "Pore": 2}[mask.attrib["label"]]
        where[top : top + height, left : left + width] += np.array(pixels, np.uint8).reshape(height, width) * number
    assert np.array_equal(where, TINY)
    assert images[0].findall("mask")[0].get("rle") == "0, 3, 1"


def test_yolo(tiny: Someone) -> None:
    set_split(tiny.project_id, tiny.user_id, [find_images(tiny.project_id)[1].id], "test")
    got = members(export(tiny, "yolo"))
    assert got["labels/a b.txt"].decode().splitlines() == [
        "0 0.1225 0.245 0.1225 0.745 0.3725 0.245",
        "1 0.8725 0.245 0.8725 0.745 0.775 0.245 0.775 0.05",
    ]
    assert "labels/none.txt" not in got
    assert got["data.yaml"].decode().splitlines() == [
        "train: train.txt", "val: train.txt", "names:",
        '  0: "Crack"', '  1: "Pore"', '  2: "Dirt"', '  3: "Background"',
    ]  # fmt: skip
    assert (got["train.txt"], got["val.txt"]) == (b"./images/a b.png\n", b"")
    draw(tiny, 1, TINY)
    got = members(export(tiny, "yolo"))
    assert (got["train.txt"], got["val.txt"]) == (b"./images/a b.png\n", b"./images/none.png\n")
    assert b"val: val.txt" in got["data.yaml"]


def test_voc(tiny: Someone) -> None:
    got = members(export(tiny, "voc"))
    mask = Picture.open(io.BytesIO(got["SegmentationClass/a b.png"]))
    assert mask.mode == "P"
    assert np.array_equal(np.asarray(mask), TINY)
    colours = np.asarray(mask.convert("RGB"))
    assert colours[0, 0].tolist() == [128, 0, 0]
    assert colours[0, 3].tolist() == [0, 128, 0]
    assert colours[0, 2].tolist() == [0, 0, 0]
    assert got["labelmap.txt"].decode().splitlines()[1:4] == ["background:0,0,0::", "Crack:128,0,0::", "Pore:0,128,0::"]
    assert Picture.open(io.BytesIO(got["JPEGImages/none.jpg"])).format == "JPEG"
    assert got["ImageSets/Segmentation/trainval.txt"] == b"a b\n"


def test_voc_has_the_colours_of_its_own_programs() -> None:
    colours = palette()
    assert colours[[1, 2, 3, 8, 15, 255]].tolist() == [
        [128, 0, 0], [0, 128, 0], [128, 128, 0], [64, 0, 0], [192, 128, 128], [224, 224, 192],
    ]  # fmt: skip
    assert len({tuple(one) for one in colours.tolist()}) == 256


def test_labelme(tiny: Someone) -> None:
    got = members(export(tiny, "labelme"))
    assert set(got) == {"images/a b.json", "images/a b.png", "images/none.png", "images.json"}
    value = json.loads(got["images/a b.json"])
    assert (value["imagePath"], value["imageHeight"], value["imageWidth"]) == ("a b.png", 2, 4)
    crack, pore = value["shapes"]
    assert (crack["label"], crack["shape_type"], crack["points"]) == ("Crack", "mask", [[0, 0], [1, 1]])
    assert (pore["label"], pore["points"]) == ("Pore", [[3, 0], [3, 1]])
    own = np.asarray(Picture.open(io.BytesIO(base64.b64decode(crack["mask"]))))
    assert np.array_equal(own > 0, TINY[:, :2] == 1)


def turned() -> bytes:
    """A JPEG of 3 x 5 pixels that its orientation makes 5 x 3."""
    exif = Picture.Exif()
    exif[0x0112] = 6
    return photograph(5, 3, 4, "JPEG", exif=exif)


@pytest.mark.parametrize("name", EXPORTS)
def test_exported_photographs_are_upright(project: Someone, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        ("turned.jpg", turned()),
        ("a.bmp", photograph(3, 5, 5, "BMP")),
        ("plain.jpg", photograph(3, 5, 6, "JPEG")),
    ]
    made = pair(project.user_id, files)
    for index in range(3):
        draw(made.first, index, np.array([[1, 0, 0, 0, 2], [0, 1, 0, 0, 0], [0, 0, 0, 0, 3]], np.uint8))
    with monkeypatch.context() as patch:
        patch.setattr("PIL.Image.open", None)  # a child opens what was uploaded
        content = export(made.first, name)
    found = {}
    for path, own in members(content).items():
        if Path(path).suffix in (".jpg", ".png") and "Segment" not in path:
            found[Path(path).name] = own
            picture = Picture.open(io.BytesIO(own))
            assert picture.size == (5, 3)
            assert picture.getexif().get(0x0112, 1) == 1
    assert set(found) == {"turned.jpg", "a.jpg" if name == "voc" else "a.png", "plain.jpg"}
    assert found["plain.jpg"] == files[2][1]
    if name != "voc":
        assert np.array_equal(opened(io.BytesIO(found["a.png"])), opened(io.BytesIO(files[1][1])))
    assert take(made.second, content) == []
    assert by_class(made.second) == by_class(made.first)


@pytest.mark.parametrize("name", EXPORTS)
def test_images_that_share_a_name_are_told_apart(project: Someone, name: str) -> None:
    files = [
        (one, photograph(2, 4, value)) for value, one in enumerate(["a.png", "b/a.png", "A.png", "a?.png", "a*.png"])
    ]
    made = pair(project.user_id, files)
    for index in range(5):
        draw(made.first, index, np.roll(TINY, index, axis=1))
    content = export(made.first, name)
    assert take(made.second, content) == []
    assert by_class(made.second) == by_class(made.first)
    other = Someone(create_project(project.user_id, "Third").id, project.user_id)
    send(other, *files)
    assert take(other, without_list(content))  # nothing is guessed
    assert by_class(other) == [{}] * 5


def test_names_of_files() -> None:
    assert safe_stem('wall "a" 🌉.png') == "wall _a_ 🌉"
    assert safe_stem("..png") == "image"
    assert len(safe_stem("🌉" * 200).encode()) <= 180
    assert unique_stems([(1, "a.png"), (2, "b.png"), (3, "A.jpg"), (4, "a_1.png")]) == {
        1: "a_1_", 2: "b", 3: "A_3", 4: "a_1",
    }  # fmt: skip


def test_a_format_that_is_none_is_told_at_once(tiny: Someone) -> None:
    with pytest.raises(StudioError, match="there is no format tiff: there are index, classes, coco,"):
        as_zip(tiny.project_id, "tiff")


@pytest.mark.parametrize("name", EXPORTS)
def test_photographs_without_any_mask_come_back_as_no_masks(project: Someone, name: str) -> None:
    assert "images.json" in members(export(project, name))  # of an empty project
    grey = io.BytesIO()
    Picture.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(grey, "PNG")
    send(project, ("grey.png", grey.getvalue()))
    assert take(project, export(project, name)) == []
    assert by_class(project) == [{}]


def test_the_zip_comes_in_pieces(project: Someone) -> None:
    send(project, *((f"{number}.png", photograph(40, 40, number)) for number in range(6)))
    pieces = [len(one) for one in as_zip(project.project_id)]
    assert max(pieces) < sum(pieces) / 3


def test_the_panel_links_to_the_chosen_format() -> None:
    def page() -> None:
        from studio.ui.images.export import panel

        panel(7)

    app = AppTest.from_function(page, default_timeout=30).run()
    app.selectbox[0].select("yolo")
    app.checkbox[0].uncheck()
    app.run()
    assert not app.exception
    asked = json.loads(app.get("bidi_component")[0].proto.json)
    assert asked["address"] == "/api/projects/7/export.zip?format=yolo&images=no"
