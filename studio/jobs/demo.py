"""A project to look around in: drawn surfaces with cracks, pores and dirt, their masks, and a small sweep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ftl.config import SweepConfig
from ftl.data.demo import CLASSES, make_demo
from ftl.data.images import list_images
from ftl.data.photo_names import PHOTO
from ftl.progress import Report
from studio.annotation import log
from studio.annotation.strokes import Region
from studio.images.library import add_image
from studio.jobs import backbones
from studio.jobs.queue import launch
from studio.jobs.request import DEMO, SweepRequest
from studio.projects.classes import classes_of
from studio.projects.projects import create_project, set_photo_pattern
from studio.store import files
from studio.store.tables import Job

MASKS, TRAIN, TEST = 8, 60, 40
"""Surfaces per class."""

SECONDS = 45.0
"""What drawing and sweeping them takes on two cores, about."""

NAME = "Demo: cracks, pores and dirt"

_CLASSES = ("Crack", "Background")
_PARTS = {"Images": ("masked", "train"), "dataset": ("train", "train"), "evaluation": ("test", "test")}
"""Folders of what is drawn: how its photographs' names begin in the project, and what they are for."""

NETWORK = Path(__file__).with_name("drawn-surfaces.safetensors")
"""What the sweep prunes: `benchmarks.demo_network` trained it on 1,000 such surfaces, none of them the demo's."""


def launch_demo(user_id: int) -> Job:
    """Make the demo project and queue the job that fills it."""
    project = create_project(user_id, NAME)
    set_photo_pattern(project.id, PHOTO)  # each surface is a photo of its own
    classes = {one.name: one for one in classes_of(project.id)}
    request = SweepRequest(
        source="file",
        file=NETWORK.name,
        mask_classes=(classes["Crack"].number,),
        image_classes=(classes["Crack"].id, classes["Background"].id),
        sweep=SweepConfig(keep=(0.1, 0.35, 0.5, 0.75), positive="Crack"),
    )
    return launch(project.id, user_id, DEMO, "Demo sweep", request, SECONDS)


def fill(project_id: int, user_id: int, folder: Path, report: Report) -> None:
    """Add the network, the surfaces and their masks to the project; adding twice changes nothing."""
    with open(NETWORK, "rb") as content:
        backbones.add(project_id, NETWORK.name, content, user_id)
    make_demo(folder, masks=MASKS, train=TRAIN, test=TEST, report=report)
    classes = {one.name: one for one in classes_of(project_id)}
    found = [(part, name, file) for part in _PARTS for name in _CLASSES for file in list_images(folder / part / name)]
    with files.keeping(folder) as keep:
        for done, (part, name, file) in enumerate(found):
            report(done, len(found), "adding photographs")
            first, split = _PARTS[part]
            image, _ = add_image(project_id, user_id, file, f"{first}-{file.name}", classes[name].id, split, keep)
            if part == "Images":
                ids = np.asarray(Image.open(folder / "Index" / name / file.name))
                log.append(image.id, user_id, _regions(ids, {key: classes[key].number for key in CLASSES}))


def _regions(ids: np.ndarray, numbers: dict[str, int]) -> list[Region]:
    """The areas of a surface's class ids, as strokes of the project's classes."""
    return [
        Region.of(ids == CLASSES[name], number, f"demo-{name}")
        for name, number in numbers.items()
        if (ids == CLASSES[name]).any()
    ]
