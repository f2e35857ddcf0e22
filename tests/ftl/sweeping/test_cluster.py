"""A sweep on a real scheduler with real workers, each a process: the same results as in one process, whatever dies."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from ftl import load_backbone, load_masks, save_backbone, sweep
from ftl.config import FineTuneConfig
from ftl.data.dataset import load_dataset
from ftl.data.segmentation import load_segmentation
from ftl.errors import FtlError
from ftl.evaluation.candidate import runtimes_of
from ftl.files import digest, read_json, versions
from ftl.models.engines import Engines
from ftl.progress import LOOKING, TESTED, TIMED, TRAINING, CandidateProgress
from ftl.sweeping import cluster_latency
from ftl.sweeping.mask_results import read_mask_results
from ftl.sweeping.networks import segmenters
from ftl.sweeping.packing import pack_dataset, pack_masks, pack_parts, unpack_dataset, unpack_masks, unpack_parts
from ftl.sweeping.segmented import part
from ftl.sweeping.sweep import Sweep
from ftl.training.segment import ROUNDS
from tests.cluster import Cluster
from tests.conftest import SIZE, configured, make_workspace, train_on_masked
from tests.drawn_photographs import QUICK
from tests.ftl.cli.test_cli import outcome

KEEP = [0.25, 0.5, 1.0]
TUNED: dict[str, Any] = {
    "heads": ["tuned", "recalibrated"],
    "fine_tune": FineTuneConfig(epochs=2, distillation=0.5, mask_weight=0.5),
}
KILLS = int(os.environ.get("FTL_KILLS", "1"))  # of each kind; twenty take minutes


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_workspace(tmp_path_factory.mktemp("cluster") / "workspace")
    train_on_masked(made)
    return made


@pytest.fixture(scope="module")
def one(workspace: Path) -> dict[str, object]:
    """What one process makes."""
    run(workspace, "one")
    return outcome(workspace / "one")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("cluster")).start()
    yield started
    started.stop()


def run(
    workspace: Path, out: str, backbone: str = "tiny.safetensors", keep: Sequence[float] = KEEP, **options: Any
) -> Sweep:
    config, more = configured(keep=keep, **options)
    return sweep(
        load_backbone(workspace / backbone),
        load_masks(workspace / "Images", workspace / "Segmented", size=SIZE),
        config,
        dataset=workspace / "dataset",
        evaluation=workspace / "evaluation",
        out=workspace / out,
        **more,
    )


def test_masks_and_data_sets_go_there_and_back(workspace: Path) -> None:
    masks = load_masks(workspace / "Images", workspace / "Segmented", size=SIZE)
    (workspace / "masks").write_bytes(pack_masks(masks))
    back = unpack_masks(workspace / "masks")
    assert (back.digest(), back.groups) == (masks.digest(), masks.groups)
    assert [one.image_path for one in back.examples] == [one.image_path for one in masks.examples]
    dataset = load_dataset(workspace / "dataset")
    (workspace / "set").write_bytes(pack_dataset(dataset))
    other = unpack_dataset(workspace / "set")
    assert (other.digest(), other.paths, other.classes) == (dataset.digest(), dataset.paths, dataset.classes)
    assert np.array_equal(other.labels, dataset.labels)


@pytest.mark.parametrize(
    ("mode", "rule"), [("layerwise", "fraction"), ("one_shot", "fraction"), ("layerwise", "above-average")]
)
def test_a_cluster_makes_what_one_process_makes(cluster: Cluster, workspace: Path, mode: str, rule: str) -> None:
    told: list[tuple[int, int, str]] = []
    heard: list[CandidateProgress] = []
    own, many = f"one-{mode}-{rule}", f"many-{mode}-{rule}"
    run(workspace, own, mode=mode, rule=rule)
    done = run(workspace, many, mode=mode, rule=rule, scheduler=str(cluster.file), time_on="w1",
               report=lambda *one: told.append(one), follow=heard.append)  # fmt: skip
    assert outcome(workspace / many) == outcome(workspace / own)
    assert len(done.candidates) == (len(KEEP) if rule == "fraction" else 1) + 1
    for one in done.candidates:
        time_of = read_json(workspace / many / one.name / "time.json")
        assert time_of["worker"] in ("w0", "w1")  # both are on the machine that was named by one of them
        assert time_of["threads"] == len(os.sched_getaffinity(0))
        assert time_of["runtime"].startswith("PyTorch")
    assert (1000, 1000, LOOKING) in told
    for one in done.candidates:
        own_events = [told for told in heard if told.name == one.name]
        assert [told.what for told in own_events if told.what in (TRAINING, TESTED, TIMED)] == [TRAINING, TESTED, TIMED]
        assert own_events[0][1:4] == (LOOKING, 2, 72)  # of 48 to train on and 24 to report on, in twos
        assert {told.worker for told in own_events if told.what == LOOKING} <= {"w0", "w1"}
    again = run(workspace, many, mode=mode, rule=rule, scheduler=str(cluster.file), time_on="w1")
    assert again == done


def test_a_network_that_is_no_chain(cluster: Cluster, workspace: Path) -> None:
    torch.manual_seed(0)
    setting = [[1, 64, 1, 1], [2, 96, 2, 2]]
    network = torchvision.models.MobileNetV2(width_mult=0.25, inverted_residual_setting=setting)
    save_backbone(network, workspace / "mobile.safetensors", size=SIZE)
    for name, scheduler in (("own", None), ("many", str(cluster.file))):
        done = run(workspace, f"{name}-mobile", "mobile.safetensors", scheduler=scheduler, coupling_score="max",
                   coupling_maps="before", runtimes=["onnx"], keep=[0.5])  # fmt: skip
        assert [*runtimes_of(done.candidates)] == ["pytorch", "onnx"]
    assert outcome(workspace / "many-mobile") == outcome(workspace / "own-mobile")
    for one in done.candidates:
        taken = read_json(workspace / "many-mobile" / one.name / "time-onnx.json")
        assert taken["worker"] in ("w0", "w1")
        assert taken["runtime"].startswith("ONNX Runtime")


def test_workers_that_see_no_file_make_the_networks_that_draw_masks_of_one_process(
    cluster: Cluster, workspace: Path, unseen: Path
) -> None:
    parts: dict[str, Any] = {"heads": ["segmented"], "only_masks": True, "segment": QUICK, "keep": [0.5], "threads": 1,
                             "runtimes": ["onnx"]}  # fmt: skip
    heard = list[CandidateProgress]()

    def swept(here: Path, out: str, **more: Any) -> dict[str, object]:
        run(here, out, segmentation=load_segmentation(here / "Images", here / "Segmented"), **parts, **more)
        (folder,) = segmenters(workspace / out)
        figures = [read_json(folder / name) for name in ("validation.json", "test.json")]
        for figure in figures:
            figure["per_photograph"] = [one["pixels"] for one in figure["per_photograph"]]
            figure["trained_on"] = [Path(path).name for path in figure.get("trained_on", [])]
        weights = [(folder / name).read_bytes() for name in ("network.safetensors", "head.safetensors")]
        in_onnx = [read_json(folder / "onnx.json")[side]["f1"] for side in ("validation", "test")]
        return {"figures": figures, "weights": weights, "name": folder.name, "in ONNX Runtime": in_onnx}

    own = swept(workspace, "own-masks")
    assert swept(unseen, "many-masks", scheduler=str(cluster.file), follow=heard.append) == own
    for name in ("time.json", "time-onnx.json"):
        assert read_json(workspace / "many-masks" / "keep-0.5-segmented" / name)["worker"] in ("w0", "w1")
    (found,) = read_mask_results(workspace / "many-masks")
    assert runtimes_of([found]) == ["pytorch", "onnx"]
    epochs = [told.epoch[0] for told in heard if told.epoch]
    assert epochs == [*range(1, ROUNDS + 1)]
    assert {told.worker for told in heard if told.epoch} <= {"w0", "w1"}
    file = workspace / "parts"
    data = load_segmentation(workspace / "Images", workspace / "Segmented")
    file.write_bytes(pack_parts(part(data, None, 0)))
    back = unpack_parts(file)
    assert back.data == data
    assert all(np.array_equal(*sides) for sides in zip(back[1:], part(data, None, 0)[1:], strict=True))


@pytest.fixture(scope="module")
def one_tuned(workspace: Path) -> dict[str, object]:
    """What one process makes where pruned networks are fine-tuned as well."""
    run(workspace, "one-tuned", keep=[0.5], **TUNED)
    return outcome(workspace / "one-tuned")


@pytest.fixture
def unseen(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace by a path that leads through the driver's working folder, which for all other processes is another.

    They see none of its files.
    """
    monkeypatch.chdir(workspace)
    return Path("/proc/self/cwd")


def swept_unseen(
    here: Path, workspace: Path, name: str, one_tuned: dict[str, object], cluster: Cluster, **more: Any
) -> list[CandidateProgress]:
    """Sweep, and check what came of it; returns what was told meanwhile."""
    heard = list[CandidateProgress]()
    fixed: dict[str, Any] = {"scheduler": str(cluster.file), "keep": [0.5]} | TUNED
    done = run(here, name, **fixed, **more, follow=heard.append)
    assert run(here, name, **fixed) == done
    made = workspace / name
    assert outcome(made) == one_tuned
    epochs = [told.epoch[0] for told in heard if told.epoch and told.name == "keep-0.5-tuned"]
    assert epochs == [1, 2]
    assert not (made / "base" / "features.h5").exists()
    held_out = read_json(made / "base" / "validation.json")["paths"]
    assert all(path.startswith("/proc/self/cwd/dataset/") for path in held_out)
    return heard


def test_workers_that_see_no_file_of_the_driver_are_sent_them(
    cluster: Cluster, workspace: Path, unseen: Path, one_tuned: dict[str, object]
) -> None:
    swept_unseen(unseen, workspace, "sent", one_tuned, cluster)


def test_workers_fetch_files_from_a_store_and_the_machine_that_takes_the_times_does_nothing_else(
    tmp_path: Path, workspace: Path, unseen: Path, one_tuned: dict[str, object]
) -> None:
    cluster, store = Cluster(tmp_path / "cluster", hosts=("127.0.0.1", "127.0.0.2")).start(), tmp_path / "store"
    try:
        cluster.wait()
        heard = swept_unseen(unseen, workspace, "fetched", one_tuned, cluster, store=f"file://{store}", time_on="w1")
    finally:
        cluster.stop()
    contents = {digest(file) for side in ("dataset", "evaluation") for file in (workspace / side).rglob("*.png")}
    assert {file.name for file in store.glob("*/*")} >= contents
    assert {told.worker for told in heard if told.what in (LOOKING, TRAINING)} == {"w0"}
    assert {read_json(file)["worker"] for file in (workspace / "fetched").glob("*/time.json")} == {"w1"}


def test_what_cannot_be_is_told(cluster: Cluster, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_latency, "PATIENCE", 1.0)
    monkeypatch.setattr("ftl.sweeping.dask.START_PATIENCE", 0.0)
    with (
        monkeypatch.context() as patch,
        pytest.raises(FtlError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
    ):
        patch.setattr("ftl.sweeping.connection.CONNECT_SECONDS", 1)
        run(workspace, "a", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(FtlError, match="neither an address"):
        run(workspace, "b", scheduler=str(workspace / "none.json"))
    with pytest.raises(FtlError, match="no worker 'pi' to time on: there are w0, w1"):
        run(workspace, "c", scheduler=str(cluster.file), time_on="pi")


def test_a_candidate_that_fails_does_not_stop_the_others(
    cluster: Cluster, workspace: Path, one: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(FtlError, match=r"has torch .*, not 0\.1: install the same"):
        patch.setattr("ftl.sweeping.manifest.versions", lambda: versions() | {"torch": "0.1"})
        run(workspace, "refused", scheduler=str(cluster.file))
    with monkeypatch.context() as patch, pytest.raises(FtlError, match="cannot run networks by OpenVINO float8"):
        patch.setattr("ftl.sweeping.dask.engines_of", lambda *given: Engines(pruned="OpenVINO float8"))
        run(workspace, "refused", scheduler=str(cluster.file))
    assert not [*(workspace / "refused").glob("*/head.safetensors")]
    out, heard = workspace / "failed", list[CandidateProgress]()
    shutil.copytree(workspace / "one", out)
    for name in ("base", "keep-0.5"):
        for file in ("features.h5", "head.safetensors", "validation.json", "test.json"):
            (out / name / file).unlink()
    (out / "keep-0.5" / "features.h5").mkdir()  # where the worker would write
    with pytest.raises(FtlError, match=r"these failed \(1 problem\):\s+- keep-0\.5: .*Is a directory"):
        run(workspace, "failed", scheduler=str(cluster.file), follow=heard.append)
    assert {told.name for told in heard if told.what == TESTED} == {"base", "keep-0.25", "keep-1"}
    assert [told.name for told in heard if told.error] == ["keep-0.5"]
    (out / "keep-0.5" / "features.h5").rmdir()
    run(workspace, "failed", scheduler=str(cluster.file))
    assert outcome(out) == one
    assert not [*out.glob(".*")]  # nor a mark of the driver's


@pytest.mark.parametrize("victim", ["worker", "scheduler"])
def test_whatever_is_killed_the_sweep_ends_with_the_right_result(
    cluster: Cluster, workspace: Path, victim: str
) -> None:
    """SIGKILL when a candidate has got as far as any; and none is computed twice once it was finished."""
    stages, rng = (TRAINING, TESTED, TIMED), random.Random(5)
    run(workspace, f"{victim}-lives", keep=[0.5])
    for number in range(KILLS):
        told, out = SimpleQueue[CandidateProgress](), workspace / f"{victim}-killed-{number}"

        def hear(progress: CandidateProgress, told: SimpleQueue[CandidateProgress] = told) -> None:
            if progress.what in stages:
                told.put(progress)

        with ThreadPoolExecutor(1) as pool:
            driver = pool.submit(run, workspace, out.name, keep=[0.5], scheduler=str(cluster.file), follow=hear)
            for _ in range(rng.randint(1, 2 * len(stages) - 1)):  # two candidates
                told.get(timeout=120)
            finished = {file: file.stat().st_mtime_ns for file in out.glob("*/test.json")}
            cluster.kill_worker(rng.randrange(2)) if victim == "worker" else cluster.kill_scheduler()
            driver.result()
        assert outcome(out) == outcome(workspace / f"{victim}-lives")
        assert all(file.stat().st_mtime_ns == since for file, since in finished.items())
