"""A project to look at: drawn surfaces with cracks, pores and dirt, their masks, and a small sweep."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from ftl.config import SweepConfig
from ftl.data.demo import make_demo
from ftl.data.images import list_images
from ftl.progress import Report
from studio.annotation import log
from studio.annotation.strokes import Region
from studio.images.library import add_image
from studio.jobs.queue import launch
from studio.jobs.request import SweepRequest
from studio.projects.classes import classes_of
from studio.projects.projects import create_project
from studio.store.tables import Job

MASKS, TRAIN, TEST = 16, 100, 40
"""Surfaces per class: few enough for about six minutes on two cores, most of them for fine-tuning."""

SECONDS = 360.0
"""What that takes there."""

NAME = "Demo: cracks, pores and dirt"


def launch_demo(user_id: int) -> Job:
    """Make the demo project and queue the job that fills it."""
    project = create_project(user_id, NAME)
    classes = {one.name: one for one in classes_of(project.id)}
    request = SweepRequest(
        architecture="alexnet_bn",
        epochs=9,
        mask_classes=(classes["Crack"].number,),
        image_classes=(classes["Crack"].id, classes["Background"].id),
        sweep=SweepConfig(keep=(0.05, 0.1, 0.2, 0.35, 0.5), positive="Crack", heads=("tuned",)),
    )
    return launch(project.id, user_id, "demo", "Demo sweep", request, SECONDS)


def fill(project_id: int, user_id: int, folder: Path, report: Report) -> None:
    """Draw the surfaces and add them with their masks to the project; adding twice changes nothing."""
    make_demo(folder, masks=MASKS, train=TRAIN, test=TEST, report=report)
    classes = {one.name: one for one in classes_of(project_id)}
    numbers = json.loads((folder / "Index" / "classes.json").read_text())
    for side, split in (("Images", "train"), ("dataset", "train"), ("evaluation", "test")):
        for name in ("Crack", "Background"):
            found = list_images(folder / side / name)
            for done, file in enumerate(found):
                report(done, len(found), f"adding {side}/{name}")
                shown = f"{ {'Images': 'masked', 'dataset': 'train', 'evaluation': 'test'}[side] }-{file.name}"
                image, _ = add_image(project_id, user_id, file, shown, classes[name].id, split)
                if side == "Images":
                    with Image.open(folder / "Index" / name / f"{file.stem}.png") as picture:
                        index = np.asarray(picture)
                    own = {key: classes[key].number for key in numbers}
                    log.append(image.id, user_id, _regions(index, numbers, own))


def _regions(index: np.ndarray, drawn: dict[str, int], numbers: dict[str, int]) -> list[Region]:
    return [
        Region.of(index == value, numbers[name], f"demo-{name}")
        for name, value in drawn.items()
        if (index == value).any()
    ]
