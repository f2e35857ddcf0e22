"""A project to practise drawing in: surfaces whose true masks are known, and how close a drawn one comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from ftl.data.demo import draw
from ftl.files import whole_file
from studio.images.library import add_image
from studio.projects.classes import classes_of
from studio.projects.projects import create_project
from studio.store import files
from studio.store.home import home, scratch
from studio.store.tables import Image, Project

NAME = "Practice: cracks, pores and dirt"

SURFACES = 12
"""Of each class, with and without cracks: as many as a sweep needs, for whoever goes on to one."""

_SEED = 2  # of other surfaces than the demo's


def make_practice(user_id: int) -> Project:
    """Make the project, with all its surfaces."""
    project = create_project(user_id, NAME)
    classes = {one.name: one.id for one in classes_of(project.id)}
    with scratch() as folder, files.keeping(Path(folder)) as keep:
        for name, cracked in (("Crack", True), ("Background", False)):
            for number in range(1, 1 + SURFACES):
                surface = draw(np.random.default_rng([_SEED, cracked, number]), cracked)
                file = Path(folder) / f"{name.lower()}-{number}.png"
                Picture.fromarray(surface.image).save(file)
                image, _ = add_image(project.id, user_id, file, file.name, classes[name], keep=keep)
                with whole_file(true_file(image)) as draft:
                    Picture.fromarray(surface.ids).save(draft)
    return project


def true_mask(image: Image) -> np.ndarray | None:
    """The class ids of a surface that was drawn to practise on, uint8 (height, width); None of any other photograph."""
    file = true_file(image)
    return np.asarray(Picture.open(file)) if file.is_file() else None


def true_file(image: Image) -> Path:
    """Where a photograph's true mask lies, whether there is one or not."""
    return home() / "practice" / f"{image.sha256}.png"


RIGHT, MISSED, BEYOND = 1, 2, 3
"""Pixels of `compared`."""


def compared(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where a mask is `RIGHT`, has `MISSED` something or lies `BEYOND` it, else 0; all are uint8 (height, width)."""
    missed, beyond = (truth > 0) & (mask != truth), (mask > 0) & (truth == 0)
    return np.select([beyond, missed, truth > 0], [BEYOND, MISSED, RIGHT], 0).astype(np.uint8)
