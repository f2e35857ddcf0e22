"""A finished sweep of three very small networks in a project of the studio."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from ftl import load_backbone, load_masks, sweep
from ftl.config import SweepConfig
from ftl.files import read_json
from ftl.models.io import save_backbone
from studio.jobs.sweeps import models, workspace
from studio.store.database import writing
from studio.store.tables import Job
from tests.conftest import SIZE, draw_pair, make_features, save_png

FIGURES = {
    "base": {"time_ms": 100.0, "time_q1_ms": 95.0, "time_q3_ms": 110.0, "accuracy": 0.97, "f1": 0.97, "recall": 0.98},
    "keep-0.25": {"time_ms": 5.0, "time_q1_ms": 4.9, "time_q3_ms": 5.2, "accuracy": 0.8, "f1": 0.8, "recall": 0.7},
    "keep-0.5": {"time_ms": 20.0, "time_q1_ms": 19.0, "time_q3_ms": 21.0, "accuracy": 0.96, "f1": 0.96, "recall": 0.9},
}
"""What the results are made to say, whatever the tiny networks do: keep-0.5 is recommended, keep-0.25 the faster."""

IMAGES = 100
"""Validation images that the results are made to be of, half of each class."""


def answered(accuracy: float) -> dict[str, object]:
    """Balanced answers of this accuracy on the validation images; the first images are the wrong ones."""
    wrong = round(IMAGES * (1 - accuracy))
    missed, half = wrong // 2, IMAGES // 2
    return {
        "right": [number >= wrong for number in range(IMAGES)],
        "validation_confusion": [[half - wrong + missed, wrong - missed], [missed, half - missed]],
        "balanced_accuracy": accuracy,
        "silent": None,
    }


def lay_out(folder: Path) -> Path:
    """Images, masks and data sets as a studio's job lays them out, `NUMBER_name.png`, and a backbone."""
    rng, number = np.random.default_rng(7), 0
    for part, count in (("Images", 4), ("dataset", 24), ("evaluation", 12)):
        for name in ("Crack", "Background"):
            for _ in range(count):
                number += 1
                image, mask = draw_pair(rng, name == "Crack")
                save_png(image, folder / part / name / f"{number}_{part}.png")
                if part == "Images":
                    save_png(mask, folder / "Segmented" / name / f"{number}_{part}.png")
    save_backbone(make_features(), folder / "tiny.safetensors", name="tiny", size=SIZE)
    return folder / "tiny.safetensors"


def add_sweep(project_id: int, user_id: int, name: str = "Tiny") -> Job:
    """Run it and enter it as a job that is done."""
    with writing() as db:
        job = Job(project_id=project_id, created_by=user_id, kind="sweep", name=name, settings={}, state="done")
        db.add(job)
        db.flush()
    folder = workspace(job.id)
    backbone = load_backbone(lay_out(folder))
    masks = load_masks(folder / "Images", folder / "Segmented", size=SIZE)
    sweep(
        backbone,
        masks,
        SweepConfig(keep=(0.25, 0.5)),
        dataset=folder / "dataset",
        evaluation=folder / "evaluation",
        out=models(job.id),
    )
    results = read_json(models(job.id) / "results.json")
    for candidate in results["candidates"]:
        told = FIGURES[candidate["name"]]
        candidate.update(told | answered(told["accuracy"]) | {"unstable": ""})
    (models(job.id) / "results.json").write_text(json.dumps(results))
    return job


DEAD = {
    "base": {"time_ms": 100.0, "time_q1_ms": 95.0, "time_q3_ms": 110.0, "accuracy": 0.92, "f1": 0.92, "recall": 0.92},
    "keep-0.25": {"time_ms": 1.0, "time_q1_ms": 0.9, "time_q3_ms": 1.1, "accuracy": 0.53, "f1": 0.69, "recall": 1.0},
    "keep-0.5": {"time_ms": 9.0, "time_q1_ms": 8.0, "time_q3_ms": 10.0, "accuracy": 0.9, "f1": 0.9, "recall": 0.9},
}
"""Figures of a sweep whose smallest network calls every photograph a crack."""


def copy_as_dead(job: Job, project_id: int) -> Job:
    """Enter a copy of a finished sweep in another project, with `DEAD` figures."""
    with writing() as db:
        copy = Job(
            project_id=project_id, created_by=job.created_by, kind="sweep", name="Dead", settings={}, state="done"
        )
        db.add(copy)
        db.flush()
    shutil.copytree(workspace(job.id), workspace(copy.id))
    results = read_json(models(copy.id) / "results.json")
    for candidate in results["candidates"]:
        told = DEAD[candidate["name"]]
        candidate.update(told | answered(told["accuracy"]))
        if candidate["name"] == "keep-0.25":
            candidate.update(validation_confusion=[[0, 47], [0, 53]], right=[True] * 53 + [False] * 47,
                             balanced_accuracy=0.5, test_accuracy=0.5, silent=[7, 8])  # fmt: skip
    (models(copy.id) / "results.json").write_text(json.dumps(results))
    return copy


def photograph(path: Path, cracked: bool, across: int = 1) -> Path:
    """Save a photograph that was never swept, `across` x `across` of them joined; only the first is cracked."""
    rng = np.random.default_rng(99)
    parts = [draw_pair(rng, cracked and not number)[0] for number in range(across * across)]
    rows = [np.concatenate(parts[start : start + across], 1) for start in range(0, len(parts), across)]
    Image.fromarray(np.concatenate(rows)).save(path)
    return path
