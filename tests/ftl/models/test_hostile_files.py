"""Model files that were made to read the server's files, or to fill its memory."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from ftl.data.hdf5 import open_hdf5
from ftl.errors import FtlError
from ftl.models.backbone import build
from ftl.models.io import load_backbone
from ftl.models.pt2 import read_pt2
from ftl.training.features import read_features
from tests.hostile import POINTERS, SWOLLEN, convolution, external_storage, keras_convolution, pointing_at


@pytest.mark.parametrize("point", POINTERS)
def test_a_model_file_reads_no_other_file(tmp_path: Path, point: Callable[[h5py.File, Path], None]) -> None:
    (tmp_path / "net.h5").write_bytes(pointing_at(tmp_path / "secret", point))
    with pytest.raises(FtlError, match=r"another file|other files"):
        load_backbone(tmp_path / "net.h5")


def test_features_read_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(range(108)))
    with h5py.File(tmp_path / "features.h5", "w") as file:
        external_storage(file, tmp_path / "secret")
    with pytest.raises(FtlError, match="another file"):
        read_features(tmp_path / "features.h5")


def test_a_link_within_the_file_is_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net.h5", "w") as file:
        weights = keras_convolution(file, filters=2)
        file["elsewhere"] = np.ones((3, 3, 3, 2), np.float32)
        weights["c/c/kernel:0"] = file["elsewhere"]  # a second name
        file["name"] = h5py.SoftLink("/elsewhere")
    assert float(load_backbone(tmp_path / "net.h5").convolutions()["features.0"].weight.sum()) == 54
    with open_hdf5(tmp_path / "net.h5") as file:
        assert file["name"].shape == (3, 3, 3, 2)


def peak() -> int:
    """The most memory that this process has had since the last call, in bytes."""
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return int(most.split()[1]) * 1024


@pytest.mark.parametrize("name", SWOLLEN)
def test_what_is_told_and_not_there_takes_no_memory(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(SWOLLEN[name]())
    peak()
    before = peak()
    with pytest.raises(FtlError, match=r"net\.") as error:
        load_backbone(tmp_path / name)
    assert peak() - before < 200 * 2**20, error.value


def test_torchs_archive_must_not_be_packed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(10_000))
    with pytest.raises(FtlError, match="compressed"):
        load_backbone(tmp_path / "net.pt")


@pytest.mark.parametrize(
    "wrong",
    [{"out": -1}, {"out": 2**70}, {"kernel": [0, 1]}, {"stride": [0, 0]}, {"padding": [10**9, 0]}, {"kernel": "x"},
     {"in": True}, {"kernel": [1, 1, 1]}],
)  # fmt: skip
def test_layers_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(FtlError):
        build([convolution(3) | wrong])


@pytest.mark.parametrize("graph", [{}, {"graph_module": []}, [], "x", {"graph_module": {"signature": 1}}])
def test_whatever_a_pt2_holds_leads_to_a_sentence(tmp_path: Path, graph: object) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr("a/models/model.json", json.dumps(graph))
        archive.writestr("a/data/weights/model_weights_config.json", '{"config": {}}')
    with pytest.raises(FtlError, match=r"net\.pt2"):
        read_pt2(tmp_path / "net.pt2")
