"""The cost of a sweep as its page has it set, with this machine's speed measured once per network."""

from __future__ import annotations

import time
from typing import NamedTuple

import streamlit as st

from ftl.config import SweepConfig
from ftl.errors import FtlError
from ftl.formatting import counted, duration
from ftl.models.backbone import Backbone, macs
from ftl.models.segmenter import levels_of
from ftl.pruning.criteria import criterion
from ftl.pruning.network_criteria import check_scores
from studio import ui
from studio.jobs.cost import network_of, parts
from studio.jobs.estimate import Speeds, narrow_step, speed, speeds
from studio.jobs.request import SweepRequest
from studio.jobs.starts import Start
from studio.jobs.waiting import ahead

_MEASURED_SECONDS = 600
"""How long a measurement counts: the machine may have been busy."""


class Size(NamedTuple):
    """A network's parameters, its MACs for one photograph, and the seconds that these take here.

    `input`: pixels of a side of its input; `maps`: sides of its maps, the finest first.
    """

    parameters: int
    macs: int
    seconds: float
    input: int
    maps: tuple[int, ...]


def estimate(project_id: int, request: SweepRequest, masks: int, images: int) -> float:
    """Seconds that a sweep will take here, about.

    Raises `FtlError` when its backbone cannot be read, or what is asked for cannot be had of it.
    """
    network, measured = _with_engines(project_id, request.architecture, request.file, images)
    return sum(parts(network, measured, request, masks, images).values())


def problems_of(project_id: int, start: Start, config: SweepConfig) -> dict[str, str]:
    """What is asked for and cannot be had of a network, a sentence for each by its setting."""
    network, _, _ = _measured(project_id, start.settings.get("architecture"), start.settings.get("file"))
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
    network, macs_per_second, _ = _measured(project_id, start.settings.get("architecture"), start.settings.get("file"))
    spec, side = network.spec(), network.preprocess.size
    work = macs(spec, side)
    parameters = sum(parameter.numel() for parameter in network.features.parameters())
    maps = tuple(round(side / level.stride) for level in levels_of(spec, side))
    return Size(parameters, work, work / macs_per_second, side, maps)


@st.cache_resource(max_entries=8, ttl=_MEASURED_SECONDS, show_spinner="Measuring this machine")
def _measured(project_id: int, name: str | None, file: str | None) -> tuple[Backbone, float, float]:
    network = network_of(project_id, name, file)
    return network, speed(network), narrow_step(network)


@st.cache_resource(max_entries=8, ttl=_MEASURED_SECONDS, show_spinner="Measuring this machine")
def _with_engines(project_id: int, name: str | None, file: str | None, images: int) -> tuple[Backbone, Speeds]:
    network, macs_per_second, narrow = _measured(project_id, name, file)
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
