"""How far a job is, from its rows and from the files it has finished."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from ftl.errors import FtlError
from ftl.files import read_json
from ftl.formatting import counted
from ftl.models.layout import SEGMENTED, UNPRUNED
from ftl.progress import FAILED, LOOKING, TESTED, TIMED, TIMING, TRAINING
from ftl.training.early_stopping import Epoch
from studio.jobs.queue import UNFINISHED, candidates_of
from studio.jobs.sweeps import models
from studio.jobs.waiting import MOST_SHOWN
from studio.store.tables import CandidateRow, Job

_UNPRUNED = "unpruned"
_STATES = {TESTED: "finished, not timed yet", TIMED: "measured"}


def candidates(job: Job) -> list[dict[str, Any]]:
    """A row for each network of a sweep, the unpruned one first: how far it is, and its figures once measured."""
    return [_row(row, models(job.id) / row.name, job.state in UNFINISHED) for row in candidates_of(job.id)]


def curves(job: Job) -> dict[str, list[Epoch]]:
    """The learning curves of the candidates that are, or were, fine-tuned, by name."""
    return {row.name: [Epoch(*point) for point in row.curve] for row in candidates_of(job.id) if row.curve}


def finished(rows: list[dict[str, Any]]) -> bool:
    """Whether the unpruned network and a pruned one have their figures."""
    unpruned = [row["Network"] == _UNPRUNED for row in rows if row["Test accuracy"] is not None]
    return any(unpruned) and not all(unpruned)


def _row(row: CandidateRow, folder: Path, goes_on: bool) -> dict[str, Any]:
    state = _STATES.get(row.stage, row.stage) if not row.error else f"failed: {row.error}"
    if row.stage == TIMED and (unstable := _figure(folder / "time.json", "unstable")):
        state = f"measured, latency unstable: {unstable}"
    if not goes_on and row.stage == TIMING:
        state = _STATES[TESTED]
    elif not goes_on and row.stage not in (TESTED, TIMED, FAILED):
        state = "not finished"
    elif row.stage == LOOKING:
        state = f"{LOOKING}, {row.done:,} of {row.total:,}"
    elif row.stage == TRAINING and row.curve:
        draws = row.name.endswith(f"-{SEGMENTED}")
        state = f"{'trained' if draws else 'fine-tuned'} for {len(row.curve)} {'rounds' if draws else 'epochs'}"
    return {
        "Network": _UNPRUNED if row.name == UNPRUNED else row.name.removeprefix("keep-"),
        "State": state,
        "Worker": row.worker,
        "Parameters": _figure(folder / "network.json", "parameters"),
        "Validation accuracy": _figure(folder / "validation.json", "accuracy"),
        "Test accuracy": _figure(folder / "test.json", "accuracy"),
        "Time in ms": _figure(folder / "time.json", "median_ms"),
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


def share(job: Job) -> float:
    """How much of a running job is done, 0..1; its work may all be done but for a moment, and then this is 0.99."""
    return min(MOST_SHOWN, job.share)


def stage(job: Job) -> str:
    """The running stage in words."""
    text = f"{job.stage[:1].upper()}{job.stage[1:]}"
    if job.cancel:
        return "Stopping"
    if 1 < job.total <= 200:
        text += f" · {job.done} of {job.total}"
    return text


def unstable(job: Job) -> str:
    """That latencies of a finished sweep are unstable, and what happens to them."""
    one = job.unstable == 1
    whose = f"The latenc{'y' if one else 'ies'} of {counted(job.unstable, 'network')} {'is' if one else 'are'}"
    return f"{whose} unstable: measured again once the machine is quiet."
