"""How the candidates of two sweeps differ, as of `layerwise` and of `one_shot`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.evaluation.metrics import mcnemar
from ftl.files import read_json
from ftl.formatting import fixed
from ftl.models.layout import UNPRUNED, VALIDATION
from ftl.models.network_folder import read_description
from ftl.sweeping.networks import networks


class Difference(NamedTuple):
    """One keep fraction in two sweeps: shared filters per layer (Jaccard, 0..1), and validation accuracy of each.

    `p`: exact McNemar p-value of the two on the same validation images; None where nothing was trained.
    """

    name: str
    overlap: list[float]
    accuracy: tuple[float, float] | None
    p: float | None


def compare_sweeps(out: Path, other: Path) -> list[Difference]:
    """Compare the candidates that two sweeps have in common. Raises `FtlError` when they share none."""
    names = [folder.name for folder in networks(out)]
    common = [name for name in names if name != UNPRUNED and (Path(other) / name).is_dir()]
    if not common:
        raise FtlError(f"{out} and {other} share no keep fraction")
    differences = []
    for name in common:
        ours, theirs = Path(out) / name, Path(other) / name
        kept = [[set(layer["kept"]) for layer in read_description(folder)["layers"]] for folder in (ours, theirs)]
        if len(kept[0]) != len(kept[1]):
            raise FtlError(f"{out} and {other} are sweeps of different backbones")
        overlap = [len(a & b) / len(a | b) for a, b in zip(*kept, strict=True)]
        accuracy = p = None
        if (ours / VALIDATION).is_file() and (theirs / VALIDATION).is_file():
            first, second = (read_json(folder / VALIDATION) for folder in (ours, theirs))
            accuracy = (first["accuracy"], second["accuracy"])
            if first["paths"] == second["paths"]:
                p = mcnemar(np.array(first["right"]), np.array(second["right"]))
        differences.append(Difference(name, overlap, accuracy, p))
    return differences


def table(differences: list[Difference]) -> str:
    """The differences as lines of text."""
    lines = [f"{'':16}{'filters in common':>18}{'accuracy':>20}{'p':>8}"]
    for one in differences:
        accuracy = f"{fixed(one.accuracy[0], 3)} / {fixed(one.accuracy[1], 3)}" if one.accuracy else "not trained"
        p = fixed(one.p, 3)
        lines.append(f"{one.name:16}{100 * float(np.mean(one.overlap)):>16.0f} %{accuracy:>20}{p:>8}")
    return "\n".join(lines) + "\n"
