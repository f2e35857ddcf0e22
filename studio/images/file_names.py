"""Names of uploaded files as they are kept and shown."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath


def tidy_name(name: str) -> str:
    """An uploaded file's name as it is kept and shown: without folders and without what does not print."""
    own = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).name)
    return "".join(one for one in own if one.isprintable())[:200]
