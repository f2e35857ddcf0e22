"""Masks that exist already, in every form that is taken; and those that do not fit."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from labelme import utils as labelme_utils
from PIL import Image
from pycocotools import mask as coco_mask

from studio.annotation import log
from studio.formats import coco as coco_format
from studio.formats.format import Beside
from studio.formats.import_masks import Imported, import_masks
from studio.formats.reading_child import learn
from studio.formats.yolo import NAMES
from studio.images.library import find_images, set_state
from studio.projects.classes import classes_of
from tests.studio.conftest import Someone
from tests.studio.images.test_uploads import bomb, picture, send, zipped

HEIGHT, WIDTH = 30, 40


def shape() -> np.ndarray:
    where = np.zeros((HEIGHT, WIDTH), bool)
    where[5:12, 8:30] = True
    where[20, 3] = True
    return where


def png(values: np.ndarray, mode: str | None = None) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(values.astype(np.uint8))
    (image.convert(mode) if mode else image).save(buffer, "PNG")
    return buffer.getvalue()


def give(project: Someone, name: str, content: bytes, number: int = 2) -> Imported:
    files = [(name, io.BytesIO(content))]
    return import_masks(project.project_id, project.user_id, files, class_number=number)


def mask_of(project: Someone) -> np.ndarray:
    return log.mask(find_images(project.project_id)[0])


@pytest.fixture
def wall(project: Someone) -> Someone:
    send(project, ("wall.jpg", picture()))
    return project


@pytest.mark.parametrize(
    "content",
    [
        png(shape() * 255),
        png(shape() * 1),
        png(shape() * 255, "1"),
        png(np.repeat(shape()[..., None] * 255, 3, axis=2)),
        png(shape() * 200),
    ],
    ids=["0 and 255", "0 and 1", "one bit", "RGB", "grey"],
)
def test_a_mask_of_one_class(wall: Someone, content: bytes) -> None:
    first = give(wall, "wall.png", content)
    assert (first.images, first.regions, first.problems) == (1, 1, [])
    assert np.array_equal(mask_of(wall), shape() * 2)
    assert give(wall, "wall.png", content).regions == 0  # twice changes nothing
    assert np.array_equal(mask_of(wall), shape() * 2)


def test_an_index_mask_holds_class_numbers(wall: Someone) -> None:
    values = shape() * 3
    values[0, :5] = 1
    assert give(wall, "wall.png", png(values)).regions == 2
    assert np.array_equal(mask_of(wall), values)


def coco(segmentation: object, size: tuple[int, int] = (HEIGHT, WIDTH)) -> bytes:
    return json.dumps(
        {
            "images": [{"id": 7, "file_name": "some/wall.jpg", "height": size[0], "width": size[1]}],
            "categories": [{"id": 4, "name": "Spalling"}],
            "annotations": [{"id": 1, "image_id": 7, "category_id": 4, "segmentation": segmentation}],
        }
    ).encode()


def labelme(*shapes: Mapping[str, object]) -> bytes:
    value = {"imagePath": "..\\some\\wall.jpg", "imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": shapes}
    return json.dumps(value | {"imageData": base64.b64encode(b"x").decode()}).encode()


def test_coco_run_lengths_packed_and_plain(wall: Someone) -> None:
    packed = coco_mask.encode(np.asfortranarray(shape().astype(np.uint8)))
    text = {"size": [HEIGHT, WIDTH], "counts": packed["counts"].decode()}
    assert give(wall, "a.json", coco(text)).regions == 1
    number = {one.name: one.number for one in classes_of(wall.project_id)}["Spalling"]
    assert np.array_equal(mask_of(wall), shape() * number)
    from studio.annotation.pixels import encode

    plain = {"size": [HEIGHT, WIDTH], "counts": encode(shape())}
    assert give(wall, "b.json", coco(plain)).regions == 0  # the very same region


def test_coco_and_labelme_polygons(wall: Someone) -> None:
    corners = [[8, 5], [30, 5], [30, 12], [8, 12]]
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[5:12, 8:30] = True
    assert give(wall, "a.json", coco([np.ravel(corners).tolist()])).regions == 1
    number = {one.name: one.number for one in classes_of(wall.project_id)}["Spalling"]
    near = mask_of(wall) == number
    assert near[6:11, 9:29].all()  # to one pixel along the edge
    assert not near[expected == 0].any() or not near[:4].any()
    square = {"label": "Pore", "points": [[8, 5], [30, 12]], "shape_type": "rectangle"}
    assert give(wall, "wall.json", labelme(square)).regions == 1
    assert (mask_of(wall)[6:11, 9:29] == 2).all()


def test_labelme_circles_and_small_masks(wall: Someone) -> None:
    part = png(shape()[5:12, 8:30] * 255)
    small = {
        "label": "pore",
        "points": [[8, 5], [29, 11]],
        "shape_type": "mask",
        "mask": base64.b64encode(part).decode(),
    }
    circle = {"label": "Dirt", "points": [[10, 20], [10, 25]], "shape_type": "circle"}
    assert give(wall, "wall.json", labelme(small, circle)).regions == 2
    got = mask_of(wall)
    assert np.array_equal(got == 2, shape() & (np.arange(HEIGHT)[:, None] < 12))
    assert np.array_equal(got == 3, labelme_utils.shape_to_mask((HEIGHT, WIDTH), [[10, 20], [10, 25]], "circle"))


def test_what_was_not_judged_in_an_index_mask_is_no_class(wall: Someone) -> None:
    values = shape() * 3
    values[0, :5] = 255
    coloured = Image.fromarray(values.astype(np.uint8), "P")
    coloured.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [200] * 756)
    buffer = io.BytesIO()
    coloured.save(buffer, "PNG")
    for content in (png(values), buffer.getvalue()):
        assert give(wall, "wall.png", content).problems == []
        assert np.array_equal(mask_of(wall), shape() * 3)


def test_soft_edges_and_one_colour_are_one_class(wall: Someone) -> None:
    soft = np.where(shape(), 255, 0)
    soft[4, 8:30] = 70
    soft[12, 8:30] = 20
    assert give(wall, "wall.png", png(soft)).problems == []
    assert np.array_equal(mask_of(wall), shape() * 2)
    red = np.dstack([soft, soft * 0, soft * 0])
    assert give(wall, "wall.png", png(red)).regions == 0  # the very same


def test_masks_come_in_zips_and_one_bad_shape_stops_no_other(wall: Someone) -> None:
    square = {"label": "Pore", "points": [[8, 5], [30, 12]], "shape_type": "rectangle"}
    got = give(wall, "all.zip", zipped(
        ("m/wall.json", labelme(square, {"label": "Pore", "points": [[1, 2]]}, {"label": "x", "shape_type": "line"})),
        ("m/wall.png", png(shape() * 255)),
        ("__MACOSX/m/._wall.png", b"x"),
    ))  # fmt: skip
    assert (got.images, got.regions, len(got.problems)) == (1, 2, 2)


def test_a_name_that_two_images_bear_is_told(wall: Someone) -> None:
    send(wall, ("wall.png", picture(5, "PNG")))
    assert "2 images named wall" in give(wall, "wall.png", png(shape() * 255)).problems[0]
    assert give(wall, "a.json", coco([[8, 5, 30, 5, 30, 12]])).regions == 1  # COCO tells the whole name


def test_an_accepted_image_takes_none(wall: Someone) -> None:
    set_state(wall.project_id, wall.user_id, [find_images(wall.project_id)[0].id], "accepted")
    assert "accepted and read-only" in give(wall, "wall.png", png(shape() * 255)).problems[0]
    assert not mask_of(wall).any()


def palette_png(values: np.ndarray, colours: list[int]) -> bytes:
    image = Image.fromarray(values.astype(np.uint8), "P")
    image.putpalette(colours)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def names_of(project: Someone) -> dict[str, int]:
    return {one.name: one.number for one in classes_of(project.project_id)}


def test_classes_json_gives_an_index_masks_numbers_their_names(wall: Someone) -> None:
    table = json.dumps({"pore": 1, "Rust": 70}).encode()
    values = shape() * 1
    got = give(wall, "a.zip", zipped(("wall.png", png(values)), ("classes.json", table)), number=3)
    assert (got.regions, got.problems) == (1, [])
    assert np.array_equal(mask_of(wall), values * 2)
    values[0, :5] = 70
    values[1, :5] = 255  # not judged
    give(wall, "a.zip", zipped(("classes.json", table), ("x/wall.png", png(values))), number=3)
    rust = names_of(wall)["Rust"]
    assert np.array_equal(mask_of(wall) == rust, values == 70)
    assert (mask_of(wall)[1, :5] == 0).all()


def test_beside_classes_json_a_folder_names_the_class_of_a_black_and_white_mask(wall: Someone) -> None:
    table = json.dumps({"Crack": 1, "Rust": 2}).encode()
    content = zipped(("classes.json", table), ("Segmented/rust/wall.png", png(shape() * 255)))
    assert give(wall, "a.zip", content).problems == []
    assert np.array_equal(mask_of(wall), shape() * names_of(wall)["rust"])
    flipped = ~shape()
    give(wall, "a.zip", zipped(("classes.json", table), ("other/wall.png", png(flipped * 255))), number=3)
    assert np.array_equal(mask_of(wall) == 3, flipped)  # the folder says nothing: the chosen class


def test_what_came_without_a_zip_is_read_together(wall: Someone) -> None:
    files = [("wall.png", io.BytesIO(png(shape() * 1))), ("classes.json", io.BytesIO(b'{"Dirt": 1}'))]
    assert import_masks(wall.project_id, wall.user_id, files, class_number=1).problems == []
    assert np.array_equal(mask_of(wall), shape() * 3)


def test_each_zip_has_its_own_classes_even_under_one_name(wall: Someone) -> None:
    parts = [zipped(("wall.png", png(np.eye(HEIGHT, WIDTH, at) * 1)), ("classes.json", b'{"%s": 1}' % name))
             for at, name in ((0, b"Crack"), (5, b"Dirt"))]  # fmt: skip
    files = [("a.zip", io.BytesIO(one)) for one in parts]
    assert import_masks(wall.project_id, wall.user_id, files, class_number=2).problems == []
    assert np.array_equal(mask_of(wall), np.eye(HEIGHT, WIDTH) + 3 * np.eye(HEIGHT, WIDTH, 5))


LABELMAP = b"# label:color_rgb:parts:actions\nbackground:0,0,0::\nPore:250,50,83:hand:jump\n#7:0,0,9::\n"


def test_a_labelmap_names_the_colours(wall: Someone) -> None:
    values = shape() * 1
    values[0, :5], values[1, :5] = 2, 3
    colours = [0, 0, 0, 250, 50, 83, 0, 0, 9, 224, 224, 192]
    rgb = png(np.array(colours).reshape(-1, 3)[values])
    for own in (palette_png(values, colours), rgb):
        files = zipped(
            ("d/SegmentationClass/wall.png", own),
            ("d/SegmentationObject/wall.png", rgb[:50]),
            ("d/JPEGImages/wall.jpg", picture()),
            ("d/ImageSets/Segmentation/default.txt", b"wall"),
            ("d/labelmap.txt", LABELMAP),
        )
        assert give(wall, "a.zip", files).problems == []
        mask = mask_of(wall)
        assert np.array_equal(mask == 2, values == 1)
        assert np.array_equal(mask == names_of(wall)["#7"], values == 2)
        assert np.array_equal(mask > 0, shape() & (values < 3) | (values == 2))


def cvat(shapes: str, size: tuple[int, int] = (HEIGHT, WIDTH), head: str = "") -> bytes:
    image = f'<image id="0" name="sub/wall.jpg" width="{size[1]}" height="{size[0]}">{shapes}</image>'
    return f'<?xml version="1.0" encoding="utf-8"?>{head}<annotations>{image}</annotations>'.encode()


def cvat_mask(rle: str, left: int = 8, top: int = 5, width: int = 3, height: int = 2) -> str:
    box = f'left="{left}" top="{top}" width="{width}" height="{height}"'
    return f'<mask label="Pore" source="manual" occluded="0" rle="{rle}" {box} z_order="0"></mask>'


def test_cvat_masks_polygons_boxes_and_ellipses(wall: Someone) -> None:
    shapes = (
        cvat_mask("2, 3, 1")
        + '<polygon label="Crack" points="20.00,10.00;24.00,10.00;24.00,12.00;20.00,12.00"><attribute name="a">b'
        + '</attribute></polygon><box label="Dirt" xtl="30.0" ytl="20.0" xbr="33.0" ybr="22.0"/>'
        + '<ellipse label="Background" cx="10" cy="20" rx="3" ry="3"/><tag label="wet"/>'
    )
    got = give(wall, "annotations.xml", cvat(shapes))
    assert (got.images, got.regions, got.problems) == (1, 4, [])
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[5, 10] = expected[6, 8] = expected[6, 9] = 2
    expected[10:12, 20:24] = 1
    expected[20:22, 30:33] = 3
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    expected[(x - 10) ** 2 + (y - 20) ** 2 <= 9] = 4
    assert np.array_equal(mask_of(wall), expected)


def test_what_comes_before_the_damage_of_a_cvat_file_is_taken(wall: Someone) -> None:
    got = give(wall, "a.xml", cvat(cvat_mask("2, 3, 1"))[:-5])
    assert got.regions == 1
    assert "no XML" in got.problems[0]


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
LINE = b"1 0.5 0.5 0.75 0.5 0.75 0.7 0.5 0.7\n"


@pytest.mark.parametrize(
    ("beside", "content"),
    [
        ("data.yaml", b"path: ../x\nnc: 2\nnames: ['It''s, [a]', \"Po\\u0072e\"]\n"),
        ("data.yaml", b"names:\n- Dirt # no\n- Pore # yes\nnc: 2\n"),
        ("data.yaml", b"train: x\nnames:\n  0: Dirt\n\n  # more\n  1: 'Pore'\ntest: y\n"),
        ("dataset.yml", b"names: {0: Dirt, 1: Pore}"),
        ("data.yaml", b"names: [Dirt,\n  Pore,\n  ]\nval: x\n"),
        ("classes.txt", b"Dirt\nPore\n"),
    ],
)
def test_yolo_outlines_and_the_names_of_their_classes(wall: Someone, beside: str, content: bytes) -> None:
    files = zipped(("d/labels/train/wall.txt", LINE + b"\n"), (f"d/{beside}", content), ("d/train.txt", b"./wall.jpg"))
    assert give(wall, "a.zip", files).problems == []
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[15:22, 20:31] = 2  # cv2.fillPoly, by which YOLO's programs draw, takes the outline as well
    assert np.array_equal(mask_of(wall), expected)


def labelled(line: bytes, names: bytes = b"names: [Crack, Pore]") -> bytes:
    return zipped(("wall.txt", line), ("data.yaml", names))


def indexed(values: np.ndarray, table: bytes = b'{"Crack": 1}') -> bytes:
    return zipped(("wall.png", png(values)), ("classes.json", table))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xml", b"<annotations><image", "no XML"),
        ("a.xml", b"", "no XML"),
        ("a.xml", b"<svg/>", "not CVAT's form"),
        ("a.xml", b"<annotations><track/></annotations>", "not CVAT's form"),
        ("a.xml", cvat("", head=BOMB), "document type"),
        ("a.xml", cvat("", head=BOMB).decode().replace("utf-8", "utf-16").encode("utf-16"), "document type"),
        ("a.xml", cvat(cvat_mask("2, 3")), "not those of its box"),
        ("a.xml", cvat(cvat_mask("2, -3, 7")), "not those of its box"),
        ("a.xml", cvat(cvat_mask("2, x")), "damaged"),
        ("a.xml", cvat(cvat_mask("0, 6", left=38)), "out of the image"),
        ("a.xml", cvat(cvat_mask("0, 6", top=-1)), "out of the image"),
        ("a.xml", cvat(cvat_mask("0, 6"), (10**6, 10**6)), "is none"),
        ("a.xml", cvat(cvat_mask("0, 6"), (HEIGHT, WIDTH + 1)), "the mask has 41 x 30 pixels"),
        ("a.xml", cvat('<polyline label="Pore" points="1,1;2,2"/>'), "no area"),
        ("a.xml", cvat('<polygon label="Pore" points="1,1;2"/>'), "damaged"),
        ("a.xml", cvat('<polygon points="1,1;2,2;3,1"/>'), "damaged"),
        ("a.xml", cvat('<box label="Pore" rotation="30" xtl="1" ytl="1" xbr="3" ybr="3"/>'), "turned box"),
        ("wall.txt", LINE, "together with their data.yaml"),
        ("a.zip", labelled(b"1 0.5 0.5 0.1 0.1"), "a box, not an outline"),
        ("a.zip", labelled(b"7 0.5 0.5 0.1 0.1 0.2 0.2"), "of class 7"),
        ("a.zip", labelled(b"x 0.5 0.5 0.1 0.1 0.2 0.2"), "of class x"),
        ("a.zip", labelled(b"1 0.5 0.5 0.1 0.1 0.2"), "damaged"),
        ("a.zip", labelled(b"1 0.5 0.5 0.1 0.1 nan 0.2"), "damaged"),
        ("a.zip", labelled(b"\xff\xfe\x00"), "no text"),
        ("a.zip", indexed(shape() * 9), "it holds 9, which classes.json"),
        ("a.zip", zipped(("wall.png", png(shape() * 3)), ("labelmap.txt", LABELMAP)), "the colour 3,3,3"),
    ],
)
def test_what_is_damaged_in_other_forms_is_told_and_changes_nothing(
    wall: Someone, name: str, content: bytes, words: str
) -> None:
    test_masks_that_do_not_fit_are_told_and_change_nothing(wall, name, content, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (indexed(shape() * 1, b"{"), "classes.json: what it tells"),
        (indexed(shape() * 1, b'["Crack"]'), "as {"),
        (indexed(shape() * 1, b'{"Crack": 1, "Pore": 1}'), "the same number"),
        (indexed(shape() * 1, b"[" * 100_000), "classes.json: what it tells"),
        (labelled(LINE, b"nc: 2"), "no names:"),
        (labelled(LINE, b"names: [Crack, Pore"), "does not end"),
        (labelled(LINE, b"names:\n  x: Crack\n"), "data.yaml: what it tells"),
        (zipped(("wall.png", png(shape() * 3)), ("labelmap.txt", b"Crack:1,2::\n")), "a line is not as"),
        (zipped(("wall.png", png(shape() * 3)), ("labelmap.txt", b"a:9,9,9::\nb:9,9,9::\n")), "the colour of b"),
    ],
)
def test_where_the_names_of_classes_are_damaged_none_is_guessed(wall: Someone, content: bytes, words: str) -> None:
    got = give(wall, "a.zip", content)
    assert got.regions == 0
    assert len(got.problems) == 2
    assert words in got.problems[0]
    assert got.problems[1].startswith("wall.")


def test_a_damaged_list_of_images_loses_no_mask(wall: Someone) -> None:
    got = give(wall, "a.zip", zipped(("wall.png", png(shape() * 255)), ("images.json", b'[{"file": 1}]')))
    assert got.regions == 1
    assert len(got.problems) == 1


def test_the_photograph_that_a_labelme_file_names_is_no_mask(wall: Someone) -> None:
    send(wall, ("x.png", picture(7, "PNG")))
    square = {"label": "Pore", "points": [[8, 5], [30, 12]], "shape_type": "rectangle"}
    value = json.loads(labelme(square)) | {"imagePath": "x.png"}
    got = give(wall, "a.zip", zipped(("x.png", picture(7, "PNG")), ("x.json", json.dumps(value).encode())))
    assert (got.regions, got.problems) == (1, [])


def test_photographs_alone_are_told_to_be_no_masks(wall: Someone) -> None:
    got = give(wall, "a.zip", zipped(("wall.jpg", picture()), ("b.jpg", picture())))
    assert len(got.problems) == 2
    assert "masks are .png" in got.problems[0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("wall.png", png(np.ones((10, 10)) * 255), "the mask has 10 x 10 pixels"),
        ("other.png", png(shape() * 255), "there is no image other"),
        ("wall.png", b"text", "cannot be read"),
        ("wall.png", bomb(), "100,000,000"),
        ("wall.png", png(shape() * 0), "nothing is drawn"),
        ("wall.json", b"{", "no JSON"),
        ("wall.json", b"[1]", "COCO's form (it has annotations)"),
        ("wall.json", b"[" * 100_000, "no JSON"),
        ("wall.json", b'{"annotations": [{"image_id": 3}]}', "damaged"),
        ("wall.json", coco([[1, 2, 3]]), "damaged"),
        ("wall.json", coco({"size": [1, 1], "counts": [1]}), "another size"),
        ("wall.json", coco([[1, 1, 5, 1, 5, 5]], (10**6, 10**6)), "is none"),
        ("wall.json", labelme({"label": "x"}), "damaged"),
        ("wall.json", labelme({"label": "x", "points": [[1, 1], [1e999, 5], [3, 9]]}), "damaged"),
        ("wall.json", labelme({"label": "x", "points": [[1, 1], [9, 9]], "shape_type": "line"}), "has no area"),
        ("wall.json", labelme({"label": "<b>/", "points": [[1, 1], [9, 1], [9, 9]]}), "a class's name"),
        ("wall.json", coco([[1, 1, 5, 1, 5, 5]], (HEIGHT, WIDTH + 1)), "the mask has 41 x 30 pixels"),
        ("wall.json", coco({"size": [HEIGHT, WIDTH], "counts": [0, 10**8]}), "damaged"),
        ("wall.json", coco({"size": [HEIGHT, WIDTH], "counts": "~~~~zzz" * 99}), "damaged"),
        ("wall.png", png(shape() * 9), "it holds class 9, and the project has 1 Crack, 2 Pore"),
        ("wall.png", png(np.dstack([shape() * 255, ~shape() * 255, shape() * 0])), "several colours"),
        ("wall.txt", b"", "masks are .png"),
        ("masks.zip", zipped(("../wall.png", png(shape() * 255))), "points out of the zip"),
    ],
)
def test_masks_that_do_not_fit_are_told_and_change_nothing(
    wall: Someone, name: str, content: bytes, words: str
) -> None:
    before = log.position(find_images(wall.project_id)[0].id)
    got = give(wall, name, content)
    assert got.regions == 0
    assert len(got.problems) == 1
    assert words in got.problems[0]
    assert log.position(find_images(wall.project_id)[0].id) == before


def test_all_problems_are_listed_and_the_good_masks_taken(wall: Someone) -> None:
    files = [("wall.png", io.BytesIO(png(shape() * 255))), ("x.png", io.BytesIO(png(shape() * 255))),
             ("y.json", io.BytesIO(b"{"))]  # fmt: skip
    got = import_masks(wall.project_id, wall.user_id, files, class_number=1)
    assert (got.regions, len(got.problems)) == (1, 2)


@pytest.mark.parametrize(
    "counts",
    [[0], [5, 5], [0, 1201], [1200, 1, 2], [-1, 1201], [1199.5, 0.5], ["a"], 7, None, "", "\x00", "oooooooo", "0", "oo",
     "é"],
)  # fmt: skip
def test_run_lengths_that_are_not_those_of_the_image_are_refused(wall: Someone, counts: object) -> None:
    """Those that end too early had taken the rest from whatever was in memory."""
    value = {
        "images": [{"id": 1, "file_name": "wall.jpg", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 1, "name": "Crack"}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": {"counts": counts, "size": [HEIGHT, WIDTH]}}],
    }
    got = give(wall, "a.json", json.dumps(value).encode())
    assert (got.regions, len(got.problems)) == (0, 1), got
    assert "run lengths" in got.problems[0] or "damaged" in got.problems[0]


def test_packed_run_lengths_are_pycocotools() -> None:
    rng = np.random.default_rng(0)
    for share in (0, 0.02, 0.5, 0.98, 1):
        where = rng.random((37, 53)) < share
        packed = coco_mask.encode(np.asfortranarray(where.astype(np.uint8)))
        _, found = coco_format.draw_shape({"size": packed["size"], "counts": packed["counts"].decode()}, 37, 53)
        assert np.array_equal(found, where)


@pytest.mark.parametrize(
    "text",
    [
        "names: [" + '"' * 40 + "\\" * 21,
        "a: &a [x, x]\nb: &b [*a, *a]\nnames: *b",
        "names: " + "[" * 100_000,
        "names: {0: {1: 2}}",
        "names: 5",
        "no: names",
        "names: [\x00]",
    ],
)
def test_yaml_that_is_none_is_told_at_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    learned = learn(Beside(), PurePosixPath("data.yaml"), tmp_path / "data.yaml")
    assert learned is not None
    assert learned[0].tables[NAMES] == {}
    assert "cannot be read" in learned[1]


def test_yaml_names_are_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("nc: 3\nnames:\n  0: no\n  1: 'it''s'  # a comment\n  2: 010\n")
    learned = learn(Beside(), PurePosixPath("data.yaml"), tmp_path / "data.yaml")
    assert learned is not None
    assert learned[0].tables[NAMES] == {0: "no", 1: "it's", 2: "010"}
