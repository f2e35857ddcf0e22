"""Latencies of a candidate, as the files of its folder hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ftl.evaluation.runtimes import NETWORKS, TIMES
from ftl.files import read_json


def latency_of(time: dict[str, Any]) -> dict[str, Any]:
    """A latency and how far it is to be relied on, by the names that a candidate has for them."""
    return {
        "time_ms": time["median_ms"],
        "time_q1_ms": time["q1_ms"],
        "time_q3_ms": time["q3_ms"],
        "time_rounds": len(time["rounds"]),
        "time_others": time["others"],
        "unstable": time["unstable"],
    }


def other_latencies(folder: Path, time: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Latency and size (MiB) of a network in other runtimes, where they were taken of it as it is, as `time` was."""
    found: dict[str, dict[str, Any]] = {}
    for runtime in NETWORKS:
        if not (folder / TIMES[runtime]).is_file():
            continue
        there = read_json(folder / TIMES[runtime])
        if all(there.get(key) == time.get(key) for key in ("network_sha256", "head_sha256", "machine", "threads")):
            size_mb = (folder / NETWORKS[runtime]).stat().st_size / 2**20
            found[runtime] = latency_of(there) | {"size_mb": size_mb}
    return found
