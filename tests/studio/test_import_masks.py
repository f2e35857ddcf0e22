"""Masks that exist already, in every form that is taken; and those that do not fit."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from studio.annotation import log
from studio.images.import_masks import Imported, import_masks
from studio.images.library import find_images, set_state
from studio.projects import classes_of
from tests.studio.conftest import Someone
from tests.studio.test_uploads import bomb, picture, send, zipped

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


def labelme(*shapes: dict[str, object]) -> bytes:
    value = {"imagePath": "..\\some\\wall.jpg", "imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": shapes}
    return json.dumps(value | {"imageData": base64.b64encode(b"x").decode()}).encode()


def test_coco_run_lengths_packed_and_plain(wall: Someone) -> None:
    packed = coco_mask.encode(np.asfortranarray(shape().astype(np.uint8)))
    text = {"size": [HEIGHT, WIDTH], "counts": packed["counts"].decode()}
    assert give(wall, "a.json", coco(text)).regions == 1
    number = {one.name: one.number for one in classes_of(wall.project_id)}["Spalling"]
    assert np.array_equal(mask_of(wall), shape() * number)
    from studio.annotation.fold import encode

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
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    assert np.array_equal(got == 3, (x - 10) ** 2 + (y - 20) ** 2 <= 25)


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
    set_state(wall.project_id, [find_images(wall.project_id)[0].id], "accepted")
    assert "accepted and read-only" in give(wall, "wall.png", png(shape() * 255)).problems[0]
    assert not mask_of(wall).any()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("wall.png", png(np.ones((10, 10)) * 255), "the mask has 10 x 10 pixels"),
        ("other.png", png(shape() * 255), "there is no image other"),
        ("wall.png", b"text", "cannot be read"),
        ("wall.png", bomb(), "100,000,000"),
        ("wall.png", png(shape() * 0), "nothing is drawn"),
        ("wall.json", b"{", "no JSON"),
        ("wall.json", b"[1]", "neither COCO"),
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
