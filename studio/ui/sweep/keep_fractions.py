"""Keep fractions as people write them."""

from __future__ import annotations

import re

from ftl.formatting import parse_share
from studio.errors import StudioError

MOST = 200


def parse_keep(text: str) -> list[float]:
    """Fractions of a list and of ranges "from-to/step", as in "5%, 0.1-0.5/0.1": rising, each once.

    Raises `StudioError` for text that says none, or fractions outside 0..1.
    """
    found: set[float] = set()
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s+%", "%", text.strip()))):
        match = re.fullmatch(r"([\d.]+%?)(?:-([\d.]+%?)/([\d.]+%?))?", part)
        try:
            start, end, step = (parse_share(one) if one else None for one in (match.groups() if match else (None,) * 3))
        except ValueError:
            start = end = step = None
        if start is None:
            raise StudioError(f"{part} is no fraction: write 0.1 or 10%, or a range as 0.1-0.5/0.1")
        if end is None or step is None:
            found.add(round(start, 4))
            continue
        if step < 0.001 or end < start:
            raise StudioError(f"{part} is no range: write from-to/step, as 0.1-0.5/0.1, with a step of at least 0.001")
        found |= {round(start + index * step, 4) for index in range(int((end - start) / step + 1e-6) + 1)}
    if not found:
        raise StudioError("write at least one keep fraction, as 0.1")
    if min(found) <= 0 or max(found) > 1:
        raise StudioError("keep fractions lie above 0 and at most at 1: 0.1, or 10%, keeps a tenth of the filters")
    if len(found) > MOST:
        raise StudioError(f"these are {len(found)} fractions: a sweep has at most {MOST}")
    return sorted(found)
