"""A Dask cluster of separate processes on loopback, started with Dask's own commands, whose processes can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from distributed import Client

from studio.jobs.cluster import UNWATCHED
from tests.conftest import ROOT


class Cluster:
    """A scheduler and workers named w0, w1, ..., each with one thread, a nanny, and a folder of its own."""

    def __init__(self, folder: Path, workers: int = 2, hosts: Sequence[str] = ("127.0.0.1",)) -> None:
        """The workers are on `hosts` in turn, addresses of loopback: to Dask each is a machine."""
        self.folder, self.count, self.hosts = folder, workers, hosts
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "scheduler.json"
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *options, "--scheduler-file", str(self.file), "--no-dashboard"],
                stdout=log, stderr=log, cwd=folder, start_new_session=True,
                env=os.environ | UNWATCHED | {"PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder)},
            )  # fmt: skip

    def start_scheduler(self) -> None:
        self.file.unlink(missing_ok=True)
        command = "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"
        self.scheduler = self._start("scheduler", *command)
        for _ in range(600):
            if self.file.is_file():
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "scheduler.log").read_text())

    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def start_workers(self) -> None:
        self.workers = [
            self._start(
                f"w{number}",
                "distributed.cli.dask_worker",
                "--nthreads",
                "1",
                "--name",
                f"w{number}",
                "--host",
                self.hosts[number % len(self.hosts)],
            )
            for number in range(self.count)
        ]

    def start(self) -> Cluster:
        self.start_scheduler()
        self.start_workers()
        return self

    def wait(self) -> None:
        """Wait until all workers are there."""
        with Client(scheduler_file=str(self.file), set_as_default=False) as client:
            client.wait_for_workers(self.count, timeout=60)

    def kill_worker(self, number: int) -> None:
        """SIGKILL a worker's own process; its nanny starts another."""
        for process in psutil.Process(self.workers[number].pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # killed before, and not yet gone
                if any("spawn_main" in part for part in process.cmdline()):
                    process.kill()

    def kill_scheduler(self) -> None:
        """SIGKILL the scheduler; then start it and its workers anew, as an office's supervisor would."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()
        self._kill_workers()
        self.start()

    def _kill_workers(self) -> None:
        for process in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        self._kill_workers()
        if self.scheduler is not None:
            self.scheduler.kill()
            self.scheduler.wait()
