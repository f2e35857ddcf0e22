"""Where networks run: `device=` and `--device`, on a machine that need not have a GPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ftl
from ftl.cli import main
from ftl.device import asked_device, device_of, mixed_precision, run_on, trained_in
from ftl.files import read_json
from tests.conftest import ROOT, SIZE, make_backbone


def test_by_default_only_training_takes_a_gpu() -> None:
    assert device_of().type == "cpu"
    assert device_of(training=True).type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert asked_device() is None


def test_within_run_on_everything_runs_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_of(training=True).type == "cuda"
    with run_on("cuda:1"):
        assert str(device_of()) == str(device_of(training=True)) == asked_device() == "cuda:1"
        with run_on("cpu"), run_on(None):
            assert device_of(training=True).type == "cpu"
        assert asked_device() == "cuda:1"
    assert device_of().type == "cpu"


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", "gpu", torch.device("cuda:3")):
        with pytest.raises(ftl.FtlError, match=f"no device '{device}': choose cpu$"), run_on(device):
            pass
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ftl.FtlError, match=r"'cuda:2': choose cpu or cuda or cuda:0 or cuda:1$"), run_on("cuda:2"):
        pass


def test_what_is_trained_is_multiplied_as_is_said() -> None:
    device = device_of(training=True)
    with mixed_precision(device):
        product = torch.ones(4, 4, device=device) @ torch.ones(4, 4, device=device)
    assert trained_in() == f"{str(product.dtype).removeprefix('torch.')} on {device.type}"


def test_asking_for_the_cpu_changes_no_bit(workspace: Path) -> None:
    masks = ftl.load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    dataset, backbone = ftl.load_dataset(workspace / "dataset"), make_backbone()
    for name, scores in ftl.score(backbone, masks).items():
        for group, values in ftl.score(backbone, masks, device="cpu")[name].items():
            assert np.array_equal(values, scores[group])
    heads = [ftl.fit_linear_head(backbone, dataset, device=device)[0].head for device in (None, "cpu")]
    assert np.array_equal(heads[0].weight, heads[1].weight)


def test_everything_runs_on_another_device_with_the_same_results() -> None:
    """A stand-in for a GPU that refuses to mix devices; in a process of its own, since it changes torch."""
    script = Path(__file__).with_name("second_device.py")
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""


def test_the_command_line_takes_a_device(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = workspace / "models"
    command = ["prune", str(out), str(workspace / "tiny.safetensors"), "--keep", "0.5", "--device"]
    command += ["cuda:7", "--images", str(workspace / "Images"), "--masks", str(workspace / "Segmented")]
    assert main(command) == 1
    assert "no device 'cuda:7': choose cpu" in capfd.readouterr().err
    assert not out.exists()
    command[command.index("cuda:7")] = "cpu"
    assert main(command) == 0
    assert "device" not in read_json(out / "sweep.json")["settings"]
