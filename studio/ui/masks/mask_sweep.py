"""A finished sweep's networks that draw masks, and which of them is recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ftl.evaluation.candidate import in_runtime
from ftl.evaluation.fastest import best_against_best
from ftl.evaluation.recommend import PASSED, RECOMMENDED, WORSE
from ftl.evaluation.runtimes import PYTORCH
from ftl.evaluation.segmentation import precision, recall
from ftl.evaluation.segmented_candidate import SIGNIFICANT, SegmentedCandidate, recommend_masks, worse
from ftl.files import read_json
from ftl.formatting import counted, fixed, milliseconds, percent, probability, small_percent, times
from ftl.latency.rounds import ROUNDS
from ftl.models.layout import TIME
from ftl.sweeping.manifest import SETTINGS
from ftl.sweeping.mask_results import read_mask_results
from ftl.sweeping.other_machine import OtherMachine, on_machine
from studio.ui.choose.ranking import where


@dataclass(frozen=True)
class MaskSweep:
    """The networks of a sweep that draw masks. `best`: the one with the highest F1 on the validation photographs.

    `p_values`: of each network's name, that it draws worse than the best. `notes`: sentences on what was measured.
    `runtime`: the one of `ftl.evaluation.runtimes` that the candidates' figures are of. `machine`: the name of another
    that took the latencies.
    """

    job_id: int
    name: str
    folder: Path
    candidates: tuple[SegmentedCandidate, ...]
    recommended: SegmentedCandidate
    best: SegmentedCandidate
    p_values: Mapping[str, float]
    notes: tuple[str, ...] = ()
    runtime: str = PYTORCH
    machine: str = ""

    @property
    def unpruned(self) -> SegmentedCandidate | None:
        """What is made of the unpruned network, where the sweep made it draw too."""
        return next((candidate for candidate in self.candidates if candidate.is_unpruned), None)

    @cached_property
    def unpruned_stands(self) -> str:
        """How the unpruned network, which is there, draws against the recommended one, as `significantly better`."""
        unpruned = self.unpruned
        assert unpruned is not None
        if worse(self.recommended, unpruned) < SIGNIFICANT:
            return "significantly better"
        return "significantly worse" if worse(unpruned, self.recommended) < SIGNIFICANT else "not significantly better"

    def within(self, runtime: str) -> MaskSweep:
        """The same sweep with the figures that its candidates have in a runtime, and who is recommended by those."""
        found = judged(self.job_id, self.name, self.folder, in_runtime(self.candidates, runtime), self.notes)
        assert found is not None
        return replace(found, runtime=runtime, machine=self.machine)

    def on(self, other: OtherMachine) -> MaskSweep:
        """The same sweep with the latencies of another machine, and who is recommended by those.

        Raises `FtlError` as `on_machine`.
        """
        there = on_machine(self.candidates, other, self.folder)
        found = judged(self.job_id, self.name, self.folder, there, (*self.notes, other.note))
        assert found is not None
        return replace(found, machine=other.machine.name)

    def has(self, job_id: int, name: str) -> bool:
        """Whether a network is one of them."""
        return job_id == self.job_id and name in self.p_values

    def candidate(self, name: str) -> SegmentedCandidate:
        """The network of that name."""
        return next(candidate for candidate in self.candidates if candidate.name == name)

    def standing(self, candidate: SegmentedCandidate) -> str:
        """What was found of a network, in words."""
        p = self.p_values[candidate.name]
        if candidate is self.recommended:
            found = f"{RECOMMENDED}, best F1" if candidate is self.best else RECOMMENDED
        elif candidate is self.best:
            found = "best F1, slower"
        else:
            found = PASSED if p >= SIGNIFICANT else f"{WORSE} ({probability(p)})"
        return f"{found}, unpruned" if candidate.is_unpruned else found


def judged(
    job_id: int, name: str, folder: Path, candidates: Sequence[SegmentedCandidate], notes: Sequence[str] = ()
) -> MaskSweep | None:
    """Recommend among these networks; None where there is none."""
    if not candidates:
        return None
    best = max(candidates, key=lambda candidate: candidate.validation.f1.value)
    p_values = {candidate.name: worse(candidate, best) for candidate in candidates}
    recommended = recommend_masks(candidates)
    return MaskSweep(job_id, name, folder, tuple(candidates), recommended, best, p_values, tuple(notes))


def read_mask_sweep(job_id: int, name: str, folder: Path, deleted: Set[str] = frozenset()) -> MaskSweep | None:
    """Read a sweep's folder, less the networks that were deleted. Raises `FtlError` when a file is damaged."""
    candidates = [candidate for candidate in read_mask_results(folder) if candidate.name not in deleted]
    if not candidates:
        return None
    settings, time = read_json(folder / SETTINGS)["settings"], read_json(folder / candidates[0].name / TIME)
    machine, test, validation = time["machine"], candidates[0].test, candidates[0].validation
    notes = (
        f"Encoders: {settings['backbone']}, its filters ranked by {settings['criterion']}, mode {settings['mode']}; "
        f"seed {settings['seed']}.",
        f"{counted(validation.photographs, 'validation photograph')} chose the thresholds; "
        f"{counted(test.photographs, 'test photograph')} had no part in training or selection.",
        f"Latency is of a photograph of one megapixel in a process of its own, the lowest median of at least {ROUNDS} "
        f"rounds, with {counted(time['threads'], 'thread')}, and its quartiles; measured on {machine['processor']}, "
        f"{machine['cores']} cores.",
    )
    return judged(job_id, name, folder, candidates, notes)


def reason(sweep: MaskSweep) -> str:
    """Why the recommended network is recommended, in a sentence of plain text."""
    if before := further(sweep.recommended):
        return before
    over = f"paired bootstrap over {counted(sweep.best.validation.photographs, 'validation photograph')}"
    if sweep.recommended is not sweep.best:
        return f"It is the fastest that does not draw significantly worse than the best, {sweep.best.name} ({over})."
    if all(sweep.best.time_ms <= candidate.time_ms for candidate in sweep.candidates):
        return "It draws best by F1 on the validation photographs, and no other is faster."
    return f"It draws best by F1, and every faster network draws significantly worse ({over})."


def further(candidate: SegmentedCandidate) -> str:
    """Which network one was trained further from, and what that is worth; empty where it was none."""
    if candidate.before is None:
        return ""
    f1 = candidate.before.f1
    return (
        f"It was trained further from {candidate.begun_from}, which has an F1 of {percent(f1.value)} "
        f"({fixed(100 * f1.low, 1)} to {fixed(100 * f1.high, 1)}) on the same test photographs."
    )


def headline(sweep: MaskSweep) -> str:
    """What the recommended network is worth on the test photographs, in a sentence of plain text.

    What is significant is found on the validation photographs.
    """
    pick, unpruned = sweep.recommended, sweep.unpruned
    worth = f"{fixed(pick.test.f1.value, 3)} F1 at {milliseconds(pick.time_ms)} a megapixel{where(pick, sweep.machine)}"
    if unpruned is None:
        return f"{worth}."
    if pick is unpruned:
        return f"{worth}: it is the unpruned network."
    ratio, _ = best_against_best(pick, unpruned)
    each = " (each in its fastest runtime)" if pick.runtimes else ""
    stands = f"{sweep.unpruned_stands} ({fixed(unpruned.test.f1.value, 3)})"
    return f"{worth}, {times(ratio)} times as fast as the unpruned network{each}, which is {stands}."


def details(sweep: MaskSweep) -> list[str]:
    """What the figures of `headline` are of, a sentence of plain text each."""
    pick, unpruned = sweep.recommended, sweep.unpruned
    f1, pixels = pick.test.f1, np.array(pick.test.pixels).sum(axis=(0, 1))
    right, seen = (fixed(100 * float(share(pixels)), 0) for share in (precision, recall))
    found = [
        f"Of 100 pixels that it draws, about {right} are right; of 100 true pixels it finds about {seen}. F1 is the "
        f"harmonic mean of both shares{', averaged over its classes' if len(pick.classes) > 1 else ''}.",
        f"F1 is of {counted(pick.test.photographs, 'test photograph')}, never used for training or selection; 95 % "
        f"interval {fixed(f1.low, 3)} to {fixed(f1.high, 3)}.",
    ]
    if unpruned is not None and pick is not unpruned:
        validation = counted(pick.validation.photographs, "validation photograph")
        found.append(f"What is significant is tested on the {validation} (paired bootstrap).")
        _, words = best_against_best(pick, unpruned)
        left = small_percent(pick.parameters / unpruned.parameters)
        found.append(f"Latency of a megapixel: {words}. It keeps {left} of the parameters.")
    return found
