"""`python -m tests.fuzz.app run streamlit_app.py`: the studio, with a thread that sends it changed files.

`FUZZ_KINDS`, `FUZZ_COUNT`, `FUZZ_SEED` say which; what comes of them is written to `FUZZ_REPORT` as JSON lines.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from streamlit.web.cli import main

from ftl.errors import FtlError
from studio.accounts import add_user
from studio.backup.packing import backup
from studio.backup.restoring import restore
from studio.errors import StudioError
from studio.formats.import_masks import import_masks
from studio.images.uploads import receive
from studio.jobs import backbones
from studio.projects.projects import create_project
from studio.store.database import migrate, reading, writing
from studio.store.home import SCRATCH, home
from studio.store.tables import Base
from tests.fuzz.mutate import cases
from tests.fuzz.samples import MASKS, NETWORKS, PHOTOGRAPHS, picture, sample

LONG = 10.0
"""Seconds after which the log tells what each thread is at."""


def feeder(project_id: int, user_id: int, kind: str) -> Callable[[str, bytes], list[str]]:
    """What the studio does with a file of that kind; it returns the sentences that it tells."""

    def feed(name: str, data: bytes) -> list[str]:
        files = [(name, io.BytesIO(data))]
        if kind in PHOTOGRAPHS:
            return receive(project_id, user_id, files).problems
        if kind in MASKS:
            return import_masks(project_id, user_id, files, class_number=1).problems
        if kind in NETWORKS:
            backbones.add(project_id, name, io.BytesIO(data))
        else:
            restore(user_id, io.BytesIO(data))
        return []

    return feed


def rows() -> dict[str, int]:
    with reading() as db:
        return {name: db.scalar(select(func.count()).select_from(table)) or 0 for name, table in
                Base.metadata.tables.items()}  # fmt: skip


def wrong_with(kind: str, name: str, data: bytes, feed: Callable[[str, bytes], list[str]]) -> str:
    """What is wrong with how the studio took a file; empty where nothing is."""
    before = rows() if kind == "backup" else {}
    try:
        sentences = feed(name, data)
    except (StudioError, FtlError) as error:
        sentences = [str(error)]
        if before and rows() != before:
            return "something of a refused backup was written"
    except BaseException:
        return traceback.format_exc()
    for sentence in sentences:
        if str(home()) in sentence or "Traceback" in sentence or len(sentence) < 10:
            return f"no sentence for a user: {sentence!r}"
        try:
            sentence.encode()
        except UnicodeError:
            return f"a sentence that no page can show: {sentence!r}"
    left = [path.name for path in home().iterdir() if path.name.startswith(SCRATCH)]
    return f"left behind: {left}" if left else ""


def _memory() -> int:
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(most.split()[1]) * 1024


def run(made: dict[str, tuple[str, bytes]]) -> None:
    """Send all files, and report each kind. `made`: the sound files of those that need no studio."""
    with open(os.environ["FUZZ_REPORT"], "a") as report:

        def tell(value: dict[str, Any]) -> None:
            report.write(json.dumps(value) + "\n")
            report.flush()

        try:
            _wait()
            _run(tell, made)
        except BaseException:
            tell({"failed": traceback.format_exc()})
        tell({"end": True})


def _wait() -> None:
    """Until the studio has started, which begins with tidying up what another left behind."""
    while True:
        try:
            urllib.request.urlopen(os.environ["FUZZ_HEALTH"], timeout=5).read()
            return
        except OSError:
            time.sleep(0.2)


def _run(tell: Callable[[dict[str, Any]], None], made: dict[str, tuple[str, bytes]]) -> None:
    migrate()
    with writing() as db:
        user_id = add_user(db, "Fuzz", None).id
    project_id = create_project(user_id, "Fuzz").id
    receive(project_id, user_id, [("wall.png", io.BytesIO(picture("PNG")))])
    small = create_project(user_id, "Small").id
    receive(small, user_id, [("wall.png", io.BytesIO(picture("PNG")))])
    for kind in os.environ["FUZZ_KINDS"].split(","):
        name, data = made.get(kind) or sample(kind, lambda: b"".join(backup(small)))
        feed = feeder(project_id, user_id, kind)
        wrong = wrong_with(kind, name, data, feed)
        if wrong:
            tell({"kind": kind, "number": -1, "wrong": wrong})
        slowest, which = 0.0, -1
        count = int(os.environ["FUZZ_COUNT"])
        for number, changed in cases(kind, data, count, int(os.environ["FUZZ_SEED"])):
            start = time.monotonic()
            faulthandler.dump_traceback_later(LONG)  # into the log, which is then shown
            wrong = wrong_with(kind, name, changed, feed)
            faulthandler.cancel_dump_traceback_later()
            slowest, which = max((slowest, which), (time.monotonic() - start, number))
            if wrong:
                tell({"kind": kind, "number": number, "wrong": wrong})
        tell({"kind": kind, "count": count, "slowest": slowest, "which": which, "memory": _memory()})


if __name__ == "__main__":
    # before the studio starts, for PyTorch's export imports for seconds, which no studio does
    sound = {kind: sample(kind, bytes) for kind in os.environ["FUZZ_KINDS"].split(",") if kind != "backup"}
    threading.Thread(target=run, args=(sound,), daemon=True).start()
    main()
