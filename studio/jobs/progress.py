"""How far a job is, from its row and from the files it has finished."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from ftl.errors import FtlError
from ftl.files import read_json
from ftl.pruning.sweep import BASE
from studio.jobs.sweeps import models, workspace
from studio.store.models import Job

COLUMNS = {
    "Validation accuracy": {"type": "number", "format": "percent"},
    "Test accuracy": {"type": "number", "format": "percent"},
    "Time in ms": {"type": "number", "format": "%.2f"},
    "Parameters": {"type": "number", "format": "localized"},
}
"""How the table's columns are shown, in Streamlit's words."""

_STEPS = (("head.safetensors", "trained"), ("features.h5", "features computed"), ("network.json", "pruned"))


def candidates(job_id: int) -> list[dict[str, Any]]:
    """A row for each network that is there, the whole one first: how far it is, and its figures once measured."""
    folders = [file.parent for file in models(job_id).glob("*/network.json") if file.parent.name[0] != "."]
    folders.sort(key=lambda one: (one.name != BASE, _figure(one / "network.json", "keep") or 2, one.name))
    return [_row(folder) for folder in folders]


def _row(folder: Path) -> dict[str, Any]:
    time_ms = _figure(folder / "time.json", "median_ms")
    step = next((word for file, word in _STEPS if (folder / file).is_file()), "begun")
    return {
        "Network": "whole" if folder.name == BASE else folder.name.removeprefix("keep-"),
        "State": "measured" if time_ms is not None else step,
        "Parameters": _figure(folder / "network.json", "parameters"),
        "Validation accuracy": _figure(folder / "validation.json", "accuracy"),
        "Test accuracy": _figure(folder / "test.json", "accuracy"),
        "Time in ms": time_ms,
    }


def _figure(file: Path, key: str) -> Any:
    """A number of a result's file; None while there is none."""
    try:
        return _read(file, key, file.stat().st_mtime_ns)
    except (FtlError, OSError):
        return None


@lru_cache(maxsize=4096)
def _read(file: Path, key: str, changed: int) -> Any:
    return read_json(file).get(key)  # files of a hundred kilobytes, asked for at every tick of the page


def stage(job: Job, now: float) -> str:
    """The running stage in words, with the time that it will still take once some of it is done."""
    text = f"{job.stage[:1].upper()}{job.stage[1:]}"
    if job.cancel:
        return "Stopping"
    if job.total > 1:
        text += f" · {job.done} of {job.total}"
    if job.stage_at and 0 < job.done < job.total and now - job.stage_at > 2:
        left = (now - job.stage_at) / job.done * (job.total - job.done)
        text += f" · about {duration(left)} left in this step"
    return text


def times(job: Job) -> str:
    """When a job was launched, and how long it ran."""
    text = f"launched {time.strftime('%d %b %Y, %H:%M', time.localtime(job.created_at))}"
    if job.started_at is not None:
        text += f" · ran {duration((job.ended_at or time.time()) - job.started_at)}"
    return text


def duration(seconds: float) -> str:
    """A time span in words, as precise as a person needs."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def log_end(job_id: int, size: int = 6000) -> str:
    """The last part of a job's log."""
    file = workspace(job_id) / "log.txt"
    if not file.is_file():
        return ""
    with open(file, "rb") as handle:
        handle.seek(max(0, file.stat().st_size - size))
        return handle.read().decode("utf-8", "replace")
