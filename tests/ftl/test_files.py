"""Whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ftl.errors import FtlError, raise_together
from ftl.files import digest_of, read_json, remove_drafts, whole_file, whole_folder, write_text


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
    (tmp_path / "n" / ".x.json.draft-4194999.json").write_text("{")  # no process has this number
    (tmp_path / ".m.draft-4194999").mkdir()
    alive = tmp_path / f".living.draft-{os.getppid()}"
    alive.mkdir()
    (tmp_path / "keep").write_text("")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [alive.name, "keep", "n"]


def test_digests_do_not_depend_on_order() -> None:
    assert digest_of([("a", 1), ("b", 2)]) == digest_of([("b", 2), ("a", 1)]) != digest_of([("a", 2), ("b", 1)])


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_damaged_json_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FtlError, match=r"x\.json is damaged"):
        read_json(tmp_path / "x.json")


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
