"""Small made material for all tests, and the real material of ../shared where it is there."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from argon2 import PasswordHasher
from hypothesis import settings
from PIL import Image
from torch import nn

from ftl.config import SweepConfig
from ftl.data.masks import MaskSet, load_masks
from ftl.models.backbone import Backbone
from ftl.models.io import load_backbone, save_backbone
from ftl.models.layer_choice import LayerChoice
from ftl.models.preprocess import Preprocess
from ftl.sweeping.sweep import Sweep, sweep
from tests.postgresql import binaries, cluster

settings.register_profile("untimed", deadline=None)  # how long an example takes says nothing about it
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
SIZE = 32


def pytest_configure(config: pytest.Config) -> None:
    """Hundreds of networks are timed, and passwords hashed, as shortly as can be: how long it takes is no matter."""
    from studio.accounts import passwords  # not above: processes that tests start import this file too

    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    os.environ["FTL_TIMING_SECONDS"] = "0.01"
    os.environ["FTL_TIMING_SIDE"] = "64"
    os.environ["FTL_TIMING_PATIENCE"] = "0"  # nor is the machine ever quiet
    if hasattr(config, "workerinput"):  # who times waits for all others that do, by a lock in the temporary folder
        tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="ftl-")
        os.chmod(tempfile.tempdir, 0o755)  # PostgreSQL runs as another user


def pytest_collection_finish() -> None:
    """What is imported by now stays: a search for garbage need not go through it, which takes a tenth of some tests."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


SLOWEST = [
    "e2e/test_jobs.py", "e2e/test_together.py", "e2e/test_first_hour.py", "e2e/test_server_kills.py",
    "fuzz/test_fuzz.py", "studio/jobs/test_jobs.py", "e2e/test_annotate.py", "e2e/test_review.py", "e2e/test_touch.py",
    "e2e/test_choose.py", "e2e/test_surface.py", "e2e/test_random_strokes.py", "ftl/test_real.py",
    "ftl/sweeping/test_cluster.py", "e2e/test_rights.py", "ftl/cli/test_cli.py", "e2e/test_images.py",
    "ftl/models/test_graph.py", "e2e/test_accessibility.py", "e2e/test_label_ahead.py",
    "studio/formats/test_formats.py", "e2e/test_accounts.py", "e2e/test_hostile.py",
    "e2e/test_choose_masks.py", "ftl/cli/test_segment.py",
    "e2e/test_try.py", "studio/jobs/test_kills.py", "studio/store/test_postgresql.py",
    "ftl/exporting/test_export.py", "studio/jobs/test_office.py",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest are begun first, so that no process is left with one when the others have ended."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs, backbones and golden files; tests that need it are left out without it."""
    folder = Path(os.environ.get("FTL_SHARED", ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip("left out: there is no ../shared with real photographs and golden files")
    return folder


def make_features(seed: int = 0, channels: tuple[int, ...] = (8, 12, 10)) -> nn.Sequential:
    """A small chain with all kinds of layers: padding, trained batch norms before and after ReLU, both pools."""
    generator = torch.Generator().manual_seed(seed)
    a, b, c = channels
    features = nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(3, a, 4, 1, 1),
        nn.ReLU(),
        nn.BatchNorm2d(a, eps=1e-3),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(a, b, 3, padding=1, bias=False),
        nn.BatchNorm2d(b),
        nn.ReLU(),
        nn.AvgPool2d(2, 2),
        nn.Conv2d(b, c, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, 2),
    )
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = 0.4 * torch.randn(layer.weight.shape, generator=generator)
            if layer.bias is not None:
                layer.bias.data = torch.randn(layer.bias.shape, generator=generator)
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight.data, layer.running_var):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
            for tensor in (layer.bias.data, layer.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return features.eval()


def make_backbone(seed: int = 0, channels: tuple[int, ...] = (8, 12, 10)) -> Backbone:
    return Backbone("tiny", make_features(seed, channels), Preprocess("caffe", SIZE))


@pytest.fixture
def backbone() -> Backbone:
    return make_backbone()


def save_png(array: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def draw_pair(rng: np.random.Generator, cracked: bool) -> tuple[np.ndarray, np.ndarray]:
    """A noisy surface of SIZE pixels and its mask: a dark line across, or a dark blob."""
    image = rng.integers(120, 200, (SIZE, SIZE, 3), dtype=np.uint8)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    at = int(rng.integers(6, SIZE - 8))
    if cracked:
        mask[at : at + 3] = 255
    else:
        mask[at : at + 5, at - 5 : at] = 255
    image[mask > 0] //= 4
    return image, mask


def make_masks(folder: Path, count: int) -> MaskSet:
    """That many surfaces of each of two classes, with their masks."""
    rng = np.random.default_rng(3)
    for name in ("Crack", "Background"):
        for number in range(count):
            image, mask = draw_pair(rng, name == "Crack")
            save_png(image, folder / "Images" / name / f"{number}.png")
            save_png(mask, folder / "Segmented" / name / f"{number}.png")
    return load_masks(folder / "Images", folder / "Segmented", size=SIZE)


def same(a: list[LayerChoice], b: list[LayerChoice]) -> bool:
    """Whether two choices keep the same filters for the same scores, to the bit."""
    return all(
        x.kept == y.kept and all(np.array_equal(x.scores[group], y.scores[group]) for group in x.scores)
        for x, y in zip(a, b, strict=True)
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "workspace")


def sweep_in(workspace: Path, **more: Any) -> Sweep:
    """The unpruned network and half of it, of a small workspace, in its `models`."""
    config, more = configured(**({"keep": [0.5], "threads": 1} | more))
    return sweep(
        load_backbone(workspace / "tiny.safetensors"),
        load_masks(workspace / "Images", workspace / "Segmented", size=SIZE),
        config,
        dataset=workspace / "dataset",
        evaluation=workspace / "evaluation",
        out=workspace / "models",
        **more,
    )


def configured(**given: Any) -> tuple[SweepConfig, dict[str, Any]]:
    """A sweep's configuration of some keywords, and those that are none of its settings."""
    settings = {name: value for name, value in given.items() if name in SweepConfig.model_fields}
    return SweepConfig(**settings), {name: value for name, value in given.items() if name not in settings}


def make_workspace(folder: Path) -> Path:
    """Images, Segmented, dataset and evaluation in the original's folders, and a backbone, all very small."""
    rng = np.random.default_rng(7)
    for part, count in (("Images", 4), ("dataset", 24), ("evaluation", 12)):
        for name in ("Crack", "Background"):
            for number in range(count):
                image, mask = draw_pair(rng, name == "Crack")
                save_png(image, folder / part / name / f"{part}_{number}.png")
                if part == "Images":
                    save_png(mask, folder / "Segmented" / name / f"{part}_{number}.png")
    save_backbone(make_features(), folder / "tiny.safetensors", name="tiny", size=SIZE)
    return folder


def train_on_masked(workspace: Path) -> None:
    """Put photographs that have a mask into the data set, in the place of others."""
    for image in sorted((workspace / "Images").glob("*/*.png")):
        number = image.stem.partition("_")[2]
        shutil.copyfile(image, workspace / "dataset" / image.parent.name / f"dataset_{number}.png")


PHOTO = r"(.+?_\d+)(?:_\d+)?"
"""Which photo a file of a workspace was cut from: `Images_1.png` and `Images_1_7.png` are of one."""


def add_seen(workspace: Path) -> None:
    """Put four images into the test set that were seen before: of a masked and a trained photo, the file and a crop."""
    for number, source in enumerate(("Images", "dataset")):
        target = workspace / "evaluation" / "Crack"
        shutil.copyfile(workspace / source / "Crack" / f"{source}_0.png", target / f"same_{number}.png")
        save_png(draw_pair(np.random.default_rng(number), True)[0], target / f"{source}_1_7.png")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    programs = binaries()
    if programs is None:
        pytest.skip("left out: there is no PostgreSQL")
    pytest.importorskip("psycopg", reason="left out: there is no driver psycopg for PostgreSQL")
    with cluster(programs) as address:
        yield address
