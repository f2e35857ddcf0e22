"""The cost of a sweep as its page has it set, with this machine's speed measured for each network.

A measurement beside other programs makes everything look slower than it will be: it counts until the machine is quiet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from ftl.config import SweepConfig
from ftl.errors import FtlError
from ftl.formatting import counted, duration, percent
from ftl.latency.machine_load import look, others, read
from ftl.latency.rounds import QUIET
from ftl.models.backbone import Backbone, macs
from ftl.models.segmenter import levels_of
from ftl.pruning.criteria import criterion
from ftl.pruning.network_criteria import check_scores
from studio import ui
from studio.jobs.cost import network_of, parts
from studio.jobs.estimate import Speeds, narrow_step, speed, speeds
from studio.jobs.meter import BACKBONE, EXPORT, KEEPING, LATENCY, LAYOUT, REPEATS, SCORING, SEARCH
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start
from studio.jobs.waiting import ahead

_MEASURED_SECONDS, _LOOKED_SECONDS = 600, 10
"""How long a measurement of a network counts, and a look at the machine's load."""


class Measured(NamedTuple):
    """A network with what was measured of it: MACs per second, and seconds of a narrow training step (`narrow_step`).

    `others`: the share 0..1 of the processor that other programs used meanwhile, or just before if that was more.
    `at`: seconds of `time.monotonic`.
    """

    network: Backbone
    speed: float
    narrow: float
    others: float
    at: float


class Size(NamedTuple):
    """A network's parameters, its MACs for one photograph, and the seconds that these take here.

    `input`: pixels of a side of its input; `maps`: sides of its maps, the finest first.
    """

    parameters: int
    macs: int
    seconds: float
    input: int
    maps: tuple[int, ...]


def estimate_parts(project_id: int, request: SweepRequest, masks: int, images: int) -> dict[str, float]:
    """Seconds that each part of a sweep will take here, about, by its name in `studio.jobs.meter`.

    Raises `FtlError` when its backbone cannot be read, or what is asked for cannot be had of it.
    """
    network, measured = _with_engines(project_id, request.architecture, request.file, images)
    return parts(network, measured, request, masks, images)


_PARTS = {
    BACKBONE: "training from scratch",
    SEARCH: "searching widths",
    SCORING: "ranking filters",
    EXPORT: "runtimes",
    LATENCY: "measuring latency",
    REPEATS: "repeats",
}


def longest(seconds: Mapping[str, float], most: int = 3) -> str:
    """What takes longest of a sweep, the longest first, as `training 5 min, measuring latency 30 s`."""
    found = dict[str, float]()
    for part, taken in seconds.items():
        if part not in (LAYOUT, KEEPING):
            what = _PARTS.get(part, "training and testing")
            found[what] = found.get(what, 0.0) + taken
    ordered = sorted(found, key=found.__getitem__, reverse=True)[:most]
    return ", ".join(f"{what} {duration(found[what])}" for what in ordered)


def problems_of(project_id: int, start: Start, config: SweepConfig) -> dict[str, str]:
    """What is asked for and cannot be had of a network, a sentence for each by its setting."""
    network = _measured(project_id, start.settings.get("architecture"), start.settings.get("file")).network
    checks = {
        "heads": lambda: config.check_network(network.name, network.has_norms),
        "criterion": lambda: check_scores(criterion(config.criterion), network),
    }
    found = {}
    for setting, check in checks.items():
        try:
            check()
        except FtlError as error:
            found[setting] = str(error)
    return found


def size_of(project_id: int, start: Start) -> Size:
    """How large and how fast a network is, unpruned. Raises `FtlError` when it cannot be read."""
    network, macs_per_second, *_ = _measured(project_id, start.settings.get("architecture"), start.settings.get("file"))
    spec, side = network.spec(), network.preprocess.size
    work = macs(spec, side)
    parameters = sum(parameter.numel() for parameter in network.features.parameters())
    maps = tuple(round(side / level.stride) for level in levels_of(spec, side))
    return Size(parameters, work, work / macs_per_second, side, maps)


def busy(project_id: int, start: Start) -> str:
    """That a network was measured beside other programs, in a sentence; empty if it was not."""
    measured = _measured(project_id, start.settings.get("architecture"), start.settings.get("file"))
    if measured.others <= QUIET:
        return ""
    return (
        f"Measured while other programs used {percent(measured.others, 0)} of the processor: all times here may be too "
        "long. They are measured again once the machine is quiet."
    )


def _measured(project_id: int, name: str | None, file: str | None) -> Measured:
    """What was measured of a network: again, where the machine was busy then and is quiet now.

    Not within seconds: a page asks many times while it is drawn, and a machine that is nearly quiet looks busy again.
    """
    found = _measured_once(project_id, name, file)
    if found.others <= QUIET or time.monotonic() - found.at < _LOOKED_SECONDS or _load() > QUIET:
        return found
    _load.clear()  # it may have been quiet seconds ago
    if _load() <= QUIET:
        _measured_once.clear(project_id, name, file)
    return _measured_once(project_id, name, file)


@st.cache_resource(max_entries=8, ttl=_MEASURED_SECONDS, show_spinner="Measuring this machine")
def _measured_once(project_id: int, name: str | None, file: str | None) -> Measured:
    network = network_of(project_id, name, file)
    load, before = look(), read()
    measured = speed(network), narrow_step(network)
    return Measured(network, *measured, max(load, others(before, read())), time.monotonic())


@st.cache_data(ttl=_LOOKED_SECONDS, show_spinner=False)
def _load() -> float:
    return look()


def _with_engines(project_id: int, name: str | None, file: str | None, images: int) -> tuple[Backbone, Speeds]:
    network, macs_per_second, narrow, *_ = _measured(project_id, name, file)
    return network, speeds(network, images, macs_per_second, narrow)


def expected(project_id: int, seconds: float) -> str:
    """When a sweep begins that is launched now and takes so long, and when it is done, in words."""
    before, wait = ahead(project_id)
    if wait is None:
        return f"Behind {counted(before, 'job')}: begins once they are done."
    end = ui.time_of_day(time.time() + wait + seconds)
    if not before:
        return f"Begins at once, done at about {end}."
    return f"Behind {counted(before, 'job')}: begins in about {duration(wait)}, done at about {end}."
