"""The queue, the worker and the layout that a sweep reads: real processes, killed for real."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftl.model import load_model
from studio.annotation import log
from studio.annotation.shapes import Drawn
from studio.classes import classes_of
from studio.errors import Forbidden, StudioError
from studio.images.library import add_image, find_images
from studio.jobs import queue
from studio.jobs.keep import parse_keep
from studio.jobs.layout import draw_split, image_id, lay_out
from studio.jobs.sweeps import exported, job_in, models, workspace
from studio.projects import create_project, set_photo_pattern
from studio.store.models import Job
from tests.conftest import SIZE, draw_pair, make_features, save_png
from tests.studio.conftest import Someone


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
                stroke = Drawn(f"s{number}", "brush", 1, {"points": points, "width": 2}, project.user_id)
                log.append(added.id, project.user_id, [stroke])


def settings(project: Someone, **changes: object) -> dict[str, object]:
    classes = {one.name: one for one in classes_of(project.project_id)}
    return {
        "backbone": "file",
        "file": "tiny.safetensors",
        "mask_classes": [1],
        "image_classes": [classes["Crack"].id, classes["Background"].id],
        "test_share": 0.25,
        "seed": 0,
        "keep": [0.25, 0.5],
        "criterion": "iou",
        "rule": "fraction",
        "mode": "cascade",
        "positive": "Crack",
    } | changes


def give_backbone(project: Someone) -> None:
    from ftl.backbones.load import save_backbone
    from studio.jobs import backbones

    folder = backbones.folder(project.project_id)
    folder.mkdir(parents=True)
    save_backbone(make_features(), folder / "tiny.safetensors", name="tiny", size=SIZE)


def wait(job: Job, *states: str, seconds: float = 120) -> Job:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = job_in(job.project_id, job.id)
        if now.state in states:
            return now
        time.sleep(0.05)
    raise AssertionError(f"still {now.state}, {now.stage}: {(workspace(job.id) / 'log.txt').read_text()}")


def test_the_layout_is_what_the_library_reads(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    kinds = settings(project)
    set_photo_pattern(project.project_id, r"(.+)_\d+")
    laid = lay_out(
        project.project_id, tmp_path / "out", mask_classes=[1], image_classes=kinds["image_classes"]  # type: ignore[arg-type]
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


def test_a_sweep_without_masks_says_what_to_do(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn", masks=0)
    give_backbone(project)
    job = queue.launch(project.project_id, project.user_id, "sweep", "none", settings(project))
    ended = wait(job, "done", "failed")
    assert ended.state == "failed"
    assert "draw some on the Annotate page" in (ended.error or "")


def test_a_sweep_survives_the_death_of_job_and_worker(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    job = queue.launch(project.project_id, project.user_id, "sweep", "killed", settings(project))
    running = wait(job, "running")
    assert running.process
    os.kill(running.process, signal.SIGKILL)
    failed = wait(job, "failed")
    assert "retry goes on" in (failed.error or "")
    queue.retry(project.project_id, job.id)
    running = wait(job, "running")
    worker = int(Path(f"/proc/{running.process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(worker, signal.SIGKILL)  # the job itself lives on in its own session
    queue.start_worker()
    done = wait(job, "done", "failed")
    assert done.state == "done", done.error
    results = json.loads((models(job.id) / "results.json").read_text())
    assert {one["name"] for one in results["candidates"]} == {"base", "keep-0.25", "keep-0.5"}
    assert load_model(exported(project.project_id, job.id, "keep-0.5")).classes == ("Background", "Crack")
    other = create_project(project.user_id, "Other")
    with pytest.raises(Forbidden):
        exported(other.id, job.id, "keep-0.5")


def test_cancel_stops_a_running_job_and_keeps_what_is_done(project: Someone, tmp_path: Path) -> None:
    fill(project, tmp_path / "drawn")
    give_backbone(project)
    first, second = (
        queue.launch(project.project_id, project.user_id, "sweep", name, settings(project)) for name in ("a", "b")
    )
    queue.cancel(project.project_id, second.id)
    assert job_in(project.project_id, second.id).state == "cancelled"  # before it began
    wait(first, "running")
    queue.cancel(project.project_id, first.id)
    ended = wait(first, "cancelled", "done")
    assert ended.state == "cancelled"
    assert ended.process is None
    queue.retry(project.project_id, first.id)
    assert wait(first, "done", "failed").state == "done"
    with pytest.raises(StudioError, match="no retry"):
        queue.retry(project.project_id, first.id)
