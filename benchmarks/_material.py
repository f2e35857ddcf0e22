"""What the benchmarks run on: ../shared where it is there, else the demo's drawings and random weights."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ftl import Backbone, load_backbone, make_demo
from ftl.files import machine
from ftl.models.backbone import build
from ftl.models.preprocess import Preprocess
from ftl.models.registry import architecture

SHARED = Path(os.environ.get("FTL_SHARED", Path(__file__).parents[2] / "shared"))

PHOTO = {"deepcrack": r"(\w+)(?:-\d+)?", "masonry": "{photo}_#"}
"""How the files of data sets with masks name their photos (`SweepConfig.photo`)."""


def scratch() -> Path:
    """A folder that is gone at the end of the run."""
    folder = Path(tempfile.mkdtemp(prefix="ftl-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def vgg16() -> Backbone:
    weights = SHARED / "backbones" / "vgg16_hed.safetensors"
    if weights.is_file():
        return load_backbone("vgg16", weights=weights)
    torch.manual_seed(0)
    return Backbone("vgg16", build(architecture("vgg16").spec()), Preprocess())


def pairs(count: int) -> tuple[Path, Path]:
    """Folders of `count` photographs and masks: masonry walls, or drawn ones."""
    folder = scratch()
    source = SHARED / "data" / "masonry"
    if not source.is_dir():
        make_demo(folder / "demo", masks=count, train=1, test=1)
        return folder / "demo" / "Images" / "Crack", folder / "demo" / "Segmented" / "Crack"
    files = sorted((source / "images").iterdir())
    for number in range(count):
        file = files[number % len(files)]
        for part in ("images", "masks"):
            (folder / part).mkdir(exist_ok=True)
            shutil.copy(source / part / file.name, folder / part / f"{number:05d}{file.suffix}")
    return folder / "images", folder / "masks"


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def head_line(title: str) -> None:
    on = machine()
    real = "photographs of ../shared" if SHARED.is_dir() else "drawn surfaces (no ../shared here)"
    print(f"{title}\n  {on['processor']}, {on['cores']} cores, torch {torch.__version__}, {real}")
