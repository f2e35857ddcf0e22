"""Latency of all networks of a sweep, timed in rounds over them and kept in each network's folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ftl.evaluation.runtimes import NETWORKS, PYTORCH, TIMES
from ftl.files import digest, machine, made_before, versions, write_json
from ftl.latency import machine_load
from ftl.latency.one_process import PATIENCE, SECONDS, time_once
from ftl.latency.rounds import ROUNDS, Take, figure, take_rounds, why_unstable
from ftl.models.classifier import Model, write_head
from ftl.models.layout import HEAD
from ftl.models.network_folder import network_digest, write_network
from ftl.progress import Report, silent

Once = Callable[[Path, "int | None", str], Mapping[str, Any]]
"""Times a network's folder once, with so many threads, in a runtime, as `ftl.latency.one_process.time_once` does."""

Timed = tuple[Path, str]
"""A network's folder and the runtime that it is timed in."""


def measure_latency(model: Model, *, threads: int | None = None) -> dict[str, Any]:
    """The latency of a classifier in PyTorch: one image, batch 1, in a process of its own, warm.

    Returns `median_ms`, `q1_ms`, `q3_ms`, and how it was measured. Raises `FtlError` when it fails.
    """
    with tempfile.TemporaryDirectory(prefix="ftl-") as scratch:
        folder = Path(scratch) / "network"
        write_network(folder, model.network, [], None, {})
        write_head(folder, model.head)
        return time_network(folder, threads)


def time_network(folder: Path, threads: int | None = None, runtime: str = PYTORCH) -> dict[str, Any]:
    """Time one network in rounds with nothing between them; the result as `time.json` holds it."""
    rest: dict[str, Any] = {}

    def take(key: None) -> Take:
        taken, others = _parted(time_once(folder, threads, runtime))
        rest.update(others)
        return taken

    found = take_rounds([None], take, lambda key, takes: None, look=machine_load.look, patience=PATIENCE)
    return figure(found[None]) | rest


def time_all(
    folders: Sequence[Path],
    threads: int | None = None,
    report: Report = silent,
    *,
    on: dict[str, Any] | None = None,
    by: Once = time_once,
    look: Callable[[], float] = machine_load.look,
    runtimes: Sequence[str] = (PYTORCH,),
    hear: Callable[[Path], None] = lambda folder: None,
    again: bool = False,
    patience: float | None = PATIENCE,
) -> None:
    """Time networks in rounds over all of them and write each one's file of `TIMES`; those timed before are left alone.

    Unstable times are taken again, as `ftl.latency.rounds` says. Each take is written at once, so that a killed run
    goes on where it was.

    Args:
        on: the machine that takes the times, as `machine()` describes it; this one by default.
        by: takes a time there.
        look: the share of that machine's processor that others use now.
        runtimes: of `ftl.evaluation.runtimes`; those other than PyTorch take what `ftl.exporting.prepared.prepare`
            made.
        hear: called with each network's folder once nothing more is timed of it.
        again: whether to time those again, too, that an earlier run left as unstable.
        patience: seconds for taking again, with the waits for a quiet machine; as `ftl.latency.rounds.take_rounds` has
            it.
    """
    on = machine() if on is None else on
    wanted = [(folder, runtime) for folder in folders for runtime in runtimes]
    made_from = {key: _made_from(*key, on, threads) for key in wanted}
    before: dict[Timed, list[Take]] = {}
    for (folder, runtime), made in made_from.items():
        earlier = made_before(folder / TIMES[runtime], made)
        takes = [Take(**take) for take in earlier["rounds"]] if earlier else []
        if len(takes) < ROUNDS or (again and why_unstable(takes)):
            before[folder, runtime] = takes
    if patience is None and again:  # the first rounds are over, so they cannot say
        patience = 2 * SECONDS * len(before)
    rest: dict[Timed, dict[str, Any]] = {}

    def take(key: Timed) -> Take:
        taken, rest[key] = _parted(by(key[0], threads, key[1]))
        return taken

    def keep(key: Timed, takes: list[Take]) -> None:
        result = figure(takes) | rest[key] | made_from[key] | {"versions": versions()}
        write_json(key[0] / TIMES[key[1]], result)
        if len(takes) >= ROUNDS and not result["unstable"]:
            settled(key)

    def settled(key: Timed) -> None:
        before.pop(key, None)
        if all(folder != key[0] for folder, _ in before):
            hear(key[0])

    for folder in folders:
        if all(folder != other for other, _ in before):
            hear(folder)
    take_rounds([*before], take, keep, before=dict(before), look=look, patience=patience, report=report)
    for key in [*before]:  # those that stay unstable
        settled(key)


def _parted(taken: Mapping[str, Any]) -> tuple[Take, dict[str, Any]]:
    """What `time_once` gives, parted into the take itself and what is the same for all takes."""
    return (
        Take(**{key: taken[key] for key in Take._fields}),
        {key: value for key, value in taken.items() if key not in Take._fields},
    )


def _made_from(folder: Path, runtime: str, on: dict[str, Any], threads: int | None) -> dict[str, Any]:
    """What a network's time depends on."""
    made: dict[str, Any] = {"network_sha256": network_digest(folder), "head_sha256": digest(folder / HEAD)}
    made |= {"machine": on} | ({} if threads is None else {"threads": threads})
    return made if runtime == PYTORCH else made | {"file_sha256": digest(folder / NETWORKS[runtime])}
