"""Segmenters taken home: files of every form draw the same masks, and masks are written without harm."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ftl.data.images import read_image
from ftl.errors import FtlError
from ftl.exporting import segmenter_export
from ftl.exporting.export import export
from ftl.exporting.predict_masks import drawing, masks_csv, predict_masks
from ftl.models.segmenter_files import draws_masks, load_segmenter
from ftl.models.tiling import segment
from tests.conftest import save_png
from tests.drawn_photographs import draw_photograph, make_segmenter, write_segmenter

ENDINGS = (".safetensors", ".onnx", ".zip")
SIZES = [(37, 61), (64, 64), (3, 2), (1, 130), (95, 33)]


@pytest.fixture(scope="module", params=[("crack",), ("crack", "pore")], ids=["one class", "two classes"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    photographs = [save_png(photograph(shape), out / f"{number}.png") for number, shape in enumerate(SIZES[:2])]
    return write_segmenter(out, make_segmenter(request.param), photographs)


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Path]:
    """A file of each form."""
    return {ending: export(folder, folder.parent / f"taken{ending}") for ending in ENDINGS}


def photograph(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(shape).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_every_file_draws_the_same_at_any_size(folder: Path, files: dict[str, Path], shape: tuple[int, int]) -> None:
    image, model = photograph(shape), load_segmenter(folder)
    near = np.abs(1 - segment(model, image)[0] - model.threshold) < 1e-4  # rounding may move these
    expected = drawing(folder)(image)
    values = {0, 255} if len(model.classes) == 1 else {0, 1, 2}
    assert expected.shape == shape
    assert {*np.unique(expected).tolist()} <= values
    for ending, file in files.items():
        mask = drawing(file)(image)
        assert mask.dtype == np.uint8
        assert mask.shape == shape
        assert np.array_equal(mask[~near], expected[~near]), ending
        assert near.mean() < 0.1


def test_something_is_drawn_and_something_is_not(folder: Path) -> None:
    assert 0.02 < (drawing(folder)(photograph((64, 64))) > 0).mean() < 0.98


def test_a_file_says_what_it_is_and_where_it_comes_from(files: dict[str, Path], folder: Path) -> None:
    import onnx

    assert draws_masks(files[".safetensors"])
    about = json.loads({prop.key: prop.value for prop in onnx.load(files[".onnx"]).metadata_props}["ftl"])
    model = load_segmenter(folder)
    assert about["classes"] == [*model.classes]
    assert about["threshold"] == model.threshold
    assert about["made_with"]["seed"] == 0
    assert str(Path.cwd()) not in files[".onnx"].read_bytes().decode("latin-1")  # nor of whose machine it was


def test_the_same_network_gives_the_same_bytes(files: dict[str, Path], folder: Path, tmp_path: Path) -> None:
    again = export(folder, tmp_path / "again.zip")
    assert again.read_bytes() == files[".zip"].read_bytes()


def test_the_example_runs_where_nothing_of_this_program_is(files: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(files[".zip"]) as archive:
        assert {"README.txt", "classes.json", "example.png"} <= {*archive.namelist()}
        assert "{" not in archive.read("README.txt").decode()
        archive.extractall(tmp_path)
    photo = save_png(photograph((37, 61)), tmp_path / "other" / "odd.png")
    command = [sys.executable, "-I", str(tmp_path / "example.py")]
    for more, target in (([], tmp_path / "example-mask.png"), ([str(photo)], photo.with_name("odd-mask.png"))):
        done = subprocess.run(command + more, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert str(target) in done.stdout
        source = tmp_path / "example.png" if not more else photo
        assert np.array_equal(np.asarray(Image.open(target)), drawing(files[".onnx"])(read_image(source)))


@pytest.mark.parametrize("ending", [".pt2", ".pt", ".txt", ""])
def test_other_endings_are_refused(folder: Path, tmp_path: Path, ending: str) -> None:
    with pytest.raises(FtlError, match=r"exported as one of \.safetensors, \.onnx, \.zip"):
        export(folder, tmp_path / f"taken{ending}")
    with pytest.raises(FtlError, match=r"exported as one of \.onnx, \.zip"):
        export(folder, tmp_path / "taken.safetensors", int8=True)
    assert not [*tmp_path.iterdir()]


def test_eight_bits_draw_nearly_the_same_or_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmenter_export, "ALIKE", 0.8)  # of noise, much lies beside the threshold
    export(folder, tmp_path / "taken.onnx", int8=True)
    export(folder, tmp_path / "taken.zip", int8=True)
    with zipfile.ZipFile(tmp_path / "taken.zip") as archive:
        assert {"model.onnx", "model-int8.onnx"} <= {*archive.namelist()}
    image = photograph((37, 61))
    eight, whole = drawing(tmp_path / "taken.onnx")(image), drawing(folder)(image)
    assert 0.8 < (eight == whole).mean() < 1
    monkeypatch.setattr(segmenter_export, "ALIKE", 1.01)
    with pytest.raises(FtlError, match="draws other masks"):
        export(folder, tmp_path / "refused.onnx", int8=True)
    assert not (tmp_path / "refused.onnx").exists()
    export(folder, tmp_path / "without.zip", int8=True)
    with zipfile.ZipFile(tmp_path / "without.zip") as archive:
        assert "model-int8.onnx" not in archive.namelist()
        assert "left out, for 1.01 is needed" in archive.read("README.txt").decode()


def test_an_export_that_answers_otherwise_is_not_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ftl.exporting.segmenter_onnx.CLOSE", 0.0)
    monkeypatch.setattr("ftl.exporting.segmenter_onnx.segment", lambda model, image: segment(model, image) * 0.9)
    with pytest.raises(FtlError, match="answers otherwise than the network"):
        export(folder, tmp_path / "taken.onnx")
    assert not [*tmp_path.iterdir()]


def test_integers_that_have_nothing_to_be_calibrated_on_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FtlError, match="are gone"):
        export(write_segmenter(tmp_path, make_segmenter()), tmp_path / "taken.onnx", int8=True)
    assert not (tmp_path / "taken.onnx").exists()


def test_other_models_draw_no_masks(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["probabilities"])], "other",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(FtlError, match="draws no masks"):
        drawing(tmp_path / "other.onnx")
    (tmp_path / "damaged.onnx").write_bytes(b"nothing")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("README.txt", "")
    for name in ("damaged.onnx", "empty.zip", "none.onnx", "none.zip"):
        with pytest.raises(FtlError, match="cannot be read as an ONNX model"):
            drawing(tmp_path / name)


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    return [save_png(draw_photograph(rng)[0], tmp_path / "photographs" / f"{name}.png") for name in "abc"]


def test_masks_are_as_large_as_their_photographs_and_their_share_is_told(
    folder: Path, photographs: list[Path], tmp_path: Path
) -> None:
    told = list[tuple[int, int]]()
    masks, problems = predict_masks(
        folder, photographs, tmp_path / "masks", lambda done, total, what: told.append((done, total))
    )
    assert problems == []
    assert told[-1] == (3, 3)
    for path, mask in zip(photographs, masks, strict=True):
        drawn = np.asarray(Image.open(mask.mask))
        assert mask.mask == tmp_path / "masks" / f"{path.stem}.png"
        assert np.array_equal(drawn, drawing(folder)(read_image(path)))
        assert mask.share == pytest.approx((drawn > 0).mean())
    lines = masks_csv(masks).splitlines()
    assert lines[0] == "file,mask,share"
    assert lines[1] == f"{photographs[0]},{masks[0].mask},{masks[0].share:.6f}"


def test_no_photograph_is_overwritten_and_none_takes_anothers_mask(
    folder: Path, photographs: list[Path], tmp_path: Path
) -> None:
    before = [path.read_bytes() for path in photographs]
    with pytest.raises(FtlError, match=r"a\.png is a photograph, not a mask"):
        predict_masks(folder, photographs, tmp_path / "photographs")
    with pytest.raises(FtlError, match="is a photograph"):
        predict_masks(folder, photographs, tmp_path / "elsewhere" / ".." / "photographs")
    other = save_png(photograph((20, 20)), tmp_path / "others" / "a.png")
    with pytest.raises(FtlError, match="both named a"):
        predict_masks(folder, [*photographs, other], tmp_path / "masks")
    assert [path.read_bytes() for path in photographs] == before
    assert not (tmp_path / "masks").exists()


def test_an_unreadable_file_is_named_and_the_others_are_drawn(
    folder: Path, photographs: list[Path], tmp_path: Path
) -> None:
    photographs[1].write_bytes(b"nothing")
    masks, problems = predict_masks(folder, photographs, tmp_path / "masks")
    assert [mask.file.stem for mask in masks] == ["a", "c"]
    (problem,) = problems
    assert "b.png cannot be read as an image" in problem
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["a.png", "c.png"]
