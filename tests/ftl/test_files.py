"""Whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ftl.errors import FtlError, raise_together
from ftl.files import digest_all, remove_drafts, whole_file, whole_folder, write_text


def test_a_file_appears_only_when_complete(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as draft:
        draft.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_appears_only_when_complete(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "n") as draft:
        (draft / "x").write_text("1")
        assert not (tmp_path / "n").exists()
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "n") as draft:
        (draft / "x").write_text("2")
        raise RuntimeError
    assert (tmp_path / "n" / "x").read_text() == "1"
    assert os.listdir(tmp_path) == ["n"]


def test_drafts_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / ".x.json.draft-12.json").write_text("{")
    (tmp_path / ".m.draft-12").mkdir()
    (tmp_path / "keep").write_text("")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["keep", "n"]


def test_digests_do_not_depend_on_order(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_text(path.name)
    assert digest_all(paths) == digest_all(paths[::-1]) != digest_all(paths[:1])


def test_problems_are_told_together() -> None:
    raise_together("nothing", [])
    with pytest.raises(FtlError, match=r"bad \(2 problems\):\n  - one\n  - two"):
        raise_together("bad", ["one", "two"])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A real full device: /dev/full refuses every byte."""
    if not os.path.exists("/dev/full"):
        pytest.skip("left out: this system has no /dev/full")
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OSError, match="No space left"), whole_file(tmp_path / "a.txt") as draft:
        draft.symlink_to("/dev/full")
        draft.write_text("new" * 10_000)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
