"""The original project's published tables of results, read as candidates."""

from __future__ import annotations

import csv
from pathlib import Path

from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate


def read_published(path: Path) -> list[Candidate] | None:
    """Read a CSV of the original project (`log_avg_alex.csv`, `log_sum_VGG16.csv`).

    Its columns were pasted side by side from three tables, each with its own model names: accuracy and size belong to
    the row's parameters, whose name is the last `Model` column's; the time belongs to the `Model` column before it.
    In three rows of VGG16 these differ, so they are joined by name here. The last row is the unpruned network. Returns
    None for a table that this program wrote.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            head, *rows = [row for row in csv.reader(handle) if any(row)]
        if head[:2] == ["Model", "Keep"]:
            return None
        times = {_stem(row[8]): float(row[9]) for row in rows}

        def read(row: list[str], last: bool) -> Candidate:
            name = _stem(row[8] if last else row[10])
            number = None if last else float(name.split("_")[1])
            f1 = float(row[6]) if row[6] else None
            size, score = float(row[7]), float(row[12]) if row[12] else None
            accuracy = float(row[4]) / 100
            return Candidate(
                name=name or _stem(row[0]),
                keep=1.0 if last else number,
                parameters=int(row[2]),
                accuracy=accuracy,
                f1=f1,
                recall=None,
                time_ms=1000 * times[name],
                size_mb=size,
                test_accuracy=accuracy,
                test_f1=f1,
                published_score=score,
                is_unpruned=last,
            )

        candidates = [read(row, row is rows[-1]) for row in rows]
    except OSError as error:
        raise FtlError(f"{path} cannot be read ({error})") from error
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise FtlError(f"{path} is no CSV of the original project ({error!r})") from error
    return sorted(candidates, key=lambda one: (not one.is_unpruned, one.keep))


def _stem(name: str) -> str:
    return name.removesuffix(".h5")
