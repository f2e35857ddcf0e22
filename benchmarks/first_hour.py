"""What a newcomer gets: a sweep of one of the three choices, its estimate beside the truth, and its network.

    python -m benchmarks.first_hour [--data metu] [--choice Quick] [--photographs 240] [--weights FILE]

Half of the photographs are cracks; six of them get masks, whose strokes follow the darkest pixels. The job is launched
and computed as the studio does it. The recommended network is tried on photographs that the project has never seen: 400
of METU's test folder, or with `--data deepcrack`, whose crops are of 60 photos, 218 crops of 20 other photos. Without
`--weights` no pretrained network is at hand.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from benchmarks import _folds
from benchmarks._inspector import branches
from benchmarks._material import SHARED, head_line, scratch
from ftl.data.images import read_image

if TYPE_CHECKING:
    from ftl import Candidate, Dataset
    from studio.store.tables import ImageClass

NAMES = ("Crack", "Background")
MASKS = 6
TESTED = 200  # photographs of each class
_WIDTH = 6.0  # of strokes, in pixels
_POLL = 0.5  # seconds


class Material(NamedTuple):
    """Photographs of each class to upload, others that nobody shows to the project, and how a name tells its photo."""

    uploaded: dict[str, list[Path]]
    unseen: Dataset
    photo: str | None


def metu(photographs: int) -> Material:
    """The first photographs of METU's training folder by name."""
    from ftl import load_dataset

    train, tested = (SHARED / "data" / "metu" / part for part in ("train", "test"))
    files = {name: sorted((train / name).iterdir())[: photographs // 2] for name in NAMES}
    return Material(files, load_dataset(tested, per_class=TESTED, seed=0), None)


def deepcrack(photographs: int) -> Material:
    """Crops of deepcrack, spread over its photos."""
    out = scratch()
    fold = next(_folds.deepcrack(out, [0]))
    files = {}
    for name in NAMES:
        every = sorted((out / "crops" / "0" / "0" / name).iterdir())
        places = np.linspace(0, len(every), min(photographs // 2, len(every)), endpoint=False).astype(int)
        files[name] = [every[place] for place in places]
    return Material(files, fold.judge, fold.photo)


def crack_lines(file: Path) -> list[np.ndarray]:
    """The lines (n, 2), x and y, that a person would draw on a photograph of a crack: along what is darkest."""
    grey = cv2.GaussianBlur(cv2.cvtColor(read_image(file), cv2.COLOR_RGB2GRAY), (0, 0), 2)
    _, dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return [line[::4, ::-1] + 0.5 for line in branches(labels == largest) if len(line) > 20]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", choices=["metu", "deepcrack"], default="metu")
    parser.add_argument("--choice", choices=["Quick", "Balanced", "Thorough"], default="Quick")
    parser.add_argument("--photographs", type=int, default=240)
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()
    head_line(f"{given.choice} on {given.photographs} photographs of {given.data}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["STUDIO_HOME"] = home
        run(given.choice, {"metu": metu, "deepcrack": deepcrack}[given.data](given.photographs), given.weights)


def run(choice: str, material: Material, weights: Path | None) -> None:
    """Fill a project, launch the choice, wait for it, and print what came out."""
    from ftl import evaluate, load_model
    from ftl.evaluation.metrics import wilson
    from studio.annotation import log
    from studio.annotation.strokes import Brush
    from studio.images.library import add_image
    from studio.projects.projects import set_photo_pattern

    project, user, classes = new_project()
    set_photo_pattern(project, material.photo)
    for name, files in material.uploaded.items():
        for number, file in enumerate(files):
            image, _ = add_image(project, user, file, file.name, classes[name].id)
            if name == "Crack" and number < MASKS:
                strokes = [
                    Brush(f"{number}-{index}", classes[name].number, {"points": line.tolist(), "width": _WIDTH}, user)
                    for index, line in enumerate(crack_lines(file))
                ]
                log.append(image.id, user, strokes)
    job = launch(project, user, choice, weights)
    every = material.unseen
    for title, candidate, folder in swept(job):
        model = load_model(folder)
        assert model.classes == every.classes
        accuracy = evaluate(model, every)["accuracy"]
        low, high = wilson(round(accuracy * len(every)), len(every))
        print(f"  {title}: {accuracy:.3f} ({low:.3f} to {high:.3f}) of {len(every)} unseen photographs")
        print(f"    {candidate.time_ms:.1f} ms; the sweep said {candidate.test_accuracy:.3f}")


def new_project() -> tuple[int, int, dict[str, ImageClass]]:
    """A project in an empty studio, its admin, and its classes by name."""
    from studio.accounts import add_user
    from studio.projects.classes import classes_of
    from studio.projects.projects import create_project
    from studio.store.database import migrate, writing

    migrate()
    with writing() as db:
        user = add_user(db, "Newcomer", "a long enough password").id
    project = create_project(user, "Walls").id
    return project, user, {one.name: one for one in classes_of(project)}


def launch(project: int, user: int, choice: str, weights: Path | None, fast: float | None = None) -> int:
    """Launch a choice of a project as the Sweep page does, and wait for it. Returns the job.

    `fast`: MACs per second that are reckoned with, where other programs run; else they are measured.
    """
    from studio.jobs import backbones, queue
    from studio.jobs.cost import network_of, parts
    from studio.jobs.estimate import narrow_step, speed, speeds
    from studio.jobs.presets import numbers_of, presets
    from studio.jobs.request import SweepRequest
    from studio.jobs.starts import recommend, starts
    from studio.jobs.sweeps import job_in
    from studio.jobs.tiling import material

    if weights is not None:
        with open(weights, "rb") as content:
            backbones.add(project, weights.name, content, user)
    begun_with = recommend(starts(project), numbers_of(project).images, "image")
    network = network_of(project, begun_with.start.settings.get("architecture"), begun_with.start.settings.get("file"))
    side = network.preprocess.size
    numbers = numbers_of(project, side)
    measured = speeds(network, numbers.images, fast or speed(network), narrow_step(network))

    def expected(request: SweepRequest) -> dict[str, float]:
        there = material(project, request.image_classes, side, request.large)
        return parts(network, measured, request, there.masks, there.images)

    choices = presets(numbers, begun_with.start, lambda request: sum(expected(request).values()))
    chosen = next(one for one in choices if one.name == choice)
    print(f"  starts from {begun_with.start.name} ({begun_with.start.source}): {begun_with.why}")
    begun, stages = time.monotonic(), dict[str, float]()
    job = queue.launch(project, user, "sweep", choice, chosen.request, chosen.seconds)
    while (job := job_in(project, job.id)).state in queue.UNFINISHED:
        time.sleep(_POLL)
        stages[job.stage] = stages.get(job.stage, 0.0) + _POLL
    took = time.monotonic() - begun
    print(
        f"  {job.state}: estimated {chosen.seconds:.0f} s, took {took:.0f} s, {took / chosen.seconds:.2f} times as long"
    )
    for title, seconds in (("estimated", expected(chosen.request)), ("at each stage", stages)):
        print(f"    {title}: " + ", ".join(f"{name} {one:.0f}" for name, one in seconds.items() if one >= 1))
    return job.id


def swept(job: int) -> list[tuple[str, Candidate, Path]]:
    """The recommended network of a sweep and the unpruned one, each with its title and its folder."""
    from ftl import read_results, recommend
    from ftl.evaluation.candidate import unpruned_of
    from studio.jobs.sweeps import models

    candidates = read_results(models(job))
    pick = recommend(candidates).network
    return [
        (one.name + (", recommended" if one is pick else ""), one, models(job) / one.name)
        for one in dict.fromkeys((*([pick] if pick else []), unpruned_of(candidates)))
    ]


if __name__ == "__main__":
    main()
