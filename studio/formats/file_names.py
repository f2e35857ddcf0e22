"""File names for exported photographs and masks: legible, allowed on every system, each stem once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

_MOST_BYTES = 180  # file systems take 255, and a number and a suffix are added


def safe_stem(name: str) -> str:
    """A file's stem without what some system forbids in names; spaces, accents and emoji stay."""
    stem = re.sub(r'[\\/:*?"<>|]', "_", PurePosixPath(unicodedata.normalize("NFC", name)).stem)
    stem = stem.encode()[:_MOST_BYTES].decode(errors="ignore").strip(" .")
    return stem or "image"


def unique_stems(named: Sequence[tuple[int, str]]) -> dict[int, str]:
    """A stem for each image of (id, name).

    Images that share one all get their id behind it: the plain name would mean another image to whoever reads it back.
    """
    stems = {key: safe_stem(name) for key, name in named}
    counts = Counter(stem.casefold() for stem in stems.values())
    taken = set(counts)
    for key, stem in stems.items():
        if counts[stem.casefold()] > 1:
            own = f"{stem}_{key}"
            while own.casefold() in taken:
                own += "_"
            taken.add(own.casefold())
            stems[key] = own
    return stems
