"""Children that read what strangers sent: what they may take, and what they can reach."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.sandbox import FILES, Refused, call, each, nurseries
from studio.store.home import secret
from tests.conftest import ROOT
from tests.studio.sandbox import tasks

SMALL = FILES._replace(memory=64 * 2**20, output=2**20, cpu=1, wait=30)


def test_a_task_is_the_generator_that_it_would_be_here() -> None:
    answers = each(tasks.add, 1)
    assert next(answers) == 1
    assert answers.send(5) == 6
    assert answers.send(10) == 16
    answers.close()


def test_what_exceeds_a_limit_is_refused_by_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"more memory to read than the studio gives a file \(0\.1 GB\)"):
        call(tasks.take_memory, 2**30, limits=SMALL)
    with pytest.raises(Refused, match=r"longer to read than the studio gives a file \(1 s\)"):
        call(tasks.compute, limits=SMALL)
    with pytest.raises(Refused, match=r"longer to read than the studio gives a file \(1 s\)"):
        call(tasks.hang, limits=SMALL._replace(wait=1))
    with pytest.raises(Refused, match="ended the program that reads it"):
        call(tasks.crash, limits=SMALL)
    with pytest.raises(Refused, match="it cannot be read"):
        call(tasks.write, str(tmp_path / "large"), 2**22, limits=SMALL, folder=tmp_path)
    assert call(tasks.take_memory, 2**20, limits=SMALL) == 2**20
    assert call(tasks.write, str(tmp_path / "small"), 1000, limits=SMALL, folder=tmp_path) == 1000


def refused() -> None:
    with pytest.raises(Refused):
        call(tasks.compute, limits=SMALL)


def test_others_are_answered_meanwhile() -> None:
    slow = each(tasks.add, 1)
    next(slow)
    thread = threading.Thread(target=refused)
    thread.start()
    assert call(tasks.add, 3) == 3
    assert slow.send(1) == 2
    thread.join()
    slow.close()


def test_what_a_task_says_and_what_breaks_it() -> None:
    with pytest.raises(StudioError, match=r"^it is no bridge$"):
        call(tasks.raise_it, "it is no bridge")
    with pytest.raises(Refused, match=r"it cannot be read .KeyError"):
        call(tasks.raise_it, "")


def test_a_child_reaches_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the cookie key nor an environment nor a network, where the system lets one close them."""
    monkeypatch.setenv("STUDIO_SECRET_OF_TESTS", "in the environment")
    secret()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        mine = call(tasks.reach, str(tmp_path / "mine" / "file"), port, folder=tmp_path / "mine")
        other = call(tasks.reach, str(home / "secret.key"), port, folder=tmp_path / "mine")
    assert not any("SECRET_OF_TESTS" in str(value) or "STUDIO" in str(value) for value in (mine, other))
    assert mine[str(tmp_path / "mine" / "file")] == "mine"
    if other["/etc/passwd"] != "PermissionError":
        pytest.skip("left out: there is no Landlock in this system, which closes files")
    assert other[str(home / "secret.key")] == "PermissionError"
    assert [value for name, value in other.items() if name.startswith("/proc")] == ["PermissionError"]
    assert other["network"] != True  # noqa: E712 # the name of an error


def test_a_nursery_that_was_ended_is_replaced() -> None:
    assert call(tasks.add, 1) == 1
    nursery = nurseries._NURSERIES[False]
    os.kill(nursery._process.pid, signal.SIGKILL)
    nursery._process.wait()
    assert call(tasks.add, 2) == 2
    assert nurseries._NURSERIES[False] is not nursery


def test_what_only_children_need_is_not_imported_here() -> None:
    """It would take the page that uploads networks seconds, in which everybody waits."""
    code = "import sys, studio.jobs.backbones; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
