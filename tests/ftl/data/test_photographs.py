"""Photographs are decoded once, held in memory or on the disk; without room for them they are decoded again."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ftl.data import photographs
from ftl.data.dataset import load_dataset
from ftl.data.images import read_image
from ftl.data.photographs import in_batches, photographs_of
from tests.conftest import SIZE

IMAGE = 3 * SIZE * SIZE


@pytest.fixture
def paths(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ...]:
    monkeypatch.setattr(photographs, "_held", {})
    return load_dataset(workspace / "dataset").paths


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are decoded."""
    files = list[Path]()
    monkeypatch.setattr(photographs, "read_image", lambda path: files.append(path) or read_image(path))
    return files


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, as on a full disk. Python ignores the signal: an error remains."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def looked_at(paths: tuple[Path, ...], seen: list[Path]) -> list[Path]:
    """What is decoded when all are asked for twice in batches, both times rightly."""
    for _ in range(2):
        batches = [*in_batches(photographs_of(paths, SIZE), len(paths), 5)]
        assert [len(batch) for batch in batches] == [5] * 9 + [3]
        np.testing.assert_array_equal(np.concatenate(batches), [read_image(path) for path in paths])
    return sorted(seen)


@pytest.mark.parametrize("held", [photographs.HELD_BYTES, 0], ids=["in memory", "on the disk"])
def test_photographs_are_decoded_once_however_often_they_are_asked_for(
    held: int, paths: tuple[Path, ...], seen: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "HELD_BYTES", held)
    assert looked_at(paths, seen) == sorted(paths)
    np.testing.assert_array_equal(
        photographs_of(paths, SIZE)(np.array([7, 2])), [*map(read_image, (paths[7], paths[2]))]
    )
    paths[2].write_bytes(paths[3].read_bytes())
    np.testing.assert_array_equal(photographs_of(paths, SIZE)(np.array([2]))[0], read_image(paths[3]))


@pytest.mark.parametrize("room", ["no file may grow", "little is free", "no folder"])
def test_where_the_disk_has_no_room_photographs_are_decoded_again(
    room: str, paths: tuple[Path, ...], seen: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "HELD_BYTES", 0)
    if room == "little is free":
        free = shutil.disk_usage("/")._replace(free=2 * IMAGE * len(paths) - 1)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: free)
    if room == "no folder":
        monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    with largest_file(20 * IMAGE if room == "no file may grow" else resource.RLIM_INFINITY):
        assert looked_at(paths, seen) == sorted([*paths, *paths])


def test_what_cannot_be_written_though_it_was_reserved_is_decoded_again(
    paths: tuple[Path, ...], seen: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "HELD_BYTES", 0)
    photographs_of(paths, SIZE)
    with largest_file(20 * IMAGE + IMAGE // 2):  # the twenty-first is written in part
        assert looked_at(paths, seen) == sorted([*paths, *paths[20:]])


def test_more_than_the_disk_is_given_are_decoded_each_time(
    paths: tuple[Path, ...], seen: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "HELD_BYTES", 0)
    monkeypatch.setattr(photographs, "DISK_BYTES", len(paths) * IMAGE - 1)
    assert looked_at(paths, seen) == sorted([*paths, *paths])


def test_sets_used_longest_ago_make_room_in_their_own_place(
    paths: tuple[Path, ...], seen: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "HELD_BYTES", 5 * IMAGE)
    monkeypatch.setattr(photographs, "DISK_BYTES", 16 * IMAGE)
    few, others, many, further = paths[:3], paths[3:6], paths[:10], paths[10:20]

    def decoded(files: tuple[Path, ...]) -> int:
        before = len(seen)
        photographs_of(files, SIZE)(np.arange(len(files)))
        return len(seen) - before

    assert [decoded(files) for files in (few, many, few, many)] == [3, 10, 0, 0]  # each in a place of its own
    assert [decoded(files) for files in (others, few, many)] == [3, 3, 0]
    assert [decoded(files) for files in (further, many, few)] == [10, 10, 0]
