"""Backbones that people upload: what is no network is refused by a sentence, and nothing is kept."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from ftl.errors import FtlError
from ftl.models.io import load_backbone, save_backbone
from studio.errors import StudioError
from studio.jobs import backbones, sweep_job, sweeps
from studio.jobs.estimate import TIMING_SECONDS, tuning_seconds
from studio.jobs.request import SweepRequest
from studio.jobs.starts import start_of
from studio.store.home import home
from studio.store.tables import Job
from studio.ui.sweep import cost
from tests.conftest import SIZE, configured, make_features
from tests.ftl.models.test_graph import Tangled
from tests.fuzz.samples import NETWORKS, network
from tests.hostile import POINTERS, SWOLLEN, pointing_at
from tests.studio.conftest import Someone


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("/tmp/ftl-studio-trap"),)  # type: ignore[return-value]


def h5_without_a_network() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["x"] = np.zeros(3)
    return buffer.getvalue()


def torch_pickle() -> bytes:
    buffer = io.BytesIO()
    torch.save(Trap(), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("net.h5", h5_without_a_network()),
        ("net.h5", b"not an h5 at all"),
        ("net.pt", pickle.dumps(Trap())),
        ("net.pt", torch_pickle()),
        ("net.pkl", pickle.dumps(Trap())),
        ("net.safetensors", b"\x00" * 40),
        ("net", b""),
        ("../../net.exe", b"MZ"),
    ],
)
def test_what_is_no_network_is_refused_and_nothing_is_kept(project: Someone, name: str, content: bytes) -> None:
    before = sorted(Path(home()).rglob("*"))
    with pytest.raises(StudioError) as error:
        backbones.add(project.project_id, name, io.BytesIO(content))
    assert len(str(error.value)) > 20
    assert str(home()) not in str(error.value)
    assert not Path("/tmp/ftl-studio-trap").exists()
    assert sorted(Path(home()).rglob("*")) == before


def test_what_cannot_be_pruned_is_refused_before_it_is_kept(project: Someone, tmp_path: Path) -> None:
    save_backbone(Tangled(photo=True), tmp_path / "net.safetensors", size=SIZE)
    with (
        open(tmp_path / "net.safetensors", "rb") as file,
        pytest.raises(StudioError, match="layer add couples filters with the photograph's"),
    ):
        backbones.add(project.project_id, "net.safetensors", file)
    assert backbones.uploaded(project.project_id) == []


def asked_for(**asked: object) -> SweepRequest:
    """A small sweep, with other settings of its request or its configuration."""
    config, more = configured(**({"keep": [0.5], "mode": "one_shot"} | asked))
    return SweepRequest(**({"architecture": "alexnet_bn"} | more), sweep=config)


def seconds(project: Someone, request: SweepRequest) -> float:
    """What a sweep with ten masks and twenty photographs takes, in all."""
    return sum(cost.estimate_parts(project.project_id, request, 10, 20).values())


@pytest.mark.parametrize(
    ("asked", "at", "told"),
    [
        ({"heads": ["recalibrated"], "architecture": "vgg16"}, "heads", "no batch normalisation, so there is nothing "),
        ({"criterion": "bn_scale", "architecture": "alexnet_bn"}, "criterion", "bn_scale: .* has no batch norm behind"),
    ],
)
def test_what_a_network_cannot_give_is_told_before_a_sweep(
    project: Someone, monkeypatch: pytest.MonkeyPatch, asked: dict[str, object], at: str, told: str
) -> None:
    monkeypatch.setattr(cost, "speed", lambda network: 1e9)
    assert seconds(project, asked_for()) > 0
    with pytest.raises(FtlError, match=told):
        seconds(project, asked_for(**asked))
    wrong = asked_for(**asked)
    ((place, sentence),) = cost.problems_of(project.project_id, start_of(wrong), wrong.sweep).items()
    assert place == at
    assert re.search(told, sentence)
    assert cost.problems_of(project.project_id, start_of(wrong), asked_for().sweep) == {}


def test_what_is_asked_for_besides_costs_time(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "speed", lambda network: 1e9)

    def more(**asked: object) -> float:
        plain, with_it = (seconds(project, one) for one in (asked_for(), asked_for(**asked)))
        return with_it - plain

    assert more(runtimes=["pytorch"]) == 0
    assert more(runtimes=["pytorch", "onnx", "int8"]) == pytest.approx(
        2 * 25
    )  # of the unpruned network and of one pruned
    assert more(runtimes=["onnx", "openvino"]) > 2 * (25 + TIMING_SECONDS)
    assert more(heads=["recalibrated"]) > TIMING_SECONDS  # it looks at the photographs, and is timed
    tuned = more(heads=["tuned"])
    assert tuned > more(heads=["recalibrated"])
    asked = asked_for()
    network, speeds = cost._with_engines(project.project_id, asked.architecture, asked.file, 20)
    keep, epochs = max(asked.sweep.keep), asked.sweep.fine_tune.epochs
    again = tuning_seconds(network.spec(), 224, keep, 20, epochs, speeds, alone=True)  # a repeat has all cores
    assert more(heads=["tuned"], repeats=2) == pytest.approx(tuned + 2 * (2 * TIMING_SECONDS + again))
    assert more(budgets=["5ms"]) == pytest.approx(more(budgets=["1%"]) + 7 * 9 * TIMING_SECONDS)


def test_a_network_is_kept_under_a_plain_name(project: Someone, tmp_path: Path) -> None:
    save_backbone(make_features(), tmp_path / "a.safetensors", name="tiny", size=SIZE)
    with open(tmp_path / "a.safetensors", "rb") as file:
        kept = backbones.add(project.project_id, "../../meine brücke 🌉.safetensors", file)
    assert kept == "meine_br_cke.safetensors"
    assert backbones.uploaded(project.project_id) == [kept]


@pytest.mark.parametrize("point", POINTERS)
def test_a_model_file_reads_no_file_of_the_server(
    project: Someone, tmp_path: Path, point: Callable[[h5py.File, Path], None]
) -> None:
    content = pointing_at(tmp_path / "secret", point)
    with pytest.raises(StudioError, match=r"another file|other files"):
        backbones.add(project.project_id, "net.h5", io.BytesIO(content))
    assert backbones.uploaded(project.project_id) == []


@pytest.mark.parametrize("name", SWOLLEN)
def test_a_model_file_is_read_by_no_process_of_the_studio(
    project: Someone, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("ftl.models.io.load_backbone", None)
    with pytest.raises(StudioError, match=r"net|layer"):
        backbones.add(project.project_id, name, io.BytesIO(SWOLLEN[name]()))
    assert backbones.uploaded(project.project_id) == []


def test_the_cost_of_a_sweep_of_an_uploaded_network(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "speed", lambda network: 1e9)
    save_backbone(make_features(), tmp_path / "a.safetensors", name="tiny", size=SIZE)
    with open(tmp_path / "a.safetensors", "rb") as file:
        kept = backbones.add(project.project_id, "a.safetensors", file)
    assert seconds(project, asked_for(source="file", architecture=None, file=kept)) > 0


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_job_loads_what_a_child_wrote_anew(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / f"net.{kind}").write_bytes(network(kind))
    given = load_backbone(tmp_path / f"net.{kind}")
    with open(tmp_path / f"net.{kind}", "rb") as file:
        name = backbones.add(project.project_id, f"net.{kind}", file)
    raw, safe = backbones.files_of(project.project_id, name)
    opened: list[Path] = []
    monkeypatch.setattr("ftl.load_backbone", lambda source: opened.append(source) or 1 / 0)
    monkeypatch.setattr(sweep_job, "_weigh", lambda job, meter: None)
    (sweeps.workspace(7) / "dataset").mkdir(parents=True)
    (sweeps.workspace(7) / "ready").touch()
    monkeypatch.setattr("ftl.data.dataset.load_dataset", lambda *given, **more: None)
    job = Job(id=7, project_id=project.project_id, settings={"source": "file", "file": name})
    for _ in ("uploaded here", "elsewhere"):
        with pytest.raises(ZeroDivisionError):
            sweep_job.sweep(job, lambda *told: None)
        assert opened.pop() == safe
        made = load_backbone(safe)
        assert (made.name, made.preprocess) == ("net", given.preprocess)
        assert made.spec() == given.spec()
        assert all(
            torch.equal(one, made.features.state_dict()[key]) for key, one in given.features.state_dict().items()
        )
        safe.unlink()
    assert raw.read_bytes() == (tmp_path / f"net.{kind}").read_bytes()
