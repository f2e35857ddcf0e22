"""Networks that a sweep can start from, and which of them is recommended for a project on this machine."""

from __future__ import annotations

import os
from typing import Any, Literal, NamedTuple

from ftl.formatting import counted, megabytes
from studio.jobs import backbones
from studio.jobs.request import SweepRequest

_FEW_CORES = 4
_SMALL, _LARGE = ("resnet18", "mobilenet_v2", "squeezenet1_1"), ("vgg16", "resnet50", "resnet18")
"""Pretrained networks to begin with on a small and on a large machine, the first choice first."""

_FROM_SCRATCH = "alexnet_bn"
"""Few enough layers to learn from some hundred photographs."""


class Start(NamedTuple):
    """A network to start from. `name`: in the registry, or of a file of the project's.

    `download`: the size in MiB of its weights, if they are not on this machine; else 0.
    """

    source: Literal["scratch", "registry", "file"]
    name: str
    download: float = 0.0

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings of a `SweepRequest`."""
        return {"source": self.source, "file" if self.source == "file" else "architecture": self.name}

    @property
    def title(self) -> str:
        """What it is, in words."""
        if self.source == "file":
            return f"{self.name} · your file"
        if self.source == "scratch":
            return f"{self.name} · trained from scratch on this project"
        away = f" · downloads {megabytes(self.download)}" if self.download else ""
        return f"{self.name} · pretrained on ImageNet{away}"


class Recommended(NamedTuple):
    """A start, and in a sentence why."""

    start: Start
    why: str


def start_of(request: SweepRequest) -> Start:
    """The network that a sweep was launched with."""
    return Start(request.source, (request.file if request.source == "file" else request.architecture) or "")


def starts(project_id: int) -> list[Start]:
    """All networks that a sweep of a project can start from: its files, the newest first, then those of the registry.

    Of the pretrained ones, those whose weights are on this machine come first.
    """
    from ftl.models.imagenet import download_size, downloaded  # who asks how many photographs are enough needs no torch
    from ftl.models.registry import REGISTRY

    files = sorted(backbones.uploaded(project_id), key=lambda name: _added(project_id, name), reverse=True)
    there = downloaded()
    published = {name: known for name, known in REGISTRY.items() if known.weights}
    here = [Start("registry", name) for name in published if name in there]
    away = [Start("registry", name, download_size(known)) for name, known in published.items() if name not in there]
    scratch = [Start("scratch", name) for name in sorted(REGISTRY, key=_after_alexnet)]
    return [*(Start("file", name) for name in files), *here, *away, *scratch]


def _added(project_id: int, name: str) -> float:
    there = [file.stat().st_mtime for file in backbones.files_of(project_id, name) if file.is_file()]
    return max(there, default=0.0)


def _after_alexnet(name: str) -> bool:
    return name != _FROM_SCRATCH


def recommend(known: list[Start], images: int, what: str = "photograph") -> Recommended:
    """The network of `known` to begin with: one that is on this machine, so that a sweep needs no internet.

    `images`: how many a network would be trained from scratch on, and `what` one of them is.
    """
    import torch

    cores = os.cpu_count() or 1
    small = cores <= _FEW_CORES and not torch.cuda.is_available()
    if known[0].source == "file":
        return Recommended(known[0], "It is the file that was added last.")
    by_name = {start.name: start for start in known if start.source == "registry" and not start.download}
    if at_hand := next((name for name in (*(_SMALL if small else _LARGE), *by_name) if name in by_name), None):
        fits = f"fits a machine of {cores} cores" if small else "is worth this machine's time"
        return Recommended(
            by_name[at_hand], f"Its weights are on this machine, and it {fits}; pretrained networks need fewer "
            "photographs.",
        )  # fmt: skip
    return Recommended(
        next(start for start in known if start.source == "scratch"),
        f"No pretrained weights are on this machine, and it is small enough to learn from {counted(images, what)}. A "
        "pretrained network needs fewer: choose one that is downloaded, or add a file.",
    )
