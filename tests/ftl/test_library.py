"""The library as others install and import it: a wheel, its public names, and what they do in a few lines."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import ftl
from tests.conftest import ROOT, SIZE, configured, make_backbone


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of a build stays in the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "ftl", source / "ftl", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source], check=True
    )
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel alone in a folder; its dependencies are those of the tests."""
    target = tmp_path_factory.mktemp("installed")
    command: list[str | Path] = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, wheel]
    subprocess.run(command, check=True)
    return target


def run(code: str, installed: Path, folder: Path) -> str:
    """What Python prints that finds `ftl` in the installed folder, from another folder than the checkout."""
    code = f"import sys; sys.path.insert(0, {str(installed)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_module_and_what_types_need(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ftl").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert "ftl/py.typed" in names
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        assert "ftl = ftl.cli:main" in archive.read(entry).decode()
        metadata = archive.read(entry.replace("entry_points.txt", "METADATA")).decode()
    assert f"Version: {ftl.__version__}" in metadata
    needs = [line.partition(";")[0] for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert len(needs) > 20
    assert not any("==" in need for need in needs)


def test_everything_can_be_imported_from_it(installed: Path, tmp_path: Path) -> None:
    code = """
import importlib, json, pkgutil
import ftl
names = [module.name for module in pkgutil.walk_packages(ftl.__path__, "ftl.") if module.name != "ftl.__main__"]
for name in names:
    importlib.import_module(name)
public = {name: getattr(ftl, name) for name in ftl.__all__}
print(json.dumps([ftl.__file__, len(names), sorted(public), [name for name, one in public.items() if not one.__doc__]]))
"""
    file, modules, public, undocumented = json.loads(run(code, installed, tmp_path))
    assert Path(file).is_relative_to(installed)
    assert modules > 100
    assert public == sorted(ftl.__all__) == sorted({*dir(ftl)} - {"__version__"})
    assert 20 <= len(public) <= 40
    assert undocumented == []


def test_the_command_line_runs_from_it(installed: Path, tmp_path: Path) -> None:
    few = ["demo", "drawn", "--masks", "1", "--train", "1", "--test", "1"]
    code = f"from ftl.cli import main; raise SystemExit(main({few}))"
    assert "drawn" in run(code, installed, tmp_path)
    assert len([*(tmp_path / "drawn").rglob("*.png")]) > 4


def test_unknown_names_are_told() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'prnue'"):
        ftl.prnue  # noqa: B018


def test_a_network_is_scored_pruned_trained_and_measured(workspace: Path) -> None:
    masks = ftl.load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    learn, judge = ftl.load_dataset(workspace / "dataset"), ftl.load_dataset(workspace / "evaluation")
    backbone, config = make_backbone(), ftl.PruneConfig(criterion="iou", mode="one_shot")
    scores = ftl.score(backbone, masks, config)
    assert [*scores] == [*backbone.convolutions()]
    pruned = ftl.prune(backbone, masks, 0.25, config)
    for name, conv in backbone.convolutions().items():
        kept = pruned.convolutions()[name].out_channels
        assert len(scores[name]["Crack"]) == conv.out_channels > kept
    model, validation = ftl.fit_linear_head(pruned, learn)
    tested = ftl.evaluate(model, judge)
    assert tested["images"] == len(judge)
    assert {"accuracy", "accuracy_low"} <= validation.keys() & tested.keys()
    answers = [model.probabilities([ftl.data.images.read_image(path)])[0].argmax() for path in judge.paths]
    assert tested["accuracy"] == np.mean(np.array(answers) == judge.labels)
    tuned, validation = ftl.fine_tune(pruned, learn, ftl.FineTuneConfig(epochs=1))
    assert tuned.head.pooled
    assert not model.head.pooled
    with pytest.raises(ftl.FtlError, match="leave it 0"):
        ftl.fine_tune(pruned, learn, ftl.FineTuneConfig(distillation=0.5))
    heat, _ = ftl.explain(tuned, ftl.data.images.read_image(judge.paths[0]), "Crack")
    assert heat.shape == (SIZE, SIZE)
    assert ftl.measure_latency(model, threads=1)["median_ms"] > 0
    assert {"iou", "taylor", "bn_scale"} <= ftl.criteria().keys()


def test_pruning_is_that_of_a_sweep(workspace: Path) -> None:
    masks = ftl.load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    backbone = ftl.load_backbone(workspace / "tiny.safetensors")
    config, _ = configured(keep=[0.5], threads=1)
    done = ftl.sweep(
        backbone, masks, config, dataset=workspace / "dataset", evaluation=workspace / "evaluation",
        out=workspace / "models",
    )  # fmt: skip
    swept = ftl.load_backbone(done.out / "keep-0.5")
    pruned = ftl.prune(backbone, masks, 0.5, config)
    assert pruned.spec() == swept.spec()
    for name, weights in pruned.state_dict().items():
        assert np.array_equal(weights, swept.state_dict()[name])
