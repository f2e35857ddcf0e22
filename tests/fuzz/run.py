"""Start the studio with `tests.fuzz.app`, ask for its health all the while, and read what came of the files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT

_PAUSE = 0.1  # between two questions after the server's health


class Outcome(NamedTuple):
    """`rows`: what was reported; `probes`: how often the server's health was asked for, `unanswered`: in vain.

    `worst`: seconds that it took at most.
    """

    rows: list[dict[str, Any]]
    probes: int
    unanswered: int
    worst: float

    @property
    def wrong(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if "wrong" in row or "failed" in row]


def fuzz(folder: Path, kinds: Sequence[str], count: int, seed: int) -> Outcome:
    """Send `count` changed files of each kind through a studio whose home is below `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    report = folder / "report"
    report.touch()
    told = {
        "STUDIO_HOME": str(folder / "home"), "FUZZ_KINDS": ",".join(kinds), "FUZZ_COUNT": str(count),
        "FUZZ_SEED": str(seed), "FUZZ_REPORT": str(report), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    health = told["FUZZ_HEALTH"] = f"http://127.0.0.1:{port}/_stcore/health"
    command = [sys.executable, "-m", "tests.fuzz.app", "run", "streamlit_app.py", f"--server.port={port}"]
    command += ["--server.address=127.0.0.1", "--server.headless=true"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | told)
    try:
        return _watch(process, health, report, folder / "log")
    finally:
        process.terminate()
        process.wait(30)


def _watch(process: subprocess.Popen[bytes], health: str, report: Path, log: Path) -> Outcome:
    probes = unanswered = 0
    worst = 0.0
    up = False
    while True:
        if process.poll() is not None:
            raise AssertionError(f"the studio ended:\n{log.read_text()[-3000:]}")
        start = time.monotonic()
        try:
            urllib.request.urlopen(health, timeout=30).read()
            answered = True
        except OSError:
            answered = False
        if up:
            probes += 1
            unanswered += not answered
            worst = max(worst, time.monotonic() - start)
        up = up or answered  # the first answer is not counted: its port is open while the studio is still imported
        rows = [json.loads(line) for line in report.read_text().splitlines() if line.endswith("}")]
        if any("end" in row for row in rows):
            return Outcome(rows, probes, unanswered, worst)
        time.sleep(_PAUSE)
