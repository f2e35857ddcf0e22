"""The Try page's tiles, findings, drawings and table."""

from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ftl.data.tiles import Tile
from ftl.evaluation.explain import telling_heat
from ftl.models.classifier import Model
from ftl.models.head import Head
from studio.errors import StudioError
from studio.inspection.draw import heat_map, picture
from studio.inspection.examine import MOST, Finding, examine
from studio.inspection.results import Row, as_csv, summary
from studio.inspection.training import SIDE, trained_on, usual_side
from studio.inspection.uploads import read_upload
from tests.conftest import SIZE, make_backbone, save_png


def test_a_huge_photograph_gets_larger_tiles_not_more_unless_the_network_knows_tiles_of_one_size(model: Model) -> None:
    photo = np.zeros((1000, 1500, 3), np.uint8)
    assert MOST // 2 < len(examine(model, photo, "Crack", side=SIZE).tiles) <= MOST
    assert len(examine(replace(model, tile=SIZE), photo, "Crack", side=SIZE).tiles) == 32 * 47


def test_the_usual_side_is_the_median_of_the_shorter_sides() -> None:
    assert usual_side([(227, 300), (100, 90), (500, 400)]) == 227
    assert usual_side([]) == SIDE


def test_a_jobs_training_photographs_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (3, 14):
        save_png(np.zeros((40, 60, 3), np.uint8), tmp_path / "dataset" / "Crack" / f"{number}_a.png")
    save_png(np.zeros((40, 60, 3), np.uint8), tmp_path / "dataset" / "Crack" / "foreign.png")
    monkeypatch.setattr("PIL.Image.open", None)  # a child opens what was uploaded
    assert trained_on(tmp_path) == (frozenset({3, 14}), 40)
    assert trained_on(tmp_path / "nowhere") == (frozenset(), SIDE)


@pytest.fixture
def model() -> Model:
    """A tiny network with a head at random."""
    network = make_backbone()
    width = int(network(network.preprocess([np.zeros((SIZE, SIZE, 3), np.uint8)])).numel())
    weight = np.random.default_rng(0).normal(0, 0.0005, (1, width)).astype(np.float32)
    return Model(network, Head(weight, np.zeros(1, np.float32), ("Background", "Crack"), 1.0))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (height, width, 3), np.uint8)


def test_a_small_photograph_is_seen_as_ftl_predict_sees_it(model: Model) -> None:
    photo = noise(50, 60)
    found = examine(model, photo, "Crack", side=SIZE)
    expected = model.probabilities([photo])[0]
    assert found.looked_for == pytest.approx(expected[1])
    assert (found.label, found.probability) == (model.classes[expected.argmax()], pytest.approx(expected.max()))
    assert (found.tiles, found.found, found.tiles_ms) == ((), [], 0.0)
    assert found.ms > 0


def test_a_large_photograph_is_also_seen_in_tiles(model: Model) -> None:
    photo = noise(70, 96)
    found = examine(model, photo, "Crack", side=SIZE)
    assert len(found.tiles) == 9
    parts = [photo[one.top : one.bottom, one.left : one.right] for one in found.tiles]
    expected = model.probabilities(parts)[:, 1]
    np.testing.assert_allclose(found.chances, expected, atol=1e-6)
    assert found.found == [pair for pair in zip(found.tiles, found.chances, strict=True) if pair[1] > 0.5]
    assert len(found.tile_heats) == 9


def test_a_network_that_was_trained_on_tiles_answers_by_tiles_of_their_size(model: Model) -> None:
    photo = noise(70, 96)
    found = examine(replace(model, tile=SIZE), photo, "Crack", side=50)
    assert len(found.tiles) == 9
    assert found.by_tiles
    assert found.label == ("Crack" if found.found else "Background")
    assert found.probability == pytest.approx(max(found.chances) if found.found else 1 - np.mean(found.chances))
    assert not examine(replace(model, tile=SIZE), photo[:40, :40], "Crack", side=50).by_tiles


def test_heat_is_what_understand_shows_where_the_class_is_not_improbable(model: Model) -> None:
    photo = noise(70, 96)
    sure = replace(model, head=replace(model.head, bias=np.full(1, 9, np.float32)))
    _, shown = telling_heat(sure, photo[:SIZE, :SIZE], "Crack")
    expected = cv2.resize(shown, (32, 32), interpolation=cv2.INTER_AREA)
    assert expected.max() > 0.5
    found = examine(sure, photo, "Crack", side=SIZE)
    np.testing.assert_array_equal(found.tile_heats[0], expected)
    assert found.heat.max() == 0  # that of the tiles is drawn
    np.testing.assert_array_equal(examine(sure, photo[:SIZE, :SIZE], "Crack", side=SIZE).heat, expected)
    for cold in (examine(sure, photo, "Background", side=SIZE), examine(sure, photo, "Crack", side=SIZE, heat=False)):
        assert all(one.max() == 0 for one in (cold.heat, *cold.tile_heats))


SURE = Finding(
    "Crack", 0.9, 0.9, 1.5, np.full((2, 2), 0.5),
    (Tile(0, 0, 50, 50), Tile(50, 0, 100, 50)), (0.99, 0.2), (np.full((2, 2), 0.5), np.full((2, 2), 0.5)), 12.3,
)  # fmt: skip


def test_two_people_may_look_at_one_network_at_once(model: Model) -> None:
    sure = replace(model, head=replace(model.head, bias=np.full(1, 9, np.float32)))
    photo = noise(SIZE, SIZE)
    expected = examine(sure, photo, "Crack", side=SIZE).heat

    def look(_: int) -> np.ndarray:
        return examine(sure, photo, "Crack", side=SIZE).heat

    with ThreadPoolExecutor(2) as pool:
        for heat in pool.map(look, range(60)):
            np.testing.assert_array_equal(heat, expected)


def test_heat_is_fainter_where_the_class_is_less_probable() -> None:
    heat = heat_map(SURE, 100, 50)
    np.testing.assert_allclose([heat[:, :50].mean(), heat[:, 50:].mean()], [0.99 * 0.5, 0.2 * 0.5], atol=1e-5)
    whole = heat_map(SURE._replace(tiles=()), 100, 50)
    np.testing.assert_allclose(whole, 0.9 * 0.5, atol=1e-5)
    nothing = heat_map(SURE._replace(tiles=(), heat=np.zeros((1, 1))), 100, 50)
    assert nothing.max() == 0


def test_only_tiles_that_show_the_class_are_outlined() -> None:
    photo = np.full((50, 100, 3), 128, np.uint8)
    drawn = picture(photo, SURE, heat=False)
    changed = (drawn != 128).any(2)
    assert changed[25, :4].any()
    assert not changed[:, 52:].any()
    assert not changed[20:43, 8:43].any()
    assert (picture(photo, SURE, heat=True)[:, 52:] != 128).any()


def test_large_photographs_are_drawn_smaller() -> None:
    wide = picture(np.zeros((500, 2000, 3), np.uint8), SURE._replace(tiles=(Tile(0, 0, 1000, 500),), chances=(0.9,),
                   tile_heats=(np.ones((2, 2)),)), heat=True)  # fmt: skip
    assert wide.shape == (250, 1000, 3)


def test_results_as_csv() -> None:
    whole = Finding("Background", 0.75, 0.25, 2.0, np.zeros((2, 2)))
    rows = [Row('a, "b" 🙂.jpg', "keep-0.1", whole), Row("=1+1.png", "base", SURE)]
    assert as_csv(rows, "Crack") == (
        "file,network,class,probability,ms,tiles,tiles with Crack,highest,tiles ms\n"
        '"a, ""b"" 🙂.jpg",keep-0.1,Background,0.750000,2.00,,,,\n'
        "'=1+1.png,base,Crack,0.900000,1.50,2,1,0.990000,12.3\n"
    )


def test_each_photograph_has_a_line_with_what_each_network_says() -> None:
    other = SURE._replace(label="Background", probability=0.755)
    rows = [Row("a.jpg", "keep-0.1", SURE), Row("a.jpg", "base", other), Row("a.jpg", "keep-0.1", other)]
    assert summary(rows) == [
        {"Photograph": "a.jpg", "keep-0.1": "Crack, 90.0 %", "base": "Background, 75.5 %"},
        {"Photograph": "a.jpg", "keep-0.1": "Background, 75.5 %"},
    ]


def bomb() -> bytes:
    """A PNG that says it has 30,000 x 30,000 pixels, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_bad_uploads_are_told_in_a_sentence_and_nothing_is_kept(home: Path, tmp_path: Path) -> None:
    good = save_png(noise(20, 30), tmp_path / "good.png").read_bytes()
    before = sorted(home.rglob("*"))
    assert read_upload("../../good 🙂.png", good).shape == (20, 30, 3)
    for data, why in ((b"I am text", "cannot be read as an image"), (good[:60], "cannot be read"), (bomb(), "pixels")):
        with pytest.raises(StudioError, match=why) as error:
            read_upload("../o'dd.jpg", data)
        assert str(error.value).startswith("the file ../o'dd.jpg ")
        assert str(home) not in str(error.value)
    assert sorted(home.rglob("*")) == before
