"""Exports as the programs read them that they are meant for, and files of others as those programs would."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import cv2
import labelme.utils as labelme_utils
import numpy as np
import pytest
import supervision
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from supervision.dataset.formats.yolo import yolo_annotations_to_detections

from studio.annotation.outlines import outlines
from studio.errors import StudioError
from studio.formats import coco, cvat, labelme, yolo
from studio.formats.borders import borders
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import (
    HARD,
    MASKS,
    draw,
    export,
    members,
    pair,
    photograph,
    rows,
)

WHERE = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.booleans(), fill=st.booleans())


def by_fill_poly(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """How often each pixel is drawn."""
    times = np.zeros(shape, int)
    for points in polygons:
        own = np.zeros(shape, np.uint8)
        cv2.fillPoly(own, [points.astype(np.int32)], 1)
        times += own
    return times


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_borders_of_hard_masks(text: list[str]) -> None:
    assert np.array_equal(by_fill_poly(borders(rows(text)), rows(text).shape), rows(text))


@settings(max_examples=200)
@given(where=WHERE)
def test_borders_are_one_for_each_area_and_fill_it_to_the_pixel(where: np.ndarray) -> None:
    polygons = borders(where)
    assert np.array_equal(by_fill_poly(polygons, where.shape), where)
    assert len(polygons) == cv2.connectedComponents(where.astype(np.uint8), connectivity=8)[0] - 1
    for points in polygons:
        steps = np.abs(np.roll(points, -1, axis=0) - points)
        assert len(points) == 1 or (steps.max(1) > 0).all()
        assert ((steps.min(1) == 0) | (steps[:, 0] == steps[:, 1])).all()  # along an axis or a diagonal


def test_many_holes_beside_each_other_are_joined_in_one_outline() -> None:
    """A row of holes is a chain of bridges, longer than Python could go down by recursion."""
    where = np.ones((3, 4001), bool)
    where[1, 1::2] = False
    (points,) = borders(where)
    assert np.array_equal(by_fill_poly([points], where.shape), where)


def in_supervision(folder: Path, kind: str) -> dict[str, np.ndarray]:
    """Index masks by the photograph's name, as supervision has them: classes are numbered from 1."""
    images = str(folder / "images")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "yolo":
            found = supervision.DetectionDataset.from_yolo(
                images, str(folder / "labels"), str(folder / "data.yaml"), force_masks=True
            )
        else:
            file = str(folder / "annotations" / "instances_default.json")
            found = supervision.DetectionDataset.from_coco(images, file, force_masks=True)
    masks = {}
    for path, image, own in found:
        assert own.class_id is not None
        mask = np.zeros(image.shape[:2], np.uint8)
        for where, number in zip(own.mask if own.mask is not None else (), own.class_id, strict=False):
            mask[where] = number + 1
        masks[Path(path).name] = mask
    return masks


def in_pycocotools(folder: Path) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = COCO(folder / "annotations" / "instances_default.json")
    masks = {}
    for image in found.imgs.values():
        mask = np.zeros((image["height"], image["width"]), np.uint8)
        for one in found.imgToAnns[image["id"]]:
            mask[found.annToMask(one) > 0] = one["category_id"]
        masks[image["file_name"]] = mask
    return masks


def in_labelme(folder: Path) -> dict[str, np.ndarray]:
    masks = {}
    for file in (folder / "images").glob("*.json"):
        value = json.loads(file.read_text())
        for shape in value["shapes"]:
            shape["mask"] = labelme_utils.img_b64_to_arr(shape["mask"]).astype(bool)
        numbers = {"Crack": 1, "Pore & 'co', 🌉": 2, "Dirt #2": 3}
        size = (value["imageHeight"], value["imageWidth"], 3)
        label, _ = labelme_utils.shapes_to_label(size, value["shapes"], numbers)
        masks[value["imagePath"]] = label
    return masks


@pytest.mark.parametrize("name", ["yolo", "coco", "coco by supervision", "coco-polygons", "labelme"])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mask=MASKS)
def test_the_usual_reader_has_every_pixel(
    project: Someone, tmp_path_factory: pytest.TempPathFactory, name: str, mask: np.ndarray
) -> None:
    made = pair(project.user_id, [("a.png", photograph(*mask.shape, 1)), ("b.png", photograph(*mask.shape, 2))])
    draw(made.first, 0, mask)
    draw(made.first, 1, np.flip(mask))
    folder = tmp_path_factory.mktemp("export")
    zipfile.ZipFile(io.BytesIO(export(made.first, name.partition(" ")[0]))).extractall(folder)
    if name == "yolo" or name.endswith("supervision"):
        if not mask.any() and name != "yolo":
            return  # supervision takes no COCO file without annotations
        got = in_supervision(folder, name.partition(" ")[0])
    else:
        got = in_labelme(folder) if name == "labelme" else in_pycocotools(folder)
    assert np.array_equal(got["a.png"], mask)
    assert np.array_equal(got["b.png"], np.flip(mask))


def labels(mask: np.ndarray, project: Someone) -> list[list[float]]:
    draw(project, 0, mask)
    text = members(export(project, "yolo", photographs=False))["labels/a.txt"].decode()
    return [[float(part) for part in line.split()[1:]] for line in text.splitlines()]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=WHERE.filter(np.any))
def test_yolo_lines_are_the_same_pixels_cut_or_rounded_and_have_a_box(project: Someone, where: np.ndarray) -> None:
    """Ultralytics cuts fractions off (`polygon2mask`), drops boxes without width or height, and takes no line twice."""
    made = pair(project.user_id, [("a.png", photograph(*where.shape, 3))]).first
    height, width = where.shape
    got = {kind: np.zeros(where.shape, np.uint8) for kind in ("cut", "rounded")}
    for line in labels(where.astype(np.uint8), made):
        corners = np.array(line, np.float32).reshape(-1, 2)
        assert len(corners) >= 3
        assert (corners.max(0) > corners.min(0)).all()
        assert corners.min() >= 0
        assert corners.max() <= 1
        corners *= np.array([width, height], np.float32)
        cv2.fillPoly(got["cut"], [corners.astype(np.int32)], 1)
        cv2.fillPoly(got["rounded"], [np.round(corners).astype(np.int32)], 1)
    assert np.array_equal(got["cut"], where)
    assert np.array_equal(got["rounded"], where)


def test_yolo_corners_stay_in_their_pixels_in_float32_on_the_largest_images() -> None:
    for side in (1, 2, 3, 7, 224, 4000, 30_000):
        pixels = np.arange(side)
        told = np.array([f"{part:.10f}" for part in (pixels + yolo._WITHIN) / side], np.float32) * np.float32(side)
        assert np.array_equal(told.astype(np.int32), pixels)
        assert np.array_equal(np.round(told).astype(np.int32), pixels)


CORNERS = st.lists(
    st.tuples(*[st.one_of(st.floats(-3, 25), st.integers(-30, 250).map(lambda tenths: tenths / 10))] * 2),
    min_size=3, max_size=8,
)  # fmt: skip


def whole(covered: Any, height: int, width: int) -> np.ndarray:
    box, part = covered
    where = np.zeros((height, width), bool)
    where[box] = part
    return where


@settings(max_examples=150)
@given(corners=CORNERS, height=st.integers(1, 20), width=st.integers(1, 20))
@example(corners=[(0.0, 10.0), (2.5, 20.0), (13.375, 13.375)], height=15, width=12)  # rounded otherwise in a part of it
def test_polygons_of_others_are_what_pycocotools_has(
    corners: list[tuple[float, float]], height: int, width: int
) -> None:
    flat = [float(part) for corner in corners for part in corner]
    wanted = coco_mask.decode(coco_mask.frPyObjects([flat], height, width)[0]) > 0
    if np.abs(corners).max() > 3 * max(height, width):
        with pytest.raises(StudioError, match="far out of the image"):
            coco.draw_shape([flat], height, width)
        return
    assert np.array_equal(whole(coco.draw_shape([flat], height, width), height, width), wanted)
    points = ";".join(f"{x!r},{y!r}" for x, y in corners)
    drawn = cvat.draw_shape({"": "polygon", "points": points}, height, width)
    assert np.array_equal(whole(drawn, height, width), wanted)


@settings(max_examples=150)
@given(corners=CORNERS, kind=st.sampled_from(["polygon", "rectangle", "circle"]))
def test_shapes_of_labelme_are_what_labelme_has(corners: list[tuple[float, float]], kind: str) -> None:
    points = [list(corner) for corner in (corners if kind == "polygon" else corners[:2])]
    wanted = labelme_utils.shape_to_mask((20, 22), points, kind)
    got = whole(labelme.draw_shape({"shape_type": kind, "points": points}, 20, 22), 20, 22)
    assert np.array_equal(got, wanted)


@settings(max_examples=150)
@given(corners=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=8))
def test_outlines_of_yolo_are_what_supervision_has(corners: list[tuple[float, float]]) -> None:
    parts = [repr(part) for corner in corners for part in corner]
    found = yolo_annotations_to_detections(["0 " + " ".join(parts)], resolution_wh=(17, 13), with_masks=True)
    assert np.array_equal(whole(yolo.draw_shape(parts, 13, 17), 13, 17), found.mask[0])


@pytest.mark.parametrize(
    "draw_far",
    [
        lambda far: coco.draw_shape([[0, 0, far, 0, 0, far]], 20, 20),
        lambda far: cvat.draw_shape({"": "polygon", "points": f"0,0;{far},0;0,{far}"}, 20, 20),
        lambda far: labelme.draw_shape({"shape_type": "circle", "points": [[0, 0], [far, 0]]}, 20, 20),
        lambda far: labelme.draw_shape({"points": [[0, 0], [far, 0], [0, far]]}, 20, 20),
        lambda far: yolo.draw_shape(["0", "0", str(far), "0", "0", str(far)], 20, 20),
    ],
    ids=["coco", "cvat", "labelme's circle", "labelme", "yolo"],
)
def test_a_shape_far_out_of_the_image_is_told_and_never_drawn(draw_far: Any) -> None:
    """It would take as long as it is wide: here for ever."""
    for far in (1e9, 1e30):
        with pytest.raises(StudioError, match="reaches far out of the image"):
            draw_far(far)
    for far in (np.nan, np.inf):
        with pytest.raises((ValueError, StudioError)):
            draw_far(far)


@pytest.mark.parametrize("name", ["masonry", "deepcrack"])
def test_real_cracks_are_neither_larger_nor_smaller(shared: Path, name: str) -> None:
    """Along the edges of pixels they had been 12 % larger (masonry) and 16 % (deepcrack)."""
    for file in sorted((shared / "data" / name / "masks").iterdir()):
        where = np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) > 127
        drawn = [supervision.polygon_to_mask(points, where.shape[::-1]) for points in borders(where) if len(points) > 2]
        few = [points for points in borders(where) if len(points) < 3]
        times = sum(drawn, np.zeros(where.shape, int)) + by_fill_poly(few, where.shape)
        assert np.array_equal(times, where)
        height, width = where.shape
        flat = [points.ravel().astype(float).tolist() for points in outlines(where)]
        if flat:
            assert np.array_equal(coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(flat, height, width))), where)
