"""Features that do not fit in memory are read in blocks, and give the same head."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ftl.data.dataset import Dataset
from ftl.training import blocks, features, linear_head, train
from ftl.training.features import gathered, read_features, read_images
from ftl.training.linear_head import fit_head
from ftl.training.train import train_head

COUNT, WIDTH = 1200, 120


def made(classes: int) -> tuple[np.ndarray, Dataset]:
    """Features that tell classes apart, but not always."""
    rng = np.random.default_rng(0)
    labels = np.arange(COUNT) % classes
    values = np.maximum(0, rng.standard_normal((COUNT, WIDTH), np.float32) + 0.1 * labels[:, None] * np.ones(WIDTH))
    paths, digests = zip(*((Path(f"{number}.jpg"), f"{number:064}") for number in range(COUNT)), strict=True)
    return values.astype(np.float32), Dataset(paths, labels, tuple("abc"[:classes]), digests)


def written(file: Path, values: np.ndarray, images: Dataset) -> Path:
    text = h5py.string_dtype()
    with h5py.File(file, "w") as target:
        target["features"], target["labels"] = values, images.labels
        target.create_dataset("label_names", data=[*images.classes], dtype=text)
        target.create_dataset("paths", data=[str(path) for path in images.paths], dtype=text)
        target.create_dataset("digests", data=[*images.digests], dtype=text)
    return file


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_is_the_same_from_the_disk_and_never_holds_all_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    values, images = made(classes)
    monkeypatch.setattr(linear_head, "_MOST", 300)
    monkeypatch.setattr(train, "fit_head", partial(fit_head, cs=(0.01,)))
    expected, figures = train_head(values, images, seed=0)
    file = written(tmp_path / "features.h5", values, images)
    assert read_images(file).digest() == read_features(file)[1].digest() == images.digest()

    monkeypatch.setattr(features, "HELD_BYTES", 0)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 2**16)
    mapped, dataset = read_features(file)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, values)
    read = list[int]()

    class Watched(np.memmap):  # type: ignore[type-arg]
        def __getitem__(self, rows: Any) -> Any:
            read.append(len(rows))
            return np.asarray(super().__getitem__(rows))

    head, validation = train_head(mapped.view(Watched), dataset, seed=0)
    assert max(read) <= 136  # a block
    assert head.c == expected.c
    np.testing.assert_allclose(head.weight, expected.weight, atol=1e-4 * np.abs(expected.weight).max())
    assert validation["accuracy"] == figures["accuracy"]


def test_batches_are_gathered_in_memory_or_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    values, _ = made(2)
    held = gathered(iter(np.split(values, [7, 1000])), COUNT)
    assert not isinstance(held, np.memmap)
    monkeypatch.setattr(features, "HELD_BYTES", 0)
    mapped = gathered(iter(np.split(values, [7, 1000])), COUNT)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, held)
