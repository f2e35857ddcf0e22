"""All findings as a table to take along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ftl.formatting import percent
from ftl.tables import csv_text
from studio.inspection.examine import Finding


class Row(NamedTuple):
    """A line of the results: a photograph and a network's finding."""

    photograph: str
    network: str
    finding: Finding


def summary(rows: Sequence[Row]) -> list[dict[str, str]]:
    """What each network says of each photograph, a line for each photograph: `Crack, 99.2 %`."""
    lines = list[dict[str, str]]()
    for photograph, network, one in rows:
        if not lines or lines[-1]["Photograph"] != photograph or network in lines[-1]:  # two may have one name
            lines.append({"Photograph": photograph})
        lines[-1][network] = f"{one.label}, {percent(one.probability)}"
    return lines


def as_csv(rows: Sequence[Row], looked_for: str) -> str:
    """All results: `class` and `probability` of the whole photograph, times in ms, and its tiles where it has some."""
    tiled = ["tiles", f"tiles with {looked_for}", "highest", "tiles ms"]
    lines = [["file", "network", "class", "probability", "ms", *tiled]]
    for photograph, network, one in rows:
        tiled = [""] * 4
        if one.tiles:
            tiled = [str(len(one.tiles)), str(len(one.found)), f"{max(one.chances):.6f}", f"{one.tiles_ms:.1f}"]
        lines.append([photograph, network, one.label, f"{one.probability:.6f}", f"{one.ms:.2f}", *tiled])
    return csv_text(lines)
