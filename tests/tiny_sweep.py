"""A finished sweep of three very small networks in a project of the studio."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from ftl import load_backbone, load_masks, sweep
from ftl.config import SegmentConfig, SweepConfig
from ftl.data.segmentation import load_segmentation
from ftl.files import read_json, write_json
from ftl.models.io import save_backbone
from ftl.sweeping import segmented
from ftl.sweeping.pruned import begin_sweep, make_networks
from studio.jobs.layout import DRAWN
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
    """Images, masks, data sets and Drawn as a studio's job lays them out, `NUMBER_name.png`, and a backbone."""
    rng, number = np.random.default_rng(7), 0
    for part, count in (("Images", 4), ("dataset", 24), ("evaluation", 12)):
        for name in ("Crack", "Background"):
            for _ in range(count):
                number += 1
                image, mask = draw_pair(rng, name == "Crack")
                save_png(image, folder / part / name / f"{number}_{part}.png")
                if part == "Images":
                    save_png(mask, folder / "Segmented" / name / f"{number}_{part}.png")
                    save_png(image, folder / DRAWN / "Images" / f"{number}_{part}.png")
                    save_png(mask // 255, folder / DRAWN / "Masks" / f"{number}_{part}.png")
    write_json(folder / DRAWN / "Masks" / "classes.json", {"Crack": 1})
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


MASK_FIGURES = {
    "base-segmented": {"time_ms": 900.0, "time_q1_ms": 880.0, "time_q3_ms": 950.0, "missed": 100},
    "keep-0.25-segmented": {"time_ms": 60.0, "time_q1_ms": 58.0, "time_q3_ms": 65.0, "missed": 700},
    "keep-0.5-segmented": {"time_ms": 200.0, "time_q1_ms": 190.0, "time_q3_ms": 220.0, "missed": 100},
}
"""What the results are made to say: keep-0.5-segmented, as good as the unpruned network, is recommended.

`missed`: of 1000 true pixels of each photograph. In ONNX Runtime all are twice as fast; in 8-bit integers all draw
equally well, so the fastest is recommended.
"""


def mask_quality(missed: int, photographs: int = 10) -> dict[str, object]:
    """Figures of a network that misses so many of 1000 true pixels of each photograph, and draws none wrong."""
    counts = [[[1000 - missed - number, 0, missed + number]] for number in range(photographs)]
    value = 2 * (1000 - missed) / (2000 - missed)
    interval = [value, value - 0.05, min(1.0, value + 0.05)]
    return {
        **dict.fromkeys(("f1", "iou", "tolerant_f1", "cl_dice"), interval),
        "ods": value,
        "average_precision": value,
        "photographs": photographs,
        "pixels": counts,
    }


def add_mask_sweep(project_id: int, user_id: int, name: str = "Cracks", beside: Job | None = None) -> Job:
    """Enter a sweep of networks that draw masks as a job that is done; `beside`: in this sweep, among its classifiers.

    They are trained for a few steps, and what they are measured to be is replaced by `MASK_FIGURES`.
    """
    job = beside
    if job is None:
        with writing() as db:
            job = Job(project_id=project_id, created_by=user_id, kind="sweep", name=name, settings={}, state="done")
            db.add(job)
            db.flush()
    folder, config = workspace(job.id), SweepConfig(keep=(0.25, 0.5), heads=("segmented",), only_masks=True)
    config = config.but(fine_tune_unpruned=True, segment=SegmentConfig(steps=2, crop=32, crops=2))
    if beside is None:
        backbone = load_backbone(lay_out(folder))
        masks = load_masks(folder / "Images", folder / "Segmented", size=SIZE)
        begin_sweep(backbone, masks, models(job.id), config)
        make_networks(backbone, masks, models(job.id), config)
    parts = segmented.part(load_segmentation(folder / DRAWN / "Images", folder / DRAWN / "Masks"), None, 0)
    rows = []
    for network, told in MASK_FIGURES.items():
        made = segmented.finish_segmenter(models(job.id) / network.removesuffix("-segmented"), config, parts)
        write_json(made / "time.json", TIME | told)
        quality, times = mask_quality(int(told["missed"])), {key: told[key] for key in told if key != "missed"}
        faster = {key: value / 2 for key, value in times.items()} | {"unstable": "", "size_mb": 0.05}
        elsewhere = {"onnx": quality, "int8": mask_quality(150)}
        rows.append(
            {"name": network, "keep": 0.5, "parameters": 1000, "classes": ["Crack"], "threshold": 0.5,
             "validation": quality, "test": quality, "unstable": "", "size_mb": 0.1,
             "is_unpruned": network == "base-segmented",
             "runtimes": {name: faster | {"validation": its, "test": its} for name, its in elsewhere.items()}}
            | times
        )  # fmt: skip
    write_json(models(job.id) / "masks.json", {"candidates": rows})
    return job


TIME = {"threads": 1, "machine": {"processor": "a processor", "cores": 2, "system": "a system"}}
"""What is known of where latencies are taken."""

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
