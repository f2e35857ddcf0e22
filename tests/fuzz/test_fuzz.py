"""Changed files of each kind: what the studio does with them, and that it answers others meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fuzz.run import fuzz
from tests.fuzz.samples import KINDS

SECONDS = 130  # what a child may take for an answer, with its start
COUNT = int(os.environ.get("FTL_FUZZED", "20"))
"""Files of each kind; more on demand."""


def test_changed_files_are_taken_or_told_and_others_are_answered(tmp_path: Path) -> None:
    outcome = fuzz(tmp_path, KINDS, COUNT, 0)
    assert outcome.wrong == []
    assert outcome.unanswered == 0
    assert outcome.probes > 0
    done = {row["kind"]: row for row in outcome.rows if "count" in row}
    assert done.keys() == set(KINDS)
    assert all(row["slowest"] < SECONDS for row in done.values())
    assert max(row["memory"] for row in done.values()) < 3 * 2**30
