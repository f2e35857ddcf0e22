"""Networks that draw masks in the report of their sweep: what is recommended, a chart and a table."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from ftl.evaluation.candidate import in_runtime, runtimes_of, unstable_latencies
from ftl.evaluation.evaluate_masks import TOLERANCE
from ftl.evaluation.fastest import best_against_best, slower_than_float32
from ftl.evaluation.recommend import PASSED, RECOMMENDED, WORSE
from ftl.evaluation.runtimes import TITLES
from ftl.evaluation.segmented_candidate import SIGNIFICANT, Quality, SegmentedCandidate, recommend_masks, worse
from ftl.formatting import count, counted, fixed, megabytes, milliseconds, number, percent, probability
from ftl.reporting.document import Block, Heading, Table, Text, facts
from ftl.reporting.latency_tables import elsewhere_blocks
from ftl.reporting.subject import Subject
from ftl.reporting.sweep_charts import mask_chart
from ftl.sweeping.mask_results import read_mask_results


def masks_of(out: Path, without: Set[str] = frozenset()) -> list[SegmentedCandidate]:
    """The networks of a sweep that draw masks, less those of these names."""
    return [one for one in read_mask_results(out) if one.name not in without]


def mask_blocks(masks: Sequence[SegmentedCandidate], subject: Subject, out: Path, *, is_first: bool) -> list[Block]:
    """The part on networks that draw masks; nothing where there are none. `is_first`: the report begins with it."""
    if not masks:
        return []
    pick = recommend_masks(masks)
    test, chosen_by = pick.test.photographs, pick.validation.photographs
    blocks: list[Block] = [] if is_first else [Heading("Networks that draw masks")]
    blocks += [
        Text(f"{pick.name} is recommended: the fastest that does not draw significantly worse than the best on the "
             f"{counted(chosen_by, 'validation photograph')}. On the {counted(test, 'test photograph')}, never used "
             f"for training or selection, its F1 is {with_interval(pick.test.f1)}."),
        *_against(masks, pick),
        *([facts(subject.about)] if is_first and subject.about else []),
        mask_chart(masks, pick),
        masks_table(masks),
        *_other_runtimes(masks),
    ]  # fmt: skip
    if note := unstable_latencies(masks):  # type: ignore[arg-type]
        blocks.append(Text(note))
    blocks += elsewhere_blocks(masks, out, subject)
    return blocks


def _against(masks: Sequence[SegmentedCandidate], pick: SegmentedCandidate) -> list[Block]:
    unpruned = next((one for one in masks if one.is_unpruned), None)
    if unpruned is None or unpruned is pick:
        return []
    times, words = best_against_best(pick, unpruned)
    return [Text(f"It is {number(times)} times as fast as the unpruned network ({words}), whose F1 is "
                 f"{with_interval(unpruned.test.f1)}.")]  # fmt: skip


def masks_table(masks: Sequence[SegmentedCandidate]) -> Table:
    """All of them, with their figures on the test photographs."""
    pick, rows = recommend_masks(masks), []
    for one in masks:
        remarks = (standing(one, pick, masks), "latency unstable" if one.unstable else "", *slower_than_float32(one))
        rows.append((
            one.name, with_interval(one.test.f1), percent(one.test.iou.value), percent(one.test.tolerant_f1.value),
            percent(one.test.cl_dice.value), count(one.parameters), megabytes(one.size_mb), milliseconds(one.time_ms),
            "; ".join(filter(None, remarks)),
        ))  # fmt: skip
    head = ("Network", "Test F1 (95 % interval)", "IoU", f"F1, {TOLERANCE} px", "clDice", "Parameters", "Size",
            "Latency of a megapixel", "Found")  # fmt: skip
    return Table(head, tuple(rows), frozenset({0, 8}))


def _other_runtimes(masks: Sequence[SegmentedCandidate]) -> list[Block]:
    """What all of them are worth in the other runtimes that all were measured in."""
    rows = []
    for runtime in runtimes_of(masks)[1:]:
        for there in in_runtime(masks, runtime):
            rows.append((there.name, TITLES[runtime], with_interval(there.test.f1), megabytes(there.size_mb),
                         milliseconds(there.time_ms)))  # fmt: skip
    head = ("Network", "Runtime", "Test F1 (95 % interval)", "Size", "Latency of a megapixel")
    return [Text("In other runtimes:"), Table(head, tuple(rows), frozenset({0, 1}))] if rows else []


def standing(one: SegmentedCandidate, pick: SegmentedCandidate, masks: Sequence[SegmentedCandidate]) -> str:
    """What was found of a network, in words."""
    if one.name == pick.name:
        return RECOMMENDED
    best = max(masks, key=lambda other: other.validation.f1.value)
    p = worse(one, best)
    return PASSED if p >= SIGNIFICANT else f"{WORSE} ({probability(p)})"


def with_interval(quality: Quality) -> str:
    """A measure with its 95 % interval: `81.2 % (78.0 to 84.1 %)`."""
    return f"{percent(quality.value)} ({fixed(100 * quality.low, 1)} to {percent(quality.high)})"
