"""Each command through its real entry, on a small workspace; and runs that are killed."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ftl.cli import main
from ftl.files import alone
from ftl.models.classifier import export, load_model
from ftl.sweeping.networks import networks
from tests.conftest import PHOTO, ROOT, SIZE, add_seen, draw_pair, save_png

KEEP = ["--keep", "0.25", "0.5", "1"]


def ftl(*arguments: object, folder: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ftl", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    if check:
        assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_original_workflow_command_by_command(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Folders and positional arguments as in the original's four scripts, run inside the workspace."""
    monkeypatch.chdir(workspace)

    def said(*arguments: str) -> str:
        capfd.readouterr()
        assert main([*arguments]) == 0
        return capfd.readouterr().out

    told = ftl("prune", "models", "tiny.safetensors", *KEEP, folder=workspace).stdout
    assert "models/keep-0.25" in told.replace(os.sep, "/")
    out = workspace / "models"
    assert [path.name for path in networks(out)] == ["base", "keep-0.25", "keep-0.5", "keep-1"] or [
        path.name for path in networks(out)
    ] == ["base", "keep-1", "keep-0.25", "keep-0.5"]
    network = json.loads((out / "keep-0.5" / "network.json").read_text())
    assert all(layer["kept"] == sorted(set(layer["kept"])) for layer in network["layers"])
    assert set(network["layers"][0]["scores_by_group"]) == {"Crack", "Background"}
    assert network["made_with"]["seed"] == 0
    said("extract", "models")
    said("train", "models")
    told = said("test", "models")
    assert "keep-0.5" in told
    with open(out / "results.csv") as handle:
        rows = list(csv.DictReader(handle))
    assert rows[0]["Model"] == "base"
    for column in ("Parameters", "Params_perc", "Accuracy", "Reference accuracy", "F1", "Size[MB]", "Time[s]"):
        assert all(float(row[column]) >= 0 for row in rows)
    told = said("choose", "models", "--export", "pick.safetensors")
    pick = told.split("recommended: ")[1].split(",")[0]
    said("report", "models", "--repeats", "2")
    page = (out / "report.html").read_text()
    assert page.count("<svg ") >= 6
    assert not re.search(r"<script|<(link|iframe)|(src|href)=\"(?!data:)", page)
    assert said("report", f"models/{pick}", "card.pdf") == "wrote card.pdf\n"
    assert (workspace / "card.pdf").read_bytes().startswith(b"%PDF-")
    evaluation = "evaluation/Crack"
    first = said("predict", f"models/{pick}", evaluation)
    said("predict", "pick.safetensors", evaluation, "--csv", "p.csv")
    assert (workspace / "p.csv").read_text() == first
    tested = {Path(p["file"]).name: p for p in json.loads((out / pick / "test.json").read_text())["predictions"]}
    for row in csv.DictReader(first.splitlines()):
        name = Path(row["file"])
        if name.parent.name == "Crack" and name.name in tested and tested[name.name]["true"] == "Crack":
            assert row["class"] == tested[name.name]["predicted"]
    told = said("compare", "models", "models")
    assert told.count("100 %") == 3


def test_run_does_it_all_in_one_go(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(workspace), str(workspace / "tiny.safetensors"), *KEEP]
    assert main(arguments) == 0
    told, warned = capfd.readouterr()
    assert "recommended: " in told
    assert "left out" not in warned
    assert "left out" not in (workspace / "models" / "report.html").read_text()
    assert json.loads((workspace / "models" / "results.json").read_text())["left_out"] == {"files": 0, "crops": 0}
    stamps = {path: path.stat().st_mtime_ns for path in (workspace / "models").rglob("*.safetensors")}
    assert main(arguments) == 0  # all is there: nothing is made again
    assert stamps == {path: path.stat().st_mtime_ns for path in (workspace / "models").rglob("*.safetensors")}
    assert main([*arguments[:3], "--keep", "0.75"]) == 0  # another fraction joins
    assert (workspace / "models" / "keep-0.75" / "network.json").is_file()
    assert main([*arguments, "--criterion", "l1"]) == 1
    assert "criterion was iou, now l1" in capfd.readouterr().err


def test_other_modes_rules_and_classes(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    places = ["--images", str(workspace / "Images"), "--masks", str(workspace / "Segmented")]
    backbone = str(workspace / "tiny.safetensors")
    assert main(["prune", str(workspace / "once"), backbone, "--mode", "once", *KEEP, *places]) == 0
    assert main(["prune", str(workspace / "cascade"), backbone, *KEEP, *places]) == 0
    capfd.readouterr()
    assert main(["compare", str(workspace / "once"), str(workspace / "cascade")]) == 0
    assert "keep-0.25" in capfd.readouterr().out
    assert (
        main(["prune", str(workspace / "above"), backbone, "--rule", "above-average", "--classes", "Crack", *places])
        == 0
    )
    assert "above-average" in capfd.readouterr().out
    assert main(["prune", str(workspace / "percent"), backbone, "3", *places]) == 0
    assert len(networks(workspace / "percent")) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["prune", "o", "resnet"], "there is no backbone 'resnet'"),
        (["prune", "o", "tiny.safetensors", "--keep", "0"], "above 0 and at most at 1"),
        (["prune", "o", "tiny.safetensors", "5", "--keep", "0.5"], "not both"),
        (["prune", "o", "tiny.safetensors", "200"], "1 to 100"),
        (["prune", "o", "tiny.safetensors", "--keep", "0.5", "--criterion", "x"], "choose one of iou"),
        (
            ["prune", "o", "tiny.safetensors", "--keep", "0.5", "--rule", "x"],
            "choose fraction, above-average or global",
        ),
        (["prune", "o", "tiny.safetensors", "--keep", "0.5", "--mode", "x"], "choose layerwise or one_shot"),
        (["prune", "o", "tiny.safetensors", "--keep", "0.5", "--classes", "Rust"], "no class 'Rust'"),
        (["prune", "o", "tiny.safetensors", "--keep", "0.01", "0.5", "--faithful"], "keep at least 0.072"),
        (["prune", "o", "tiny.safetensors", "0"], "1 to 100"),
        (["run", ".", "tiny.safetensors", "--preset", "x"], "choose one of balanced"),
        (["run", ".", "tiny.safetensors", "--photo", "("], "no regular expression"),
        (["run", "."], "put one file into backbones: it holds none"),
        (["prune", "dataset", "tiny.safetensors", "--keep", "0.5"], "not empty and holds no sweep"),
        (["prune", "o", "tiny.safetensors", "--keep", "0.5", "--union-images", "Images"], "go together"),
        (["extract", "nothing"], "holds no networks"),
        (["choose", "nothing"], "run ftl test"),
        (["predict", "nothing", "a.png"], "neither a network's folder"),
        (["demo", "dataset"], "is not empty"),
        (["backbone", "train", "lenet"], "choose one of vgg16"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(workspace)
    before = sorted(workspace.rglob("*.json")), sorted(workspace.glob("dataset/*"))
    assert main(arguments) == 1
    errors = capfd.readouterr().err
    assert told in errors
    assert "Traceback" not in errors
    assert not list(workspace.rglob("network.json"))
    assert not (workspace / "o").exists()
    assert sorted(workspace.glob("dataset/*")) == before[1]


def test_steps_out_of_order_say_which_comes_first(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace)
    assert main(["prune", "models", "tiny.safetensors", "--keep", "0.5"]) == 0
    for command, first in (("train", "run ftl extract"), ("test", "run ftl extract")):
        assert main([command, "models"]) == 1
        assert first in capfd.readouterr().err
    assert main(["predict", "models/keep-0.5", "evaluation/Crack"]) == 1
    assert "run ftl train" in capfd.readouterr().err


def test_predict_goes_on_past_an_unreadable_file(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiles = ["--tile", str(SIZE), "--positive", "Crack"]
    assert main(["run", str(workspace), str(workspace / "tiny.safetensors"), "--keep", "0.5", *tiles]) == 0
    capfd.readouterr()
    (workspace / "bad.png").write_text("text")
    good = workspace / "evaluation" / "Crack" / "evaluation_0.png"
    assert main(["predict", str(workspace / "models" / "keep-0.5"), str(workspace / "bad.png"), str(good)]) == 1
    told = capfd.readouterr()
    assert told.out.count("\n") == 2
    assert "bad.png cannot be read" in told.err
    # its network was trained on tiles, which its file knows: it looks at a large photograph in such tiles
    rng = np.random.default_rng(0)
    cracked, sound = (draw_pair(rng, kind)[0] for kind in (True, False))
    large = save_png(np.concatenate([np.concatenate([sound, cracked, sound], 1)] * 2), workspace / "large.png")
    exported = export(workspace / "models" / "keep-0.5", workspace / "tiles.safetensors")
    assert main(["predict", str(exported), str(large), str(good)]) == 0
    of_large, of_good = csv.DictReader(io.StringIO(capfd.readouterr().out))
    model = load_model(exported)
    answers = model.probabilities([sound, cracked])
    counts = np.bincount(answers.argmax(1)[[0, 1, 0] * 2], minlength=2)
    assert [int(of_large[f"tiles with {name}"]) for name in model.classes] == counts.tolist()
    assert of_large["class"] == ("Crack" if (answers[:, 1] > 0.5).any() else "Background")
    assert int(of_good["tiles with Background"]) + int(of_good["tiles with Crack"]) == 1
    assert main(["report", str(workspace / "models"), str(workspace / "tiles.html")]) == 0
    assert f"cut into tiles of {SIZE} x {SIZE} pixels" in (workspace / "tiles.html").read_text()


def test_other_inputs_are_never_mistaken_for_the_same(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(workspace), str(workspace / "tiny.safetensors"), "--keep", "0.5"]
    assert main(arguments) == 0
    tested = json.loads((workspace / "models" / "keep-0.5" / "test.json").read_text())
    assert sum(map(sum, tested["confusion"])) == 24
    # a photograph that chose filters stands in the test set; a label is corrected
    image = (workspace / "Images" / "Crack" / "Images_0.png").read_bytes()
    (workspace / "evaluation" / "Crack" / "stranger.png").write_bytes(image)
    moved = workspace / "evaluation" / "Crack" / "evaluation_3.png"
    moved.rename(workspace / "evaluation" / "Background" / "moved.png")
    assert main(arguments) == 0
    tested = json.loads((workspace / "models" / "keep-0.5" / "test.json").read_text())
    assert [sum(row) for row in tested["confusion"]] == [13, 11]
    capfd.readouterr()
    assert main([*arguments, "--preprocess", "raw"]) == 1
    assert "backbone_sha256 was" in capfd.readouterr().err
    save_png(draw_pair(np.random.default_rng(99), True)[1], workspace / "Segmented" / "Crack" / "Images_0.png")
    assert main(arguments) == 1
    assert "masks_sha256 was" in capfd.readouterr().err


def test_what_was_seen_before_does_not_report_and_that_is_told(
    workspace: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    add_seen(workspace)
    run = ["run", ".", "tiny.safetensors", "--keep", "0.5", "--photo", PHOTO]
    sentence = "left out of the test set, seen before when filters were chosen or networks trained: 2 the same file"

    def measured() -> tuple[dict[str, int], int]:
        results = json.loads(Path("models/results.json").read_text())
        return results["left_out"], sum(map(sum, results["candidates"][0]["confusion"]))

    assert main(run) == 0
    assert f"4 images {sentence}, 2 of the same photo\n" in capfd.readouterr().err
    assert measured() == ({"files": 2, "crops": 2}, 24)
    assert f"4 images {sentence}, 2 of the same photo." in Path("models/report.html").read_text()
    assert main(["test", "models"]) == 0
    assert f"4 images {sentence}, 2 of the same photo\n" in capfd.readouterr().err
    assert measured() == ({"files": 2, "crops": 2}, 24)
    names = sorted(json.loads(Path("models/sweep.json").read_text())["scored_names"])
    assert names == sorted(path.name for path in Path("Images").rglob("*.png"))


def test_damaged_results_are_told(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(workspace), str(workspace / "tiny.safetensors"), "--keep", "0.5"]
    assert main(arguments) == 0
    for file in ("keep-0.5/network.json", "keep-0.5/test.json", "sweep.json"):
        path = workspace / "models" / file
        before = path.read_text()
        path.write_text(before[: len(before) // 2])
        capfd.readouterr()
        assert main(arguments) == 1
        assert f"{path.name} is damaged" in capfd.readouterr().err
        path.write_text(before)


def outcome(out: Path) -> dict[str, object]:
    """What a run made, without times and places."""
    found: dict[str, object] = {}
    for folder in networks(out):
        network = json.loads((folder / "network.json").read_text())
        tested = json.loads((folder / "test.json").read_text())
        found[folder.name] = (
            network["layers"],
            (folder / "network.safetensors").read_bytes(),
            (folder / "head.safetensors").read_bytes(),
            tested["confusion"],
            [prediction["probability"] for prediction in tested["predictions"]],
        )
    return found


def test_a_run_killed_at_random_resumes_to_the_same_result(workspace: Path) -> None:
    arguments = ["run", workspace, workspace / "tiny.safetensors", *KEEP]
    begin = time.monotonic()
    ftl(*arguments, "--out", workspace / "whole")
    took = time.monotonic() - begin
    rng = random.Random(20)
    command = [sys.executable, "-m", "ftl", *map(str, arguments), "--out", str(workspace / "killed")]
    kills = 0
    for _ in range(12):
        if kills == 2:
            break
        begin = time.monotonic()
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        try:
            process.wait(rng.uniform(0.4, 0.9) * took)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        else:  # it was done sooner than the first, which may have waited for others' times
            took = min(took, time.monotonic() - begin)
            shutil.rmtree(workspace / "killed")
    assert kills
    ftl(*arguments, "--out", workspace / "killed")
    assert outcome(workspace / "killed") == outcome(workspace / "whole")
    assert not list((workspace / "killed").rglob("*.draft-*"))


def test_demo_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    few = ["--masks", "2", "--train", "3", "--test", "1"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main(["demo", str(tmp_path / name), *few, "--seed", str(seed)]) == 0
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png"))
    assert len(files) == 2 * (3 * 2 + 3 + 1)
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    assert any((tmp_path / "a" / file).read_bytes() != (tmp_path / "c" / file).read_bytes() for file in files)


def test_a_backbone_is_trained_from_scratch(tmp_path: Path) -> None:
    assert main(["demo", str(tmp_path / "d"), "--masks", "1", "--train", "8", "--test", "1"]) == 0
    file = tmp_path / "a.safetensors"
    assert (
        main(
            [
                "backbone",
                "train",
                "alexnet_bn",
                "--dataset",
                str(tmp_path / "d" / "dataset"),
                "--epochs",
                "1",
                "--out",
                str(file),
            ]
        )
        == 0
    )
    places = [
        "--images",
        str(tmp_path / "d" / "Images"),
        "--masks",
        str(tmp_path / "d" / "Index"),
        "--mask-class",
        "Crack",
    ]
    assert main(["prune", str(tmp_path / "o"), str(file), "--keep", "0.1", *places, "--classes", "Crack"]) == 0


def test_two_runs_do_not_write_into_one_folder(workspace: Path) -> None:
    out = workspace / "models"
    with alone(out):
        refused = ftl("run", workspace, workspace / "tiny.safetensors", *KEEP, check=False)
        assert refused.returncode == 1
        assert "another run is working in" in refused.stderr
        assert not (out / "base").exists()
    ftl("prune", out, workspace / "tiny.safetensors", "--images", workspace / "Images", "--masks",
        workspace / "Segmented", *KEEP)  # fmt: skip


def test_the_console_script_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("ftl")
    told = [
        subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
        for command in ([script], [sys.executable, "-m", "ftl"])
    ]
    assert told[0] == told[1]
