"""Numbers as people read them: thousands apart, no exponents, a dash where there is nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

NOTHING = "–"
"""Stands where there is no figure: for None, and for what is not finite."""


def counted(number: int, noun: str) -> str:
    """`1 image`, `1,200 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def count(number: int | None) -> str:
    """`14,714,688`."""
    return NOTHING if number is None else f"{number:,}"


def fixed(value: float | None, decimals: int, sign: bool = False) -> str:
    """A figure with that many decimals, `0.943` or `1,340.00`; `sign`: also of what is above 0."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:+,.{decimals}f}" if sign else f"{value:,.{decimals}f}"


def number(value: float | None) -> str:
    """A figure with three significant digits, or all before the point: `0.00012`, `7.93`, `39`, `1,340`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if 0 < abs(value) < 1e-6:
        return "< 0.000001" if value > 0 else "> -0.000001"
    decimals = 2 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(0, decimals)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: float) -> str:
    """A figure that somebody set, with all its digits and no more: `0.05`, `0.00001`, `30`."""
    return f"{Decimal(repr(float(value))).normalize():f}"


def exact_percent(share: float) -> str:
    """A share 0..1 that somebody set: `30 %`, `0.5 %`."""
    return f"{exact(round(100 * share, 10))} %"


def parse_share(text: str) -> float:
    """A share as people write it, `0.1`, `10%` or `10 %`, as 0..1. Raises `ValueError` for what is no number."""
    given = text.strip()
    return float(given[:-1]) / 100 if given.endswith("%") else float(given)


def milliseconds(value: float | None) -> str:
    """A latency in milliseconds: `7.93 ms`, `1,340 ms`."""
    return _with_unit(number(value), "ms")


def times(ratio: float) -> str:
    """How many times something is something else: `26`, `9.0`, `1,340`."""
    return fixed(ratio, 0 if ratio >= 9.95 else 1)


def megabytes(value: float | None) -> str:
    """A size in MiB, as files are shown: `12.3 MB`."""
    return _with_unit(number(value), "MB")


def percent(share: float | None, decimals: int = 1) -> str:
    """A share 0..1: `94.3 %`."""
    return _with_unit(fixed(None if share is None else 100 * share, decimals), "%")


def small_percent(share: float | None) -> str:
    """A share 0..1 that may be tiny, with three significant digits: `0.26 %`."""
    return _with_unit(number(None if share is None else 100 * share), "%")


def _with_unit(text: str, unit: str) -> str:
    return text if text == NOTHING else f"{text} {unit}"


def short(value: float | None) -> str:
    """A figure that fits where three candidates stand side by side: 0.88, 7.93, 146, 332 k, 14.7 M, 2.0 G."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 1000:
        return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
    scaled, name = (
        (value / 1e3, "k") if value < 999_500 else (value / 1e6, "M") if value < 999.5e6 else (value / 1e9, "G")
    )
    return f"{scaled:,.{0 if scaled >= 100 else 1}f} {name}"


def duration(seconds: float | None) -> str:
    """A time span, as precise as a person needs: `42 s`, `12 min`, `1.6 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def probability(p: float) -> str:
    """A p-value: `p = 0.21`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.{3 if p < 0.1 else 2}f}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a sentence: `a`, `a and b`, `a, b and 3 more`."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1:,} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
