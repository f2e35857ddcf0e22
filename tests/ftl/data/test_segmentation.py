"""Photographs with masks for networks that draw: how masks are read, paired and named, and who stands in which part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from ftl.data.masks import NOT_JUDGED, load_masks
from ftl.data.segmentation import (
    DEFECT,
    SegmentationSet,
    check_classes,
    load_segmentation,
    split_photos,
    without_photos,
)
from ftl.errors import FtlError
from ftl.sweeping.segmented import MaskParts, part
from tests.conftest import SIZE, save_png
from tests.drawn_photographs import SHAPE, load_photographs, make_photographs

INSIDE = np.zeros((6, 9), bool)
INSIDE[2:4, 1:8] = True


def save_pair(folder: Path, mask: Image.Image, name: str = "a.png", image: np.ndarray | None = None) -> None:
    pixels = np.full((mask.height, mask.width, 3), 90, np.uint8) if image is None else image
    save_png(pixels, folder / "Images" / f"{Path(name).stem}.png")
    (folder / "Segmented").mkdir(exist_ok=True)
    mask.save(folder / "Segmented" / name, quality=95)


def load(folder: Path) -> SegmentationSet:
    return load_segmentation(folder / "Images", folder / "Segmented")


def palette_of(greys: list[int]) -> Image.Image:
    """A palette picture of two greys, the second inside."""
    image = Image.fromarray(INSIDE.astype(np.uint8), "L").convert("P")
    image.putdata(INSIDE.astype(np.uint8).ravel().tolist())
    image.putpalette([grey for grey in greys for _ in range(3)])
    return image


def channels(*values: int) -> np.ndarray:
    return INSIDE[..., None] * np.array(values, np.uint8)


FORMS = {
    "0 and 1": Image.fromarray(INSIDE.astype(np.uint8)),
    "0 and 255": Image.fromarray(INSIDE * np.uint8(255)),
    "one bit": Image.fromarray(INSIDE),
    "sixteen bits": Image.fromarray(INSIDE * np.uint16(65535)),
    "soft": Image.fromarray(np.where(INSIDE, np.uint8(200), np.uint8(100))),
    "white": Image.fromarray(channels(255, 255, 255)),
    "red": Image.fromarray(channels(255, 0, 0)),
    "green": Image.fromarray(channels(0, 255, 0)),
    "transparent": Image.fromarray(channels(0, 0, 0, 255), "RGBA"),
    "opaque": Image.fromarray(np.dstack([channels(255, 255, 255), np.full(INSIDE.shape, 255, np.uint8)]), "RGBA"),
    "palette of greys": palette_of([0, 255]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_mask_without_classes_is_read(form: str, tmp_path: Path) -> None:
    save_pair(tmp_path, FORMS[form])
    found = load(tmp_path)
    assert found.classes == (DEFECT,)
    image, mask = found.read(0)
    assert image.shape == (6, 9, 3)
    assert (image.dtype, mask.dtype) == (np.uint8, np.uint8)
    assert np.array_equal(mask, INSIDE.astype(np.uint8))


def test_a_palette_whose_first_grey_is_white_is_read_by_its_greys(tmp_path: Path) -> None:
    save_pair(tmp_path, palette_of([255, 0]))
    assert np.array_equal(load(tmp_path).read(0)[1], (~INSIDE).astype(np.uint8))


def test_a_jpeg_is_read_by_its_brightness(tmp_path: Path) -> None:
    where = np.kron(INSIDE, np.ones((8, 8), bool))
    save_pair(tmp_path, Image.fromarray(where * np.uint8(255)), "a.jpg")
    assert (load(tmp_path).read(0)[1] == where).mean() > 0.99


def test_ids_are_numbered_from_1_and_named_by_the_table(tmp_path: Path) -> None:
    ids = np.array([[0, 0, 3], [1, 3, 3]], np.uint8)
    coloured = Image.fromarray(ids).convert("P")
    coloured.putdata(ids.ravel().tolist())
    coloured.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    for number, mask in enumerate((Image.fromarray(ids), coloured, Image.fromarray(np.dstack([ids] * 3)))):
        folder = tmp_path / str(number)
        save_pair(folder, mask)
        plain = load(folder)
        assert (plain.classes, plain.ids) == (("class 1", "class 3"), (1, 3))
        assert plain.read(0)[1].tolist() == [[0, 0, 2], [1, 2, 2]]
        table = folder / "Segmented" / "classes.json"
        table.write_text('{"pore": 3, "never": 2, "crack": 1}')
        named = load(folder)
        assert (named.classes, named.ids) == (("crack", "never", "pore"), (1, 2, 3))
        assert named.read(0)[1].tolist() == [[0, 0, 3], [1, 3, 3]]
        table.write_text('{"crack": 1}')
        with pytest.raises(FtlError, match=r"classes\.json has no name for the ids \[3\]"):
            load(folder)


def test_255_among_the_ids_of_several_classes_is_not_judged_and_else_told(tmp_path: Path) -> None:
    ids = np.array([[0, 255, 3], [1, 3, 255]], np.uint8)
    save_pair(tmp_path, Image.fromarray(ids))
    save_pair(tmp_path, Image.fromarray(np.where(ids == 255, ids, 0)), "border.png")
    for table in (None, {"crack": 1}):
        if table:
            (tmp_path / "Segmented" / "classes.json").write_text(json.dumps(table))
        with pytest.raises(FtlError, match=r"hold the ids \[1, 3\] and 255: name all classes in its classes\.json"):
            load(tmp_path)
    (tmp_path / "Segmented" / "classes.json").write_text('{"crack": 1, "pore": 3}')
    found = load(tmp_path)
    assert found.classes == ("crack", "pore")
    assert found.read(0)[1].tolist() == [[0, NOT_JUDGED, 2], [1, 2, NOT_JUDGED]]
    assert found.read(1)[1].tolist() == [[0, NOT_JUDGED, 0], [0, 0, NOT_JUDGED]]
    ranking = found.scoring_masks(SIZE).examples[0].mask(2, 3)
    assert (ranking > 0).tolist() == [[False, False, True], [True, True, False]]
    for number, brightest in enumerate((1, 255)):  # of one class, some 0 and 1, others 0 and 255: that is a defect
        save_pair(tmp_path / "one", Image.fromarray(INSIDE * np.uint8(brightest)), f"{number}.png")
    (tmp_path / "one" / "Segmented" / "classes.json").write_text('{"crack": 1}')
    one = load(tmp_path / "one")
    assert all(np.array_equal(one.read(index)[1], INSIDE) for index in range(2))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('{"crack": 300}', r"has the ids \[300\]"), ('{"crack": -1}', r"has the ids \[-1\]"),
        ('["crack"]', "must hold names and ids"), ("{", "must hold names and ids"),
        ('{"crack": null}', "must hold names and ids"),
    ],
)  # fmt: skip
def test_a_damaged_table_is_told(table: str, sentence: str, tmp_path: Path) -> None:
    save_pair(tmp_path, FORMS["0 and 1"])
    (tmp_path / "Segmented" / "classes.json").write_text(table)
    with pytest.raises(FtlError, match=sentence):
        load(tmp_path)


def test_all_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    for number in range(5):
        save_pair(tmp_path, FORMS["0 and 255"], f"{number}.png")
    (tmp_path / "Images" / "0.png").unlink()
    (tmp_path / "Segmented" / "1.png").unlink()
    save_png(np.zeros((6, 8, 3), np.uint8), tmp_path / "Images" / "2.png")
    (tmp_path / "Images" / "3.png").write_bytes(b"nothing")
    with pytest.raises(FtlError) as caught:
        load(tmp_path)
    for sentence in ("0.png has no image", "1.png has no mask", "is 9 x 6 but", "3.png cannot be read", "4 problems"):
        assert sentence in str(caught.value)


def test_masks_with_nothing_inside_are_refused_unless_another_has(tmp_path: Path) -> None:
    save_pair(tmp_path, Image.fromarray(np.zeros((6, 9), np.uint8)), "empty.png")
    with pytest.raises(FtlError, match="has anything inside"):
        load(tmp_path)
    save_pair(tmp_path, FORMS["0 and 255"], "full.png")
    found = load(tmp_path)
    assert [int(found.read(index)[1].max()) for index in range(2)] == [0, 1]


def test_class_folders_are_paired_by_folder_and_name(tmp_path: Path) -> None:
    for name in ("Crack", "Background"):
        images, masks = make_photographs(tmp_path / name, 2)
        shutil.copytree(images, tmp_path / "all" / "Images" / name)
        shutil.copytree(masks, tmp_path / "all" / "Segmented" / name)
    found = load(tmp_path / "all")
    assert [path.parent.name for path in found.images] == ["Crack"] * 2 + ["Background"] * 2
    assert [path.parent.name for path in found.masks] == [path.parent.name for path in found.images]
    only = load_segmentation(tmp_path / "all" / "Images", tmp_path / "all" / "Segmented", classes=["Crack"])
    assert len(only) == 2


def test_a_digest_tells_contents_names_and_classes_apart_and_places_not(tmp_path: Path) -> None:
    here, there = load_photographs(tmp_path / "here", 3), load_photographs(tmp_path / "there", 3)
    assert here.digest() == there.digest()
    assert here.take([0, 1]).digest() != here.digest()
    assert load_photographs(tmp_path / "others", 3, seed=1).digest() != here.digest()
    mask = np.asarray(Image.open(there.masks[0])).copy()
    mask[0, 0] ^= 255
    save_png(mask, there.masks[0])
    assert load(tmp_path / "there").digest() != here.digest()


def test_a_part_keeps_files_and_digests_together(tmp_path: Path) -> None:
    data = load_photographs(tmp_path, 5, classes=True)
    taken = data.take(np.array([3, 1]))
    assert taken.images == (data.images[3], data.images[1])
    assert (taken.classes, taken.ids) == (("line", "blob"), (1, 3))
    for own, index in enumerate((3, 1)):
        assert np.array_equal(taken.read(own)[1], data.read(index)[1])
        assert taken.digests[own] == data.digests[index]
    assert data.files()[data.digests[2][1]] == data.masks[2]


def test_files_that_lie_elsewhere_are_read_there_under_their_names(tmp_path: Path) -> None:
    data = load_photographs(tmp_path / "here", 3)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    images, masks = (
        [tmp_path / "there" / path.relative_to(tmp_path / "here") for path in paths]
        for paths in (data.images, data.masks)
    )
    expected = [data.read(index) for index in range(3)]
    moved = data.at(images, masks)
    shutil.rmtree(tmp_path / "here")
    for index, (image, mask) in enumerate(expected):
        assert np.array_equal(moved.read(index)[0], image)
        assert np.array_equal(moved.take([index]).read(0)[1], mask)
    assert moved.images == data.images
    assert moved.digest() == data.digest()


def test_they_rank_filters_as_masks_do(tmp_path: Path) -> None:
    """Of all classes together, at the network's size."""
    folders = make_photographs(tmp_path / "plain", 3)
    own, loaded = load_segmentation(*folders).scoring_masks(SIZE), load_masks(*folders, size=SIZE)
    assert own.digest() == loaded.digest()
    data = load_photographs(tmp_path / "classes", 3, classes=True)
    for index, example in enumerate(data.scoring_masks(SIZE).examples):
        assert example.image.shape == (SIZE, SIZE, 3)
        assert np.array_equal(example.mask(*SHAPE) > 0, data.read(index)[1] > 0)


def made_up(photos: list[int], contents: list[int]) -> SegmentationSet:
    """Crops of photos, some with the same bytes; there are no files."""
    names = tuple(Path(f"photo{photo}_{number}.png") for number, photo in enumerate(photos))
    digests = tuple((f"bytes {content}", f"mask {number}") for number, content in enumerate(contents))
    return SegmentationSet(names, names, (DEFECT,), (1,), digests)


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=40), st.integers(0, 2**31 - 1), st.floats(0.05, 0.95),
    st.booleans(),
)  # fmt: skip
def test_no_photo_stands_on_both_sides(photos: list[int], seed: int, share: float, named: bool) -> None:
    """Crops by their names, copies of one file by their bytes."""
    pattern = "photo{photo}_#" if named else None
    data = made_up(photos, [*range(len(photos))] if named else photos)
    assume(len({*photos}) > 2)
    first, second = split_photos(data, pattern, seed, share)
    assert sorted([*first, *second]) == [*range(len(photos))]
    sides = [{photos[index] for index in side} for side in (first, second)]
    assert not sides[0] & sides[1]
    assert len(sides[0]) >= 2
    assert sides[1]
    again = split_photos(data, pattern, seed, share)
    assert all(np.array_equal(own, other) for own, other in zip((first, second), again, strict=True))
    if len({*photos}) == 3:
        return
    parts = part(data, pattern, seed % 1000)
    three = [{photos[index] for index in side} for side in parts[1:]]
    assert all(three)
    assert sum(map(len, three)) == len({*photos})
    assert sum(map(len, parts[1:])) == len(photos)


def test_parts_are_about_as_large_as_said() -> None:
    parts = part(made_up([*range(50)], [*range(50)]), None, 0)
    assert [len(side) for side in parts[1:]] == [30, 10, 10]
    assert isinstance(parts, MaskParts)
    assert [path.name for path in parts.tested_on.images] == [f"photo{index}_{index}.png" for index in parts.test]


@pytest.mark.parametrize("needed", [3, 4])
def test_too_few_photos_are_refused_and_so_many_are_enough(needed: int) -> None:
    """Two to train on, and one for each other part, however many crops one of them has."""

    def parted(count: int) -> tuple[np.ndarray, ...]:
        data = made_up([*range(count), *[count - 1] * 20], [*range(count + 20)])
        pattern = "photo{photo}_#"
        return split_photos(data, pattern, 0, 0.2) if needed == 3 else part(data, pattern, 0)[1:]

    for count in range(1, needed):
        sentence = f"at least {needed} photos are needed, some for each part of a split, not of {count}: draw more"
        with pytest.raises(FtlError, match=sentence):
            parted(count)
    assert all(map(len, parted(needed)))


def test_what_was_trained_on_is_left_out_of_a_test_by_its_bytes_or_its_photo() -> None:
    trained, tested = made_up([0, 1], [100, 101]), made_up([1, 2, 3], [7, 100, 8])
    seen = trained.names()
    assert [path.name for path in without_photos(tested, seen, None).images] == ["photo1_0.png", "photo3_2.png"]
    assert [path.name for path in without_photos(tested, seen, "photo{photo}_#").images] == ["photo3_2.png"]
    with pytest.raises(FtlError, match="every test photograph was trained on"):
        without_photos(trained, seen, None)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    data = load_photographs(tmp_path, 2, classes=True)
    check_classes(data, ["line", "blob"])
    for classes in (["blob", "line"], ["line"], ["defect"]):
        with pytest.raises(FtlError, match="the masks hold line, blob, the network draws"):
            check_classes(data, classes)
    (tmp_path / "Segmented" / "classes.json").write_text(json.dumps({"blob": 1, "line": 3}))
    with pytest.raises(FtlError, match="the masks hold blob, line"):
        check_classes(load(tmp_path), data.classes)
