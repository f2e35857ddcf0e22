"""Networks that draw masks by the command line: made, measured, exported, drawing; and in sweeps."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ftl.cli import main
from ftl.config import SweepConfig
from ftl.data.masks import load_masks
from ftl.data.segmentation import load_segmentation
from ftl.errors import FtlError
from ftl.evaluation.candidate import in_runtime, runtimes_of
from ftl.evaluation.segmented_candidate import recommend_masks, worse
from ftl.files import read_json
from ftl.models.io import save_backbone
from ftl.models.segmenter_files import draws_masks, load_segmenter
from ftl.progress import TESTED, TRAINING, CandidateProgress
from ftl.sweeping.manifest import scored_in
from ftl.sweeping.mask_results import collect_masks, read_mask_results
from ftl.sweeping.segmented import part
from ftl.sweeping.sweep import Sweep, sweep
from ftl.training.segment import ROUNDS
from tests.conftest import SIZE, draw_pair, make_features, make_workspace, save_png
from tests.drawn_photographs import QUICK, draw_photograph, make_photographs

TRAINED = [
    "--steps", str(QUICK.steps), "--crop", str(QUICK.crop), "--crops", str(QUICK.crops),
    "--decoder-width", str(QUICK.decoder_width),
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs with masks, others to test on, and a backbone."""
    folder = tmp_path_factory.mktemp("place")
    images, masks = make_photographs(folder, 6)
    make_photographs(folder / "test", 3, seed=5)
    for kind, source in (("Images", images), ("Segmented", masks)):  # one of them was trained on
        shutil.copyfile(source / "2.png", folder / "test" / kind / "seen.png")
    save_backbone(make_features(), folder / "tiny.safetensors", name="tiny", size=SIZE)
    return folder


def command(place: Path, out: str, *more: str) -> list[str]:
    return [
        "segment", str(place / out), str(place / "tiny.safetensors"), "--images", str(place / "Images"),
        "--masks", str(place / "Segmented"), "--threads", "1", *TRAINED, *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    """The folder of two networks that draw masks."""
    tested = ["--test-images", str(place / "test" / "Images"), "--test-masks", str(place / "test" / "Segmented")]
    assert main(command(place, "models", "--keep", "0.25", "0.5", *tested)) == 0
    return place / "models"


def test_they_are_made_and_measured_on_photographs_that_were_not_trained_on(
    made: Path, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("keep-0.25-segmented", "keep-0.5-segmented"):
        assert draws_masks(made / name)
        tested, validation = read_json(made / name / "test.json"), read_json(made / name / "validation.json")
        assert [Path(one["file"]).name for one in tested["per_photograph"]] == ["0.png", "1.png", "2.png"]
        assert tested["photographs"] == 3  # the fourth was trained on
        assert validation["photographs"] == len(validation["held_out"]) == 2
        assert validation["threshold"] == load_segmenter(made / name).threshold
        assert read_json(made / name / "time.json")["median_ms"] > 0
        assert read_json(made / name / "network.json")["keep"] == float(name.split("-")[1])
    assert not (made / "base-segmented").exists()
    assert not [*made.glob("*/segmenting.safetensors")]
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*.*") if path.name != "time.json"}
    assert main(command(place, "models", "--keep", "0.5")) == 0  # again: nothing is done twice
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*.*") if path.name != "time.json"} == before
    said = capfd.readouterr().out
    for words in ("keep-0.5-segmented: F1", "IoU", "clDice", "of 2 validation photographs", "parameters", "threshold"):
        assert words in said
    assert "keep-0.25" not in said


@pytest.mark.parametrize("ending", ["safetensors", "zip"])
def test_a_network_is_taken_home_and_draws(
    made: Path, place: Path, tmp_path: Path, ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"crack.{ending}"
    assert main(["export", str(made / "keep-0.5-segmented"), str(file)]) == 0
    odd = save_png(draw_photograph(np.random.default_rng(0), (37, 61))[0], tmp_path / "photos" / "odd.png")
    shutil.copyfile(place / "Images" / "0.png", tmp_path / "photos" / "even.png")
    capfd.readouterr()
    assert main(["predict", str(file), str(tmp_path / "photos"), "--masks-out", str(tmp_path / "masks")]) == 0
    rows = [*csv.DictReader(capfd.readouterr().out.splitlines())]
    assert [Path(row["mask"]).name for row in rows] == ["even.png", "odd.png"]
    for row in rows:
        mask = np.asarray(Image.open(row["mask"]))
        assert {*np.unique(mask).tolist()} <= {0, 255}
        assert float(row["share"]) == pytest.approx((mask > 0).mean(), abs=1e-6)
    assert Image.open(tmp_path / "masks" / "odd.png").size == Image.open(odd).size == (61, 37)
    (tmp_path / "photos" / "broken.png").write_bytes(b"nothing")
    arguments = ["predict", str(file), str(tmp_path / "photos"), "--masks-out", str(tmp_path / "more")]
    assert main([*arguments, "--csv", str(tmp_path / "drawn.csv")]) == 1
    told = capfd.readouterr()
    assert "broken.png cannot be read as an image" in told.err
    assert len((tmp_path / "drawn.csv").read_text().splitlines()) == 3
    assert sorted(path.name for path in (tmp_path / "more").iterdir()) == ["even.png", "odd.png"]


def test_index_masks_give_class_numbers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_photographs(tmp_path, 5, classes=True)
    save_backbone(make_features(), tmp_path / "tiny.safetensors", name="tiny", size=SIZE)
    timed = ["--runtimes", "onnx", "int8", "--tune-unpruned"]
    assert main(command(tmp_path, "models", "--keep", "0.5", "--steps", "2", *timed)) == 0
    folder = tmp_path / "models" / "keep-0.5-segmented"
    assert load_segmenter(folder).classes == ("line", "blob")
    said, validation = capfd.readouterr().out, read_json(folder / "validation.json")
    for title, kind in (("ONNX Runtime", "onnx"), ("ONNX Runtime, 8-bit integers", "int8")):
        figures, time = read_json(folder / f"{kind}.json")["validation"], read_json(folder / f"time-{kind}.json")
        assert figures["f1"] == pytest.approx(validation["f1"], abs=0.01 if kind == "onnx" else 0.2)
        assert [one["file"] for one in figures["per_photograph"]] == [
            one["file"] for one in validation["per_photograph"]
        ]
        assert (time["threads"], time["runtime"][:12]) == (1, "ONNX Runtime")
        assert said.count(f"  {title}: F1 ") == 2
    assert said.index("base-segmented: F1") < said.index("keep-0.5-segmented: F1")
    masks = str(tmp_path / "masks")
    assert main(["predict", str(folder), str(tmp_path / "Images" / "0.png"), "--masks-out", masks]) == 0
    assert {*np.unique(np.asarray(Image.open(tmp_path / "masks" / "0.png"))).tolist()} <= {0, 1, 2}
    make_photographs(tmp_path / "plain", 5, seed=9)
    tested = ["--test-images", str(tmp_path / "plain/Images"), "--test-masks", str(tmp_path / "plain/Segmented")]
    capfd.readouterr()
    assert main(command(tmp_path, "models", "--keep", "0.5", *tested)) == 1
    assert "the masks hold defect, the network draws line, blob" in capfd.readouterr().err


def test_crops_of_a_photo_stay_together_and_leave_tests(
    tmp_path: Path, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    images, masks = make_photographs(tmp_path, 8)
    for folder in (images, masks):
        for number in range(8):
            (folder / f"{number}.png").rename(folder / f"wall{number // 2}_{number % 2}.png")
    shutil.copy(place / "tiny.safetensors", tmp_path)
    make_photographs(tmp_path / "test", 2, seed=6)
    for side in ("Images", "Segmented"):
        for number, stem in enumerate(("wall3_9", "floor_0")):
            (tmp_path / "test" / side / f"{number}.png").rename(tmp_path / "test" / side / f"{stem}.png")
    photo = ["--photo", "{photo}_#", "--keep", "0.5", "--steps", "2"]
    tested = ["--test-images", str(tmp_path / "test/Images"), "--test-masks", str(tmp_path / "test/Segmented")]
    assert main(command(tmp_path, "models", *photo, *tested)) == 0
    folder = tmp_path / "models" / "keep-0.5-segmented"
    held_out = read_json(folder / "validation.json")["held_out"]
    assert len(held_out) == 2
    assert len({name.split("_")[0] for name in held_out}) == 1
    assert [Path(one["file"]).name for one in read_json(folder / "test.json")["per_photograph"]] == ["floor_0.png"]


def test_wrong_use_is_told_in_a_sentence(
    made: Path, place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photo = str(place / "Images" / "0.png")
    masks = ["--masks-out", str(tmp_path / "masks")]

    def said(arguments: list[str]) -> str:
        capfd.readouterr()
        assert main(arguments) == 1
        return capfd.readouterr().err

    assert "say where with --masks-out" in said(["predict", str(made / "keep-0.5-segmented"), photo])
    assert "leave --masks-out out" in said(["predict", str(made / "keep-0.5"), photo, *masks])
    assert "go together" in said(command(place, "a", "--test-images", photo))
    assert "choose another criterion" in said(command(place, "a", "--criterion", "taylor"))
    assert "exported as one of" in said(["export", str(made / "keep-0.5-segmented"), str(tmp_path / "a.pt2")])
    taken = str(tmp_path / "a.safetensors")
    assert "exported as one of" in said(["export", str(made / "keep-0.5-segmented"), taken, "--int8"])
    few = load_segmentation(place / "Images", place / "Segmented").images[:2]
    for number, path in enumerate(few):
        for folder in ("Images", "Segmented"):
            (tmp_path / folder).mkdir(exist_ok=True)
            shutil.copy(place / folder / path.name, tmp_path / folder / f"{number}.png")
    shutil.copy(place / "tiny.safetensors", tmp_path)
    assert "draw more" in said(command(tmp_path, "models"))
    (tmp_path / "Segmented" / "1.png").unlink()
    assert "1.png has no mask" in said(command(tmp_path, "models"))
    assert "the folder of a sweep" not in said(["export", str(tmp_path), str(tmp_path / "a.onnx")])
    assert not (tmp_path / "models").exists()


def test_without_keep_the_fractions_are_those_of_a_sweep(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not a hundred, each of which is trained."""
    asked = list[SweepConfig]()

    def begin(backbone: object, masks: object, out: object, config: SweepConfig) -> None:
        asked.append(config)
        raise FtlError("enough")

    monkeypatch.setattr("ftl.sweeping.pruned.begin_sweep", begin)
    assert main(command(place, str(tmp_path / "models"))) == 1
    assert asked[0].keep == SweepConfig().keep


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("swept") / "workspace")


def swept(workspace: Path, out: str, **more: Any) -> Sweep:
    """A sweep whose networks draw masks."""
    from ftl.models.io import load_backbone

    images, masks = workspace / "Images", workspace / "Segmented"
    kept = {"keep": [0.5], "heads": ["segmented"], "segment": QUICK, "threads": 1}
    config = SweepConfig(**(kept | {key: more.pop(key) for key in {*more} & {*SweepConfig.model_fields}}))
    return sweep(
        load_backbone(workspace / "tiny.safetensors"), load_masks(images, masks, size=SIZE), config,
        segmentation=load_segmentation(images, masks), out=workspace / out, **more,
    )  # fmt: skip


def test_a_sweep_makes_them_beside_classifiers_once(workspace: Path) -> None:
    heard = list[CandidateProgress]()
    sets = {"dataset": workspace / "dataset", "evaluation": workspace / "evaluation"}
    done = swept(workspace, "both", follow=heard.append, **sets)
    assert [one.name for one in done.candidates] == ["base", "keep-0.5"]
    assert [one.name for one in done.segmenters] == ["keep-0.5-segmented"]
    own = [told for told in heard if told.name == "keep-0.5-segmented"]
    assert [told.epoch[0] for told in own if told.what == TRAINING and told.epoch] == [*range(1, ROUNDS + 1)]
    assert own[-1].what == TESTED
    before = {path: path.stat().st_mtime_ns for path in (workspace / "both").glob("*/*")}
    again = swept(workspace, "both", **sets)
    assert (again.candidates, again.segmenters) == (done.candidates, done.segmenters)
    assert {path: path.stat().st_mtime_ns for path in (workspace / "both").glob("*/*")} == before


def test_what_an_earlier_run_left_half_measured_is_left_out(only: Sweep, tmp_path: Path, workspace: Path) -> None:
    """A killed run with keep 0.25 and 0.5; then one with 0.5 alone."""
    out = tmp_path / "models"
    shutil.copytree(only.out, out)
    left = out / "keep-0.25-segmented"
    (left / "test.json").unlink()
    (left / "time.json").unlink()
    again = swept(workspace, str(out), only_masks=True, fine_tune_unpruned=True)
    assert [one.name for one in again.segmenters] == ["base-segmented", "keep-0.5-segmented"]
    assert not (left / "time.json").exists()
    with pytest.raises(FtlError, match=r"keep-0\.25-segmented.time\.json"):
        collect_masks([left])
    back = swept(workspace, str(out), only_masks=True, fine_tune_unpruned=True, keep=[0.25, 0.5])
    assert [one.name for one in back.segmenters] == [one.name for one in only.segmenters]


@pytest.fixture(scope="module")
def only(workspace: Path) -> Sweep:
    """A sweep without photographs by class."""
    return swept(workspace, "only", only_masks=True, keep=[0.25, 0.5], fine_tune_unpruned=True)


def test_networks_that_draw_masks_need_no_classes(only: Sweep) -> None:
    names = ["base-segmented", "keep-0.25-segmented", "keep-0.5-segmented"]
    assert only.candidates == ()
    assert [one.name for one in only.segmenters] == names
    assert [one.name for one in only.segmenters if one.is_unpruned] == ["base-segmented"]
    assert not (only.out / "results.json").exists()
    assert not (only.out / "keep-0.5" / "head.safetensors").exists()
    assert (only.out / "keep-0.5-segmented" / "curve.json").is_file()


def test_results_are_read_back_as_they_were(only: Sweep) -> None:
    assert tuple(read_mask_results(only.out)) == only.segmenters
    with open(only.out / "masks.csv") as file:
        rows = [*csv.DictReader(file)]
    assert [row["Model"] for row in rows] == [one.name for one in only.segmenters]
    for row, candidate in zip(rows, only.segmenters, strict=True):
        assert float(row["f1"]) == candidate.test.f1.value
        assert float(row["Validation_f1_low"]) == candidate.validation.f1.low
        assert int(row["Parameters"]) == candidate.parameters
        assert float(row["Time[s/megapixel]"]) == pytest.approx(candidate.time_ms / 1000)
        assert len(candidate.test.pixels) == candidate.test.photographs
    assert read_mask_results(only.out / "keep-0.5") == []
    assert recommend_masks(only.segmenters) in only.segmenters
    assert worse(only.segmenters[0], only.segmenters[0]) == 1.0
    with pytest.raises(FtlError, match="sweep with --also segmented"):
        recommend_masks([])


def test_photographs_that_report_rank_no_filters_and_train_nothing(only: Sweep, workspace: Path) -> None:
    data = load_segmentation(workspace / "Images", workspace / "Segmented")
    parts = part(data, None, 0)
    reported = {path.name for path in parts.tested_on.images}
    folder = only.out / "keep-0.5-segmented"
    tested, validation = read_json(folder / "test.json"), read_json(folder / "validation.json")
    files = {str(data.images[index]) for index in parts.test}
    assert {one["file"] for one in tested["per_photograph"]} == files
    assert reported
    assert {one["file"] for one in validation["per_photograph"]} == {str(data.images[i]) for i in parts.held_out}
    manifest = json.loads((only.out / "sweep.json").read_text())
    assert json.dumps(manifest).count('"images": 8') == 0
    ranked = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    assert len(ranked) == 8
    assert len({*map(str, (example.image_path for example in ranked.examples))} - files) == 8 - len(files)
    assert scored_in(only.out)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"heads": ["segmented"]}, "classifiers need photographs by class"),
        ({"only_masks": True, "criterion": "taylor"}, "choose another criterion"),
        ({"only_masks": True, "heads": ["tuned", "segmented"]}, "let heads be segmented alone"),
        ({"only_masks": True, "budgets": ["1%"]}, "leave only_masks out"),
    ],
)
def test_what_cannot_be_swept_is_told(workspace: Path, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FtlError, match=sentence):
        swept(workspace, "refused", **more)
    assert not (workspace / "refused" / "base").exists()


def test_run_prints_what_draws_and_which_is_recommended(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = workspace / "run"
    arguments = [
        "run", str(workspace), str(workspace / "tiny.safetensors"), "--keep", "0.5", "--also", "segmented",
        "--only-masks", "--threads", "1", "--out", str(out), *TRAINED,
    ]  # fmt: skip
    runtimes = ["onnx", "int8", "openvino", "openvino-int8"]
    assert main([*arguments, "--runtimes", *runtimes]) == 0
    said = capfd.readouterr().out
    assert "keep-0.5-segmented" in said
    assert "recommended to draw masks: keep-0.5-segmented" in said
    assert [line.split()[0] for line in said.splitlines()][2:6] == runtimes
    (found,) = read_mask_results(out)
    (row,) = csv.DictReader((out / "masks.csv").read_text().splitlines())
    assert runtimes_of([found]) == ["pytorch", *runtimes]
    for runtime, name in zip(runtimes, ("ONNX", "Int8", "OpenVINO", "OpenVINO_int8"), strict=True):
        (there,) = in_runtime([found], runtime)
        worth = read_json(out / found.name / f"{runtime}.json")
        assert there.time_ms == read_json(out / found.name / f"time-{runtime}.json")["median_ms"]
        assert there.test.f1.value == worth["test"]["f1"] == float(row[f"{name}_f1"])
        assert there.validation.f1.low == worth["validation"]["f1_low"]
        assert len(there.test.pixels) == found.test.photographs
        assert float(row[f"{name}_time[s/megapixel]"]) == pytest.approx(there.time_ms / 1000)
        assert float(row[f"{name}_size[MB]"]) == there.size_mb
        assert there.test.f1.value == pytest.approx(found.test.f1.value, abs=0.2 if "int8" in runtime else 0.01)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*-segmented/*")}
    assert main([*arguments, "--runtimes", *runtimes]) == 0  # again: nothing is done twice
    assert {path: path.stat().st_mtime_ns for path in out.glob("*-segmented/*")} == before
    assert main([*arguments[:-8], "--also", "nothing"]) == 1


def test_masks_of_other_photographs_rank_on(workspace: Path, tmp_path: Path) -> None:
    """Only what reports is left out of those, by its bytes or its photo."""
    from ftl.sweeping.sweep import _without_tested

    folder = tmp_path / "more"
    rng = np.random.default_rng(1)
    for number in range(10):
        image, mask = draw_pair(rng, True)
        save_png(image, folder / "Images" / f"wall{number // 2}_{number % 2}.png")
        save_png(mask, folder / "Segmented" / f"wall{number // 2}_{number % 2}.png")
    ranked = load_masks(folder / "Images", folder / "Segmented", size=SIZE)
    data = load_segmentation(folder / "Images", folder / "Segmented")
    alone, together = part(data, None, 0), part(data, "{photo}_#", 0)
    assert len(_without_tested(ranked, alone, None)) == 10 - len(alone.test)
    left = _without_tested(ranked, together, "{photo}_#")
    photos = {example.image_path.stem.split("_")[0] for example in left.examples}
    assert photos.isdisjoint(path.stem.split("_")[0] for path in together.tested_on.images)
    every = together._replace(test=np.arange(10))
    with pytest.raises(FtlError, match="all masks that rank filters are of photographs that report"):
        _without_tested(ranked, every, None)
