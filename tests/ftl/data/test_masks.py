"""Every way to store a mask, and every way in which folders do not fit together."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ftl.data.images import MAX_PIXELS, read_image
from ftl.data.masks import load_masks, read_mask
from ftl.errors import FtlError
from tests.conftest import save_png

SQUARE = np.zeros((6, 8), np.uint8)
SQUARE[2:4, 3:6] = 1


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(SQUARE),
        Image.fromarray(SQUARE * 255),
        Image.fromarray(SQUARE.astype(bool)),
        Image.fromarray(np.dstack([SQUARE * 255] * 3)),
        Image.fromarray(np.dstack([SQUARE * 255] * 3 + [np.full_like(SQUARE, 255)])),
        Image.fromarray(SQUARE.astype(np.uint16) * 65535),
    ],
    ids=["0/1", "0/255", "1 bit", "RGB", "RGBA", "16 bit"],
)
def test_two_valued_masks_read_alike(tmp_path: Path, image: Image.Image) -> None:
    image.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), SQUARE * 255)


def test_a_palette_mask_reads_by_its_indices(tmp_path: Path) -> None:
    image = Image.fromarray(SQUARE, "P")
    image.putpalette([0, 0, 0, 200, 30, 30])
    image.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), SQUARE * 255)


@pytest.mark.parametrize(
    "palette", [[255, 255, 255, 0, 0, 0], [0, 0, 0, 255, 255, 255]], ids=["white first", "black first"]
)
def test_a_palette_of_greys_reads_by_its_greys(tmp_path: Path, palette: list[int]) -> None:
    white = 0 if palette[0] == 255 else 1
    image = Image.fromarray(np.where(SQUARE == 1, white, 1 - white).astype(np.uint8), "P")
    image.putpalette(palette)
    image.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), SQUARE * 255)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255)])
def test_a_coloured_mask_counts_by_its_brightest_channel(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    path = save_png(SQUARE[..., None] * np.array(colour, np.uint8), tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(path), SQUARE * 255)


def test_alpha_is_the_mask_where_only_alpha_varies(tmp_path: Path) -> None:
    path = save_png(np.dstack([np.full((6, 8, 3), 255, np.uint8), SQUARE * 255]), tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(path), SQUARE * 255)


def test_what_jpeg_smears_is_not_inside(tmp_path: Path) -> None:
    large = np.kron(SQUARE, np.ones((9, 9), np.uint8)) * 255
    Image.fromarray(large).save(tmp_path / "m.jpg", quality=70)
    smeared = np.asarray(Image.open(tmp_path / "m.jpg"))
    assert ((smeared > 0) & (large == 0)).sum() > 50
    assert ((read_mask(tmp_path / "m.jpg") > 0) & (large == 0)).sum() <= 5


def test_a_set_of_empty_masks_is_told(tmp_path: Path) -> None:
    save_png(np.full((6, 8, 3), 90, np.uint8), tmp_path / "i" / "a.png")
    save_png(SQUARE, tmp_path / "m" / "a.png")
    with pytest.raises(FtlError, match="has anything inside"):
        load_masks(tmp_path / "i", tmp_path / "m", mask_class=7)


def test_soft_edges_stay(tmp_path: Path) -> None:
    soft = np.array([[0, 60, 130, 255]], np.uint8)
    np.testing.assert_array_equal(read_mask(save_png(soft, tmp_path / "m.png")), soft)


def test_index_masks_want_a_class(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 2, 3]], np.uint8)
    path = save_png(ids, tmp_path / "m.png")
    with pytest.raises(FtlError, match=r"class ids \[0, 1, 2, 3\].*--mask-class"):
        read_mask(path)
    np.testing.assert_array_equal(read_mask(path, mask_class=2), [[0, 0, 255, 0]])
    # the original multiplies by 255 in eight bits
    np.testing.assert_array_equal(read_mask(path, wrap=True), [[0, 255, 254, 253]])


def test_a_dim_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FtlError, match="neither 0/1 nor 0/255"):
        read_mask(save_png(np.array([[0, 100]], np.uint8), tmp_path / "m.png"))


def test_a_class_can_be_named(tmp_path: Path) -> None:
    save_png(np.full((6, 8, 3), 90, np.uint8), tmp_path / "i" / "a.png")
    save_png(SQUARE * 2, tmp_path / "m" / "a.png")
    (tmp_path / "m" / "classes.json").write_text(json.dumps({"Crack": 1, "Pore": 2}))
    masks = load_masks(tmp_path / "i", tmp_path / "m", mask_class="Pore")
    np.testing.assert_array_equal(masks.examples[0].mask(6, 8), SQUARE * 255)
    with pytest.raises(FtlError, match="no class 'Rust': it has Crack, Pore"):
        load_masks(tmp_path / "i", tmp_path / "m", mask_class="Rust")


def test_exif_orientation_is_applied_once(tmp_path: Path) -> None:
    stored = np.zeros((10, 20, 3), np.uint8)
    stored[:, :10] = 255  # left half white as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: the left half comes up on top
    Image.fromarray(stored).save(tmp_path / "p.png", exif=exif)
    image = read_image(tmp_path / "p.png")
    assert image.shape == (20, 10, 3)
    assert image[:10].min() == 255
    assert image[10:].max() == 0


def test_pairs_by_class_and_stem_across_types(tmp_path: Path) -> None:
    for name in ("Crack", "Background"):
        (tmp_path / "Images" / name).mkdir(parents=True)
        Image.new("RGB", (8, 6), "grey").save(tmp_path / "Images" / name / "a.jpg")
        save_png(SQUARE, tmp_path / "Segmented" / name / "a.png")
    masks = load_masks(tmp_path / "Images", tmp_path / "Segmented", size=16)
    assert list(masks.groups.items()) == [("Crack", [0]), ("Background", [1])]
    assert masks.examples[0].image.shape == (16, 16, 3)
    assert len(load_masks(tmp_path / "Images", tmp_path / "Segmented", classes=["Crack"])) == 1


def test_one_error_lists_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, masks = tmp_path / "Images" / "Crack", tmp_path / "Segmented" / "Crack"
    grey = np.full((6, 8, 3), 90, np.uint8)
    for stem in ("fine", "lonely", "small", "text", "cut", "huge", "twin"):
        save_png(grey, images / f"{stem}.png")
        if stem != "lonely":
            save_png(SQUARE, masks / f"{stem}.png")
    save_png(SQUARE, masks / "orphan.png")
    Image.fromarray(grey).save(images / "twin.jpg")
    save_png(SQUARE[:3], masks / "small.png")
    (images / "text.png").write_text("no image")
    (images / "cut.png").write_bytes((images / "fine.png").read_bytes()[:45])
    Image.new("1", (12_000, 12_000)).save(images / "huge.png")
    Image.new("1", (20_000, 10_000)).save(masks / "huge.png")
    assert MAX_PIXELS < 12_000 * 12_000
    with pytest.raises(FtlError) as caught:
        load_masks(tmp_path / "Images", tmp_path / "Segmented")
    told = str(caught.value)
    assert "(8 problems)" in told, told
    for expected in (
        "lonely.png has no mask",
        "orphan.png has no image",
        "share the name 'twin'",
        "small.png is 8 x 3 but",
        "text.png cannot be read",
        "cut.png cannot be read",
        "Images/Crack/huge.png has 12000 x 12000 pixels",
        "Segmented/Crack/huge.png has ",  # too many pixels: Pillow says it, unless a package has lifted its limit
    ):
        assert expected in told


def test_missing_and_mixed_folders(tmp_path: Path) -> None:
    with pytest.raises(FtlError, match="there is no folder"):
        load_masks(tmp_path / "nowhere", tmp_path)
    save_png(SQUARE, tmp_path / "mixed" / "a.png")
    save_png(SQUARE, tmp_path / "mixed" / "Crack" / "b.png")
    with pytest.raises(FtlError, match="both beside and inside"):
        load_masks(tmp_path / "mixed", tmp_path / "mixed")


@given(
    grey=hnp.arrays(np.uint8, (5, 7), elements=st.sampled_from([0, 200, 255])),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_masks_resize_as_opencv_does(
    tmp_path_factory: pytest.TempPathFactory, grey: np.ndarray, size: tuple[int, int]
) -> None:
    folder = tmp_path_factory.mktemp("m")
    save_png(np.full((5, 7, 3), 90, np.uint8), folder / "i" / "a.png")
    save_png(grey, folder / "m" / "a.png")
    if not grey.any():
        return
    mask = load_masks(folder / "i", folder / "m").examples[0].mask(*size)
    np.testing.assert_array_equal(mask, cv2.resize(grey, size[::-1]))
