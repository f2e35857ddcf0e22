"""A progress bar with time left on everything that takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from tqdm import tqdm

Report = Callable[[int, int, str], None]
"""A listener: `report(done, total, what)`. The studio stores it with a job; the command line draws a bar."""


LOOKING, TRAINING, TESTED, TIMING, TIMED, FAILED = (
    "looking at photographs", "training", "tested", "timing", "timed", "failed"
)  # fmt: skip
"""What a candidate is at: from TESTED on its figures are there, from TIMED on also its time."""


class CandidateProgress(NamedTuple):
    """How far a candidate is: `done` of `total` at `what`, by a cluster's `worker`; or the error that ended it.

    `epoch`: figures of an epoch of fine-tuning, as `ftl.training.early_stopping.Epoch` has them.
    """

    name: str
    what: str
    done: int = 0
    total: int = 1
    worker: str = ""
    error: str = ""
    epoch: tuple[float, ...] = ()


Follow = Callable[[CandidateProgress], None]
"""A listener to single candidates, called in the thread that runs the sweep."""


class Bar:
    """Draws `report(done, total, what)` calls as one bar per stage on standard error."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._what = ""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Draw the bar of stage `what` at `done` of `total`."""
        if self._bar is None or what != self._what:
            self.close()
            self._bar = tqdm(
                total=total,
                desc=what,
                file=sys.stderr,
                dynamic_ncols=True,
                mininterval=0.2 if sys.stderr.isatty() else 20,
            )
            self._what = what
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def close(self) -> None:
        """End the bar that is drawn now, if any."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def throttled(report: Report, seconds: float = 0.5) -> Report:
    """Passes on the first and the last call of each stage, and of those between at most one in so many seconds."""
    stage, reported = "", 0.0

    def passed(done: int, total: int, what: str) -> None:
        nonlocal stage, reported
        if what == stage and done < total and time.monotonic() - reported < seconds:
            return
        stage, reported = what, time.monotonic()
        report(done, total, what)

    return passed


def silent(done: int, total: int, what: str) -> None:
    """The listener that ignores everything."""


def unheard(progress: CandidateProgress) -> None:
    """The listener that ignores how far candidates are."""
