"""Latencies that were taken on another machine, with the kit of `ftl.latency.bench_kit`, in place of this one's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from ftl.errors import FtlError
from ftl.evaluation.candidate import Measured
from ftl.evaluation.runtimes import FLOAT32, NETWORKS, RUNTIMES
from ftl.files import digest
from ftl.formatting import counted
from ftl.latency.rounds import Take, figure
from ftl.sweeping.latencies import latency_of

_Words = Annotated[str, Field(max_length=200)]
_Milliseconds = Annotated[float, Field(gt=0, lt=1e9)]


class _Take(BaseModel):
    median_ms: _Milliseconds
    q1_ms: _Milliseconds
    q3_ms: _Milliseconds
    runs: Annotated[int, Field(ge=1)]
    others: Annotated[float, Field(ge=0, le=1)]


class _Timed(BaseModel):
    sha256: _Words
    rounds: Annotated[list[_Take], Field(min_length=1, max_length=100)]


class _Machine(BaseModel):
    name: _Words
    processor: _Words
    cores: int


class OtherMachine(BaseModel):
    """What the kit's script writes: the machine, its threads and runtimes, and takes by network and runtime."""

    machine: _Machine
    threads: Annotated[int, Field(ge=1)]
    runtimes: dict[_Words, _Words]
    networks: dict[_Words, dict[_Words, _Timed]]

    @property
    def note(self) -> str:
        """Where the times were taken, in a sentence."""
        on, programs = self.machine, " and ".join(dict.fromkeys(self.runtimes.values()))
        return (
            f"Latencies were taken on {on.name} ({on.processor}, {on.cores} cores) with "
            f"{counted(self.threads, 'thread')}, in {programs}."
        )


def read_times(content: str | bytes) -> OtherMachine:
    """Read what the kit's script wrote. Raises `FtlError` for anything else."""
    try:
        return OtherMachine.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FtlError(f"this is no times.json of a bench kit: {where or 'it'}: {first['msg']}") from None


def on_machine(candidates: Sequence[Measured], other: OtherMachine, folder: Path) -> list[Measured]:
    """Candidates of a sweep's folder with the latencies of another machine, less those that were not timed there.

    What they are worth is what was measured here: in float32 all runtimes are taken to classify or draw as PyTorch
    does, other numbers count where they were measured. Raises `FtlError` where none of these very networks was timed.
    """
    found = [_there(candidate, other, folder / candidate.name) for candidate in candidates]
    if not (timed := [candidate for candidate in found if candidate is not None]):
        raise FtlError(
            f"on {other.machine.name} none of this sweep's networks was timed as it is now: make the kit anew"
        )
    return timed


def _there(candidate: Measured, other: OtherMachine, folder: Path) -> Measured | None:
    times = other.networks.get(candidate.name, {})
    figures: dict[str, dict[str, Any]] = {}
    for runtime, name in NETWORKS.items():
        is_known = runtime in candidate.runtimes or RUNTIMES[runtime].numbers == FLOAT32
        if (
            runtime in times
            and is_known
            and (folder / name).is_file()
            and digest(folder / name) == times[runtime].sha256
        ):
            taken = figure([Take(**take.model_dump()) for take in times[runtime].rounds])
            size_mb = (folder / name).stat().st_size / 2**20
            figures[runtime] = candidate.runtimes.get(runtime, {}) | latency_of(taken) | {"size_mb": size_mb}
    if not figures:
        return None
    first = next(iter(figures))
    return replace(candidate, **figures.pop(first), timed_in=first, runtimes=figures)
