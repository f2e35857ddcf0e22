"""A worker that only waits for a quiet machine ends with the studio; processes are real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.jobs import queue, retake_times
from studio.jobs.request import SweepRequest
from studio.jobs.studio_runs import studio_runs
from tests.studio.conftest import Someone

STUDIO = "from studio.jobs.studio_runs import studio_lock; held = studio_lock(); held.acquire(); print(1); input()"
WORKER = """
from studio.jobs import retake_times, supervisor
retake_times.PATIENCE, retake_times.look = 3600.0, lambda seconds: (print(1), input(), 1.0)[-1]
supervisor.main()
"""
"""It looks whether the machine is quiet, says so, waits for a line, and has found that it is not."""


def started(code: str) -> subprocess.Popen[bytes]:
    """A process that has said that it is at work."""
    process = subprocess.Popen([sys.executable, "-uc", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"1\n"
    return process


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_idle_worker_ends_with_the_studio(
    project: Someone, home: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    monkeypatch.setattr(queue, "start_worker", lambda: None)
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest())
    queue.change(job.id, state="done", unstable=2, ended_at=time.time())
    assert not studio_runs()
    studio = started(STUDIO)
    assert studio_runs()
    worker = started(WORKER)
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(b"\n")
    worker.stdin.flush()
    assert worker.stdout.readline() == b"1\n"  # it looks again, as the studio is there
    os.kill(studio.pid, how)
    studio.wait(10)
    assert not studio_runs()
    worker.communicate(b"\n", 10)
    assert worker.returncode == 0


def test_the_next_studio_goes_on_with_what_is_unstable(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(queue, "start_worker", lambda: begun.append(True))
    job = queue.launch(project.project_id, project.user_id, "sweep", "a", SweepRequest())
    queue.change(job.id, state="done", ended_at=time.time())
    retake_times.resume()
    assert len(begun) == 1  # by the launch
    queue.change(job.id, unstable=2)
    retake_times.resume()
    assert len(begun) == 2
