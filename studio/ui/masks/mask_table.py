"""The tables of networks that draw masks: all of them, and the figures of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ftl.evaluation.evaluate_masks import TOLERANCE
from ftl.evaluation.fastest import fastest
from ftl.evaluation.runtimes import TITLES
from ftl.evaluation.segmented_candidate import Quality, SegmentedCandidate
from ftl.formatting import fixed
from studio.ui.choose.read_sweep import Network
from studio.ui.masks.mask_chart import MEANINGS, MEASURES, quality_of
from studio.ui.masks.mask_sweep import MaskSweep

Members = Sequence[tuple[MaskSweep, SegmentedCandidate]]
"""Networks, each with its sweep."""


def in_order(sweeps: Sequence[MaskSweep]) -> Members:
    """All networks: of each sweep the recommended first, then by F1 on the validation photographs."""
    return [
        (sweep, candidate)
        for sweep in sweeps
        for candidate in sorted(
            sweep.candidates, key=lambda one: (one is not sweep.recommended, -one.validation.f1.value)
        )
    ]


def words_of(member: tuple[MaskSweep, SegmentedCandidate]) -> str:
    """What a filter finds a network by: its name, sweep and standing."""
    sweep, candidate = member
    return f"{candidate.name} {sweep.name} {sweep.standing(candidate)}"


def key_of(member: tuple[MaskSweep, SegmentedCandidate]) -> str:
    """Its `Network.key`."""
    return Network(member[0].job_id, member[1].name).key


def rows_of(members: Members, *, tested: bool) -> list[dict[str, str | float]]:
    """A row for each network: measures in per cent, of the test or of the validation photographs."""
    rows, several = [], len({sweep.job_id for sweep, _ in members}) > 1
    for sweep, candidate in members:
        quality = candidate.test if tested else candidate.validation
        row: dict[str, str | float] = {"Sweep": sweep.name} if several else {}
        row |= {"Network": candidate.name, "Standing": sweep.standing(candidate)}
        row |= {name: 100 * quality_of(quality, figure).value for name, figure in MEASURES.items()}
        row |= {
            "Latency": candidate.time_ms,
        }
        if sweep.unpruned is not None:
            row["Times as fast"] = sweep.unpruned.time_ms / candidate.time_ms
        if candidate.runtimes:
            best = fastest(candidate)
            row |= {"Fastest latency": best.time_ms, "Fastest in": TITLES[best.runtime]}
        row |= {
            "Parameters": candidate.parameters,
            "Size": candidate.size_mb,
            "Threshold": candidate.threshold,
        }
        rows.append(row)
    return rows


def column_config() -> dict[str, Any]:
    """How Streamlit writes the numbers of `rows_of`."""
    number = st.column_config.NumberColumn
    short = {f"F1 within {TOLERANCE} pixels": f"F1, {TOLERANCE} px", "Average precision": "AP"}
    measures = {name: number(short.get(name), format="%.1f %%", help=f"{name} {MEANINGS[name]}") for name in MEASURES}
    return measures | {
        "Latency": number(format="%,.0f ms", help="of a photograph of one megapixel"),
        "Times as fast": number(
            "Faster", format="%,.1f", help="how many times as fast as the unpruned network, both in the runtime shown"
        ),
        "Fastest latency": number(
            "Fastest",
            format="%,.0f ms",
            help="in the runtime that it is fastest in, of those that lose 2 points of F1 at most",
        ),
        "Parameters": number(format="localized"),
        "Size": number(format="%,.2f MB"),
        "Threshold": number(format="%.3f", help="how probable a defect must be to be drawn"),
    }


def figures_of(candidate: SegmentedCandidate) -> list[dict[str, str]]:
    """A row for each measure of one network, in per cent, on test and validation photographs, with 95 % intervals."""
    return [
        {
            "Measure [%]": name,
            "Test": _with_interval(quality_of(candidate.test, figure)),
            "Validation": _with_interval(quality_of(candidate.validation, figure)),
        }
        for name, figure in MEASURES.items()
    ]


def _with_interval(quality: Quality) -> str:
    value, low, high = (fixed(100 * share, 1) for share in quality)
    return value if low == value == high else f"{value} ({low} to {high})"
