"""The queue, the worker and the layout that a sweep reads: real processes, killed for real."""

from __future__ import annotations

import io
import json
import os
import signal
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ftl.config import SegmentConfig, SweepConfig
from ftl.data.dataset import LeftOut, load_dataset, without
from ftl.data.masks import load_masks
from ftl.data.segmentation import load_segmentation
from ftl.errors import FtlError
from ftl.models.classifier import load_model
from ftl.models.io import save_backbone
from ftl.models.registry import architecture
from ftl.models.segmenter_files import draws_masks
from ftl.progress import LOOKING, TESTED, TIMED, TIMING, CandidateProgress, silent
from ftl.sweeping.connection import connected
from ftl.sweeping.evaluate import repeated
from ftl.sweeping.manifest import scored_by
from ftl.sweeping.mask_results import read_mask_results
from ftl.sweeping.segmented import part, roles_of
from ftl.training import pretrain
from ftl.training.map_masks import NOT_DRAWN, map_masks, targets_of
from ftl.training.segment import train_segmenter
from studio.accounts.settings import Settings, save
from studio.annotation import log
from studio.annotation.strokes import Brush
from studio.errors import Forbidden, StudioError
from studio.images.library import add_image, find_images, set_class, set_split
from studio.jobs import backbones, progress, queue, reporting, sweep_job
from studio.jobs.cluster import file as scheduler_file
from studio.jobs.further_job import Further, launch_further, what_further
from studio.jobs.layout import DRAWN, PHOTO, draw_split, image_id, lay_out
from studio.jobs.request import SweepRequest, request_of
from studio.jobs.segmenters import mask_networks
from studio.jobs.sweeps import DRAW, exported, finished_sweeps, job_in, models, pick, picked, workspace
from studio.projects.classes import classes_of
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project, set_photo_pattern
from studio.store.tables import Job
from studio.ui.sweep.keep_fractions import parse_keep
from tests.conftest import SIZE, draw_pair, make_backbone, make_features, save_png
from tests.studio.conftest import Someone

KEEP = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


@pytest.mark.parametrize(
    ("text", "fractions"),
    [("0.1", [0.1]), ("0.5, 0.1;0.1", [0.1, 0.5]), ("0.1-0.4/0.1 1", [0.1, 0.2, 0.3, 0.4, 1.0])],
)
def test_keep_fractions(text: str, fractions: list[float]) -> None:
    assert parse_keep(text) == fractions


@pytest.mark.parametrize("text", ["", "half", "0", "1.5", "0.5-0.1/0.1", "0.001-1/0.001", "0.1-0.2/0", "1..2", "-0.1"])
def test_keep_fractions_that_are_none(text: str) -> None:
    with pytest.raises(StudioError):
        parse_keep(text)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12).map(str)), max_size=80),
    st.sets(st.integers(0, 12).map(str)),
    st.integers(0, 9),
)
def test_no_photo_is_on_both_sides_and_none_that_chose_filters_reports(
    photos: list[tuple[int, str]], fixed: set[str], seed: int
) -> None:
    aside = draw_split(photos, fixed, 0.25, seed)
    assert not aside & fixed
    assert aside <= {photo for _, photo in photos}
    assert aside == draw_split(photos, fixed, 0.25, seed)


def fill(project: Someone, folder: Path, each: int = 16, masks: int = 4) -> None:
    """Cracked and sound surfaces, the first ones of the cracked with a mask."""
    rng = np.random.default_rng(0)
    classes = {one.name: one for one in classes_of(project.project_id)}
    for name in ("Crack", "Background"):
        for number in range(each):
            image, mask = draw_pair(rng, name == "Crack")
            file = save_png(image, folder / f"{name}{number}.png")
            added, _ = add_image(project.project_id, project.user_id, file, f"wall{number}_7.png", classes[name].id)
            if name == "Crack" and number < masks:
                ys, xs = np.nonzero(mask)
                points = [[float(x) + 0.5, float(y) + 0.5] for x, y in zip(xs, ys, strict=True)]
                stroke = Brush(f"s{number}", 1, {"points": points, "width": 2}, project.user_id)
                log.append(added.id, project.user_id, [stroke])


def request(project: Someone, repeats: int = 0, **changes: object) -> SweepRequest:
    """A sweep of the tiny network; `changes`: of its configuration."""
    classes = {one.name: one for one in classes_of(project.project_id)}
    return SweepRequest(
        source="file",
        file="tiny.safetensors",
        mask_classes=(1,),
        image_classes=(classes["Crack"].id, classes["Background"].id),
        repeats=repeats,
        sweep=SweepConfig(**({"keep": (0.25, 0.5), "positive": "Crack"} | changes)),  # type: ignore[arg-type]
    )


def give_backbone(project: Someone) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "tiny.safetensors"
        save_backbone(make_features(), made, name="tiny", size=SIZE)
        backbones.add(project.project_id, made.name, io.BytesIO(made.read_bytes()))


def wait(job: Job, *states: str, seconds: float = 120) -> Job:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = job_in(job.project_id, job.id)
        if now.state in states:
            return now
        time.sleep(0.2)  # each look takes milliseconds of the processor that the job needs
    raise AssertionError(f"still {now.state}, {now.stage}: {reporting.log(job.id)}")


def process_of(job: Job) -> int:
    """The process that does a job, once there is one."""
    until(job, lambda: job_in(job.project_id, job.id).process is not None)
    found = job_in(job.project_id, job.id).process
    assert found is not None
    return found


def until(job: Job, there: Callable[[], bool], seconds: float = 240) -> None:
    """Wait for something while a job runs."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, reporting.log(job.id)
        assert job_in(job.project_id, job.id).state in queue.UNFINISHED, reporting.log(job.id)
        time.sleep(0.03)


def test_the_layout_is_what_the_library_reads(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    kinds = request(project)
    set_photo_pattern(project.project_id, r"(.+)_\d+")
    laid = lay_out(
        project.project_id, tmp_path / "out", mask_classes=[1], image_classes=kinds.image_classes  # type: ignore[arg-type]
    )  # fmt: skip
    assert laid.masks == 4
    assert laid.train + laid.test == 32
    assert laid.test >= 4
    reports = {image_id(path) for path in (tmp_path / "out" / "evaluation").rglob("*.png")}
    chose = {image_id(path) for path in (tmp_path / "out" / "Images").rglob("*.png")}
    assert not reports & chose
    sides = [
        {path.stem.partition("_")[2] for path in (tmp_path / "out" / side).rglob("*.png")}
        for side in ("dataset", "evaluation")
    ]
    assert not sides[0] & sides[1]  # crops of one photo on one side
    for path in (tmp_path / "out" / "Segmented").rglob("*.png"):
        image = next(one for one in find_images(project.project_id) if one.id == image_id(path))
        assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) == 255, log.mask(image) == 1)
    learn, network = load_dataset(tmp_path / "out" / "dataset"), make_backbone()
    masks = load_masks(tmp_path / "out" / "Images", tmp_path / "out" / "Segmented", size=SIZE)
    learnt = targets_of(learn, map_masks(network, masks))  # what a fine-tuning with a weight of masks learns
    has_mask = {image_id(path) for path, mask in zip(learn.paths, learnt, strict=True) if (mask != NOT_DRAWN).all()}
    assert has_mask == chose & {image_id(path) for path in learn.paths}
    assert has_mask


def test_masks_are_laid_out_for_networks_that_draw_them(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    laid = lay_out(
        project.project_id, tmp_path / "out", mask_classes=[1], image_classes=[], draws=True, only_masks=True
    )
    assert (laid.masks, laid.train, laid.test) == (4, 0, 0)
    assert not (tmp_path / "out" / "dataset").exists()
    drawn = load_segmentation(tmp_path / "out" / "Drawn" / "Images", tmp_path / "out" / "Drawn" / "Masks")
    assert drawn.classes == ("Crack",)
    images = {image.id: image for image in find_images(project.project_id)}
    for index, path in enumerate(drawn.images):
        image = images[image_id(path) or 0]
        assert np.array_equal(drawn.read(index)[1], log.mask(image) == 1)


def test_without_image_classes_a_network_is_trained_from_scratch_on_masks(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project, tmp_path / "drawn", masks=6)
    set_class(project.project_id, project.user_id, [image.id for image in find_images(project.project_id)], None)
    config = SweepConfig(
        keep=(0.5,), heads=("segmented",), only_masks=True, segment=SegmentConfig(steps=8, crop=64, crops=2)
    )
    asked = SweepRequest(source="scratch", architecture="alexnet_bn", mask_classes=(1,), sweep=config)
    swept: list[Any] = []
    none = SimpleNamespace(candidates=[])
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    monkeypatch.setattr("ftl.sweeping.sweep.sweep", lambda *given, **__: swept.append(given[0]) or none)
    monkeypatch.setattr(sweep_job, "_weigh", lambda job, meter: None)
    trained_on, fit = list[tuple[list[int], int]](), train_segmenter

    def noted(network: Any, data: Any, train: Any, *given: Any, config: SegmentConfig, **more: Any) -> Any:
        trained_on.append((train.tolist(), config.steps))
        return fit(network, data, train, *given, config=config, **more)

    monkeypatch.setattr(pretrain, "train_segmenter", noted)
    monkeypatch.setenv(sweep_job.SCHEDULER, "")
    monkeypatch.setenv(sweep_job.TIME_ON, "")
    job = queue.launch(project.project_id, project.user_id, "sweep", "scratch", asked)
    sweep_job.sweep(job, silent)
    (network,) = swept
    assert network.name == "alexnet_bn"
    assert network.spec() == architecture("alexnet_bn").spec()
    drawn = load_segmentation(workspace(job.id) / DRAWN / "Images", workspace(job.id) / DRAWN / "Masks")
    own = part(drawn, None, 0)
    assert trained_on == [(own.train.tolist(), 2)]  # what tests stays unseen
    sweep_job.sweep(job, silent)  # a retry
    assert len(trained_on) == 1


def test_a_project_without_image_classes_sweeps_networks_that_draw_masks(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn", masks=6)
    give_backbone(project)
    set_class(project.project_id, project.user_id, [image.id for image in find_images(project.project_id)], None)
    config = SweepConfig(
        keep=(0.5,), heads=("segmented",), only_masks=True, segment=SegmentConfig(steps=15, crop=32, crops=2)
    )
    asked = SweepRequest(source="file", file="tiny.safetensors", mask_classes=(1,), sweep=config)
    job = wait(queue.launch(project.project_id, project.user_id, "sweep", "masks", asked, 10.0), "done", "failed")
    assert job.state == "done", reporting.log(job.id)
    (candidate,) = read_mask_results(models(job.id))
    assert candidate.name == "keep-0.5-segmented"
    assert candidate.test.photographs == 2  # of six
    (row,) = queue.candidates_of(job.id)
    assert (row.name, row.stage) == (candidate.name, TIMED)

    own, name = project.project_id, candidate.name
    (known,) = mask_networks(own)
    assert what_further(own, [known]) == {known: Further(0, False)}
    for image in find_images(own)[-2:]:
        log.append(image.id, project.user_id, [Brush("a", 1, {"points": [[1, 1], [30, 30]], "width": 3})])
    assert what_further(own, [known]) == {known: Further(2, False)}
    further = launch_further(own, project.user_id, job.id, name)
    with pytest.raises(StudioError, match="being trained further already"):
        launch_further(own, project.user_id, job.id, name)
    assert what_further(own, [known]) == {known: Further(2, True)}
    assert wait(further, "done", "failed").state == "done", reporting.log(further.id)
    assert further.name == "masks, further on 8 photographs"
    (again,) = read_mask_results(models(further.id))
    assert (again.name, again.begun_from) == (name, f"{name} of masks")
    assert again.before is not None
    assert again.before.photographs == again.test.photographs == 2
    (row,) = queue.candidates_of(further.id)
    assert (row.name, row.stage, len(row.curve)) == (name, TIMED, 4)  # a quarter of 15 steps
    before, after = (roles_of(models(one.id) / name) for one in (job, further))
    assert {*before.train} < {*after.train}
    assert {*before.held_out} < {*after.held_out}  # one of six photographs chose the threshold, two of eight do
    assert {*before.test} == {*after.test}
    assert [sweep.id for sweep in finished_sweeps(own)] == [further.id, job.id]
    newest, _ = mask_networks(own)
    assert what_further(own, [newest]) == {newest: Further(0, False)}
    assert draws_masks(exported(own, further.id, name))
    pick(own, job.id, name, project.user_id)
    assert [one.job_id for one in mask_networks(own)] == [job.id, further.id]
    assert picked(own)[DRAW].job_id == job.id


def photos_in(folder: Path) -> set[str]:
    return {path.stem.partition("_")[2] for path in folder.rglob("*.png")}


def test_the_photo_of_a_mask_without_a_class_is_never_drawn_for_testing(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    kinds = request(project).image_classes
    set_photo_pattern(project.project_id, r"(.+)_\d+")
    masked = [image.id for image in find_images(project.project_id) if image.strokes]
    set_class(project.project_id, project.user_id, masked, None)
    laid = lay_out(
        project.project_id, tmp_path / "out", mask_classes=[1], image_classes=kinds  # type: ignore[arg-type]
    )  # fmt: skip
    assert photos_in(tmp_path / "out" / "Images") == {f"wall{number}" for number in range(4)}
    assert photos_in(tmp_path / "out" / "evaluation") <= {f"wall{number}" for number in range(4, 16)}
    assert (laid.train + laid.test, laid.left_out) == (28, LeftOut())


def fix_what_was_seen(project: Someone) -> None:
    """Fix to "test" a masked photograph, the other crop of another masked photo, and both crops of a third photo."""
    set_photo_pattern(project.project_id, r"(.+)_\d+")
    wanted = {("wall0_7.png", True), ("wall1_7.png", False), ("wall9_7.png", False)}
    fixed = [image.id for image in find_images(project.project_id) if (image.name, image.strokes > 0) in wanted]
    set_split(project.project_id, project.user_id, fixed, "test")


def test_what_is_fixed_to_test_but_was_seen_is_counted_and_left_out(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    fix_what_was_seen(project)
    out, kinds = tmp_path / "out", request(project).image_classes
    laid = lay_out(project.project_id, out, mask_classes=[1], image_classes=kinds)  # type: ignore[arg-type]
    assert (laid.left_out, laid.train + laid.test) == (LeftOut(files=1, crops=1), 30)
    evaluation, dataset = (load_dataset(out / side) for side in ("evaluation", "dataset"))
    scored = scored_by(load_masks(out / "Images", out / "Segmented", size=SIZE))
    judge, left_out = without(evaluation, dataset, PHOTO, scored)
    assert (len(judge), len(dataset), left_out) == (laid.test, laid.train, laid.left_out)
    assert {"wall0", "wall1", "wall9"} & {path.stem.partition("_")[2] for path in judge.paths} == {"wall9"}


def test_what_nobody_foresaw_is_told_in_words(
    project: Someone, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("SELECT secret FROM users")

    monkeypatch.setattr(queue, "start_worker", lambda: None)
    monkeypatch.setitem(sweep_job.KINDS, "sweep", broken)
    job = queue.launch(project.project_id, project.user_id, "sweep", "told", SweepRequest())
    queue.change(job.id, state="running")
    assert sweep_job.main(job.id) == 1
    job = job_in(project.project_id, job.id)
    assert job.state == "failed"
    assert str(job.error).startswith("something unforeseen happened: retry")
    shown = reporting.log(job.id)
    assert "ValueError" in shown
    assert "SELECT" not in shown
    assert "Traceback" not in shown
    assert "SELECT secret" in capfd.readouterr().err


def test_the_log_tells_how_many_report_and_how_many_cannot(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    fix_what_was_seen(project)
    swept: list[Path] = []
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    none = SimpleNamespace(candidates=[])
    monkeypatch.setattr("ftl.sweeping.sweep.sweep", lambda *_, evaluation, **__: swept.append(evaluation) or none)
    monkeypatch.setenv(sweep_job.SCHEDULER, "")
    monkeypatch.setenv(sweep_job.TIME_ON, "")
    job = queue.launch(project.project_id, project.user_id, "sweep", "told", request(project))
    sweep_job.sweep(job, silent)
    tested = len(list(swept[0].rglob("*.png"))) - 2
    told = reporting.log(job.id)
    assert f"4 photographs with masks, {30 - tested} to train on, {tested} to report on\n" in told
    assert "2 images left out of the test set, seen before" in told
    assert told.endswith(": 1 the same file, 1 of the same photo")


def test_weights_that_cannot_be_downloaded_are_told_to_somebody_in_a_browser(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    fill(project, tmp_path / "drawn")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    asked = request(project).but(source="registry", architecture="resnet18", file=None)
    job = queue.launch(project.project_id, project.user_id, "sweep", "offline", asked)
    assert sweep_job.main(job.id) == 1
    ended = job_in(project.project_id, job.id)
    told = ended.error or ""
    assert told.startswith("the pretrained weights of resnet18 are not on this machine, and could not be downloaded: ")
    assert "page Sweep" in told
    assert not {str(tmp_path), "checkpoints", "--weights"} & {*told.split()}
    assert "/" not in told
    assert "--" not in told


def test_a_sweep_without_masks_says_what_to_do(
    project: Someone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project, tmp_path / "drawn", masks=0)
    give_backbone(project)
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(project.project_id, project.user_id, "sweep", "none", request(project))
    assert sweep_job.main(job.id) == 1
    ended = job_in(project.project_id, job.id)
    assert ended.state == "failed"
    assert "draw some on the Annotate page" in (ended.error or "")


def test_a_sweep_survives_the_death_of_job_and_worker(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    asked = request(project, repeats=2, coupling_score="max", coupling_maps="before", round_to=4)
    job = queue.launch(project.project_id, project.user_id, "sweep", "killed", asked)
    os.kill(process_of(job), signal.SIGKILL)
    failed = wait(job, "failed")
    assert "retry goes on" in (failed.error or "")
    queue.retry(project.project_id, job.id)
    worker = int(Path(f"/proc/{process_of(job)}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(worker, signal.SIGKILL)  # the job itself lives on in its own session
    queue.start_worker()
    done = wait(job, "done", "failed")
    assert done.state == "done", done.error
    results = json.loads((models(job.id) / "results.json").read_text())
    assert {one["name"] for one in results["candidates"]} == {"base", "keep-0.25", "keep-0.5"}
    assert (results["sweep"]["settings"].items()) >= {
        "coupling_score": "max",
        "coupling_maps": "before",
        "round_to": 4,
    }.items()
    assert load_model(exported(project.project_id, job.id, "keep-0.5")).classes == ("Background", "Crack")
    again = repeated(models(job.id) / "base")
    assert again
    assert (again[0], *again[1]) == (2, "accuracy", "precision", "recall", "f1", "median_ms")
    other = create_project(project.user_id, "Other")
    with pytest.raises(Forbidden):
        exported(other.id, job.id, "keep-0.5")


def processes(home: Path) -> list[psutil.Process]:
    """What runs for the studio of this home: workers of the queue, jobs, schedulers and workers of its cluster."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("STUDIO_HOME") == str(home) and process.pid != os.getpid():
                found.append(process)
    return found


def gone(home: Path, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while processes(home) and time.monotonic() < end:
        time.sleep(0.1)
    return not processes(home)


def test_the_machines_own_cluster_is_private_and_its_death_only_costs_time(
    project: Someone, home: Path, tmp_path: Path
) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    job = queue.launch(project.project_id, project.user_id, "sweep", "killed", request(project, keep=KEEP[::3]))
    until(job, lambda: any(row.stage == TESTED for row in queue.candidates_of(job.id)))
    file = scheduler_file()
    assert json.loads(file.read_text())["address"].startswith("tls://127.0.0.1:")
    assert (file.parent.stat().st_mode & 0o777, (file.parent / "key.pem").stat().st_mode & 0o777) == (0o700, 0o600)
    with pytest.raises(FtlError, match="no Dask scheduler answers"), connected(str(file)):  # without the key
        pass
    ports = [one.laddr for process in processes(home) for one in process.net_connections() if one.status == "LISTEN"]
    assert {one.ip for one in ports} == {"127.0.0.1"}
    for one in ports:
        with suppress(OSError):  # those that speak Dask's protocol; the web servers that it brings have no pages
            urllib.request.urlopen(f"http://127.0.0.1:{one.port}/json/identity.json", timeout=2)
            raise AssertionError(f"port {one.port} tells who is there")
    finished = {row.name for row in queue.candidates_of(job.id) if row.stage == TESTED}
    since = {name: (models(job.id) / name / "test.json").stat().st_mtime_ns for name in finished}
    for process in processes(home):
        with suppress(psutil.Error):
            if "distributed.cli.dask_scheduler" in process.cmdline():
                process.kill()
    done = wait(job, "done", "failed")
    assert done.state == "done", done.error
    assert {name: (models(job.id) / name / "test.json").stat().st_mtime_ns for name in finished} == since
    rows = queue.candidates_of(job.id)
    assert [row.name for row in rows] == ["base", *(f"keep-{one:g}" for one in KEEP[::3])]
    assert {(row.stage, row.error) for row in rows} == {("timed", "")}
    assert all(row.worker.startswith("here") for row in rows)
    assert "looking at photographs" in reporting.log(job.id)
    assert gone(home)  # with the last job its cluster goes, too


def test_cancel_stops_a_job_at_once_and_what_is_finished_can_be_used(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    first, second = (
        queue.launch(project.project_id, project.user_id, "sweep", name, request(project, keep=KEEP)) for name in "ab"
    )
    queue.cancel(project.project_id, second.id)
    assert job_in(project.project_id, second.id).state == "cancelled"  # before it began
    with pytest.raises(StudioError, match="not finished yet"):
        queue.settle(project.project_id, second.id)

    def finished() -> set[str]:
        return {row.name for row in queue.candidates_of(first.id) if row.stage in (TESTED, TIMED)}

    until(first, lambda: "base" in finished() and len(finished()) > 2)
    queue.cancel(project.project_id, first.id)
    ended = wait(first, "cancelled", "done", seconds=5)
    assert ended.state == "cancelled"
    assert ended.process is None
    assert gone(models(first.id).parents[2], 5)  # nor does any of its steps go on
    kept = finished()
    assert len(kept) < len(KEEP) + 1
    told = {row["State"] for row in progress.candidates(ended)}
    assert told <= {"finished, not timed yet", "measured", "not finished"}
    assert "not finished" in told
    queue.settle(project.project_id, first.id)
    done = wait(first, "done", "failed")
    assert done.state == "done", done.error
    results = json.loads((models(first.id) / "results.json").read_text())
    assert {one["name"] for one in results["candidates"]} == kept | {"base"}
    with pytest.raises(StudioError, match="no retry"):
        queue.retry(project.project_id, first.id)


def test_a_worker_is_started_where_there_is_work_and_none_is(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []
    monkeypatch.setattr(queue, "start_worker", lambda: started.append(True))
    queue.see_to_worker()
    assert not started
    queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest())
    assert len(started) == 1
    with queue.worker_lock(timeout=0):
        queue.see_to_worker()
    assert len(started) == 1
    queue.see_to_worker()
    assert len(started) == 2


def test_what_was_being_timed_is_finished(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(
        project.project_id, project.user_id, "sweep", "a", SweepRequest(sweep=SweepConfig(keep=[0.1, 0.2, 0.3]))
    )
    reporting.await_candidates(job.id, ["base", "keep-0.1", "keep-0.2", "keep-0.3"])
    follow = reporting.follower(job.id)
    for told in (
        CandidateProgress("base", TIMED),
        CandidateProgress("keep-0.1", TIMING),
        CandidateProgress("keep-0.2", TESTED),
        CandidateProgress("keep-0.3", LOOKING),
    ):
        follow(told)
    queue.change(job.id, state="cancelled")
    queue.settle(project.project_id, job.id)
    again = job_in(project.project_id, job.id)
    assert (again.state, request_of(again).sweep.keep) == ("queued", (0.1, 0.2))


def test_projects_take_turns_and_each_has_a_limit(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    other = create_project(project.user_id, "Other")
    with pytest.raises(Forbidden, match="owner"):
        save(project.user_id, Settings(most_jobs=3))
    accept(invite(None, "admin"), project.user_id)
    with pytest.raises(StudioError, match="address reads"):
        save(project.user_id, Settings("tcp://office:99999"))
    save(project.user_id, Settings(most_jobs=3))
    a, b, c = (queue.launch(project.project_id, project.user_id, "sweep", name, SweepRequest()) for name in "abc")
    with pytest.raises(StudioError, match="has 3 jobs"):
        queue.launch(project.project_id, project.user_id, "sweep", "d", SweepRequest())
    d = queue.launch(other.id, project.user_id, "sweep", "d", SweepRequest())
    queue.prefer(project.project_id, c.id)
    with pytest.raises(Forbidden):
        queue.prefer(other.id, c.id)
    order = []
    while (job := queue.next_job()) is not None:
        assert queue.claim(job.id)
        assert not queue.claim(job.id)
        order.append(job.id)
        queue.change(job.id, state="done")
    assert order == [c.id, d.id, a.id, b.id]
