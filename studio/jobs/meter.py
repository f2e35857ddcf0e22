"""How much of a sweep is done, from what it reports: each part counts as long as it is expected to take."""

from __future__ import annotations

from ftl.models.layout import SEGMENTED, TUNED
from ftl.progress import FAILED, LOOKING, TESTED, TIMED, TIMING, TRAINING, CandidateProgress

LAYOUT, BACKBONE, SEARCH, SCORING, EXPORT, LATENCY, REPEATS, KEEPING = (
    "layout", "backbone", "search", "scoring", "export", "latency", "repeats", "keeping"
)  # fmt: skip
"""Parts of a sweep, in the order in which they are done; its candidates, by their names, stand between scoring and
export."""
PROPOSALS, LOOKS, FOLDS = "proposals", "looks", "folds"
"""The only part of labelling ahead, and of working out what to draw next; and what looking for suspicious masks does
once the photographs are laid out."""

STAGES = (LAYOUT, BACKBONE, SEARCH, SCORING, EXPORT, LATENCY, REPEATS, KEEPING, PROPOSALS, LOOKS, FOLDS)

_FIRST = 0.8  # of the timing, for the rounds that are always taken
_TUNING = 0.9  # of a candidate that is trained itself, for its training; the rest looks at photographs


class Meter:
    """The share of a sweep's work that is done. It never falls, and is 1 only once the job says that it is done.

    `weights`: seconds of each part, in the order in which they are done (`studio.jobs.cost.parts`); none until known.
    """

    def __init__(self, weights: dict[str, float] | None = None) -> None:
        self.weights = weights or {}
        self._done: dict[str, float] = {}
        self._share = 0.0

    @property
    def share(self) -> float:
        """0..1 of the work."""
        total = sum(self.weights.values())
        if total:
            worked = sum(seconds * self._done.get(part, 0.0) for part, seconds in self.weights.items())
            self._share = max(self._share, worked / total)
        return self._share

    def report(self, done: int, total: int, what: str) -> None:
        """Hear of a stage, as `ftl.progress.Report`."""
        found = _part_of(what)
        if found is None:
            return
        part, begin, length = found
        if part == SCORING:  # each fraction is scored for itself where they part: networks tell when it is over
            length /= 2
        self._reach(part, begin + length * done / max(1, total))

    def follow(self, progress: CandidateProgress) -> None:
        """Hear how far a candidate is, as `ftl.progress.Follow`."""
        share = progress.done / max(1, progress.total)
        tuned = progress.name.endswith((f"-{TUNED}", f"-{SEGMENTED}"))
        if progress.what in (TESTED, TIMING, TIMED, FAILED):
            self._reach(progress.name, 1.0)
        elif progress.what == TRAINING and tuned:
            self._reach(progress.name, _TUNING * share)
        elif progress.what == LOOKING:
            self._reach(progress.name, _TUNING + (1 - _TUNING) * share if tuned else 0.95 * share)
        candidates = [part for part in self.weights if part not in STAGES]
        begun = sum(part in self._done for part in candidates)
        if begun > 1:  # the unpruned network waits for no scores
            self._done[SCORING] = max(self._done.get(SCORING, 0.0), begun / len(candidates))

    def _reach(self, part: str, share: float) -> None:
        """A part is so far, and what comes before it is over; candidates go side by side with each other."""
        if part not in self.weights:
            return
        self._done[part] = max(self._done.get(part, 0.0), share)
        if part in STAGES:
            for before in [*self.weights][: [*self.weights].index(part)]:
                self._done[before] = 1.0
        else:
            for before in (LAYOUT, BACKBONE, SEARCH):
                self._done[before] = 1.0


def _part_of(what: str) -> tuple[str, float, float] | None:
    """The part that a stage belongs to, where in it the stage begins, and how much of it the stage is."""
    first = what.split(" ")[0]
    if first in ("drawing", "adding"):
        return LAYOUT, 0.0, 0.2
    if what == "collecting masks":
        return LAYOUT, 0.2, 0.4
    if what == "collecting photographs":
        return LAYOUT, 0.6, 0.4
    stages = {
        "training": BACKBONE, "searching": SEARCH, "scoring": SCORING, "writing": EXPORT,
        "repeating": REPEATS, "keeping": KEEPING, "proposing": PROPOSALS, "looking": LOOKS, "judging": FOLDS,
    }  # fmt: skip
    if what == "timing":
        return LATENCY, 0.0, _FIRST
    if what.startswith("timing again"):
        return LATENCY, _FIRST, 1 - _FIRST
    return (stages[first], 0.0, 1.0) if first in stages else None
