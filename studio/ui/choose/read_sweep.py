"""A finished sweep as the Choose and Try pages need it, read from its folder."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ftl.data import tiles
from ftl.data.dataset import LeftOut
from ftl.evaluation.candidate import Candidate, in_runtime, unpruned_of
from ftl.evaluation.metrics import positive_class
from ftl.evaluation.runtimes import PYTORCH
from ftl.files import read_json
from ftl.formatting import counted
from ftl.latency.rounds import ROUNDS
from ftl.models.layout import UNPRUNED, VALIDATION
from ftl.models.network_folder import read_description
from ftl.sweeping.other_machine import OtherMachine, on_machine
from ftl.sweeping.results import JSON, read_results


class Network(NamedTuple):
    """One candidate among several sweeps."""

    job_id: int
    name: str

    @property
    def key(self) -> str:
        """As text: for widgets, and for a point of the chart."""
        return f"{self.job_id}/{self.name}"

    @classmethod
    def of(cls, key: str) -> Network:
        """Back from the text."""
        job, _, name = key.partition("/")
        return cls(int(job), name)

    @classmethod
    def asked(cls, text: str) -> Network | None:
        """Back from a text of anybody's; None where it names no network."""
        return cls.of(text) if re.fullmatch(r"[0-9]{1,18}/.+", text, re.ASCII | re.DOTALL) else None


@dataclass(frozen=True)
class Sweep:
    """A sweep's candidates and how they came about. `looked_for`: the class that recall and tiles speak of.

    `layers`: names of the convolutions. `notes`: sentences on what was measured, where and with what. `runtime`: the
    one of `ftl.evaluation.runtimes` that the candidates' figures are of. `machine`: the name of another that took the
    latencies. `criterion`: what ranked the filters. `tile`: pixels of a side of the tiles that large photographs were
    cut into; None: they were not.
    """

    job_id: int
    name: str
    folder: Path
    candidates: tuple[Candidate, ...]
    classes: tuple[str, ...]
    looked_for: str
    layers: tuple[str, ...]
    notes: tuple[str, ...]
    runtime: str = PYTORCH
    machine: str = ""
    criterion: str = ""
    tile: int | None = None

    @property
    def unpruned(self) -> Candidate:
        """The unpruned network."""
        return unpruned_of(self.candidates)

    def within(self, runtime: str) -> Sweep:
        """The same sweep with the figures that its candidates have in a runtime of `ftl.evaluation.runtimes`."""
        return replace(self, candidates=tuple(in_runtime(self.candidates, runtime)), runtime=runtime)

    def on(self, other: OtherMachine) -> Sweep:
        """The same sweep with the latencies of another machine. Raises `FtlError` as `on_machine`."""
        there = tuple(on_machine(self.candidates, other, self.folder))
        unpruned_of(there)  # all others are compared with it
        return replace(self, candidates=there, notes=(*self.notes, other.note), machine=other.machine.name)

    def without(self, names: Set[str]) -> Sweep:
        """The same sweep less these candidates."""
        return replace(self, candidates=tuple(one for one in self.candidates if one.name not in names))

    def candidate(self, name: str) -> Candidate:
        """The candidate of that name."""
        return next(one for one in self.candidates if one.name == name)


def read_sweep(job_id: int, name: str, folder: Path) -> Sweep:
    """Read a sweep's folder as `ftl run` leaves it. Raises `FtlError` when a file is missing or damaged."""
    made, validation = read_json(folder / JSON), read_json(folder / UNPRUNED / VALIDATION)
    settings, machine = made["sweep"]["settings"], made["machine"]
    tile = settings.get("tile")
    left_out = LeftOut(**made["left_out"]).sentence()
    classes = tuple(validation["classes"])
    return Sweep(
        job_id,
        name,
        folder,
        tuple(read_results(folder)),
        classes,
        validation["positive"] or classes[positive_class(classes)],
        tuple(layer["name"] for layer in read_description(folder / UNPRUNED)["layers"]),
        (
            f"Filters of {settings['backbone']} ranked by {settings['criterion']}, mode {settings['mode']}, on "
            f"{settings['images']} photographs with masks; seed {settings['seed']}.",
            f"Time is of one image in a process of its own, the lowest median of at least {ROUNDS} rounds, with "
            f"{counted(made['threads'], 'thread')}, and its quartiles; measured on {machine['processor']}, "
            f"{machine['cores']} cores.",
            *([tiles.sentence(tile)] if tile else []),
            *([f"{left_out}."] if left_out else []),
        ),
        criterion=settings["criterion"],
        tile=tile,
    )
