"""The report of a sweep: what is recommended and why, all candidates, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ftl.data import tiles
from ftl.data.dataset import LeftOut
from ftl.evaluation.candidate import Candidate, in_runtime, runtimes_of, unpruned_of, unstable_latencies, warnings
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.decision import Choice
from ftl.evaluation.fastest import best_against_best, slower_than_float32
from ftl.evaluation.runtimes import ONNX, TITLES
from ftl.files import read_json
from ftl.formatting import NOTHING, count, fixed, listed, megabytes, milliseconds, number, percent
from ftl.latency.rounds import ROUNDS
from ftl.models.layout import UNPRUNED, VALIDATION
from ftl.models.network_folder import read_description
from ftl.reporting import made
from ftl.reporting.class_tables import data_table
from ftl.reporting.document import Block, Bullets, Document, Heading, Signature, Table, Text, facts
from ftl.reporting.latency_tables import elsewhere_blocks, faster
from ftl.reporting.subject import SIGNED_BY, Subject
from ftl.reporting.sweep_charts import accuracy_over_latency, further_charts
from ftl.reporting.sweep_masks import mask_blocks, masks_of
from ftl.sweeping.manifest import SETTINGS
from ftl.sweeping.results import JSON

Repeated = Mapping[str, Mapping[str, tuple[float, float]]]
"""Of each network, of each figure: mean and deviation over repeated runs."""

_REPEATED = {"accuracy": "Accuracy [%]", "precision": "Precision [%]", "recall": "Recall [%]", "f1": "F1 [%]",
             "median_ms": "Latency [ms]"}  # fmt: skip


def report_of_candidates(candidates: Sequence[Candidate], choice: Choice, subject: Subject) -> Document:
    """The report of candidates of which nothing else is known, as of the original's CSVs."""
    blocks = (*_recommended(candidates, choice, subject, None), *_all(candidates, choice), Signature(SIGNED_BY))
    return Document(f"Sweep: {subject.name}", subject.line, blocks)


def sweep_report(
    out: Path,
    candidates: Sequence[Candidate],
    choice: Choice | None,
    subject: Subject,
    repeated: Repeated | None = None,
) -> Document:
    """The report of a sweep's folder: of its classifiers, if any (`choice`), and of its networks that draw masks."""
    blocks: list[Block] = []
    masks = masks_of(out, subject.without)
    if choice is not None:
        layers = [layer["name"] for layer in read_description(out / UNPRUNED)["layers"]]
        blocks += [*_recommended(candidates, choice, subject, repeated), *_all(candidates, choice, layers)]
        blocks += elsewhere_blocks(candidates, out, subject)
    blocks += mask_blocks(masks, subject, out, is_first=choice is None)
    blocks += [Signature(SIGNED_BY), *_making(out, candidates, [one.name for one in masks])]
    return Document(f"Sweep: {subject.name}", subject.line, tuple(blocks))


def _recommended(
    candidates: Sequence[Candidate], choice: Choice, subject: Subject, repeated: Repeated | None
) -> list[Block]:
    """What is recommended and why, or why nothing is; and beside the unpruned network."""
    unpruned, pick = unpruned_of(candidates), choice.pick
    about: list[Block] = [facts(subject.about)] if subject.about else []
    if pick is None:
        return [Text(f"{choice.reason[:1].upper()}{choice.reason[1:]}."), *about]
    right, (times, words) = percent(shown_accuracy(pick)), best_against_best(pick, unpruned)
    said = (
        f"{pick.name} is recommended. It keeps {percent(pick.parameters / unpruned.parameters)} of the parameters, is "
    )
    said += (
        f"{number(times)} times as fast as the unpruned network ({words}) and classifies {right} right, the unpruned "
    )
    said += f"network {percent(shown_accuracy(unpruned))}."
    if pick is unpruned:
        said = f"The unpruned network is recommended. It classifies {right} right."
    blocks: list[Block] = [Text(said)]
    more = [
        choice.reason, *choice.notes, unstable_latencies(candidates),
        *(f"⚠ {pick.name}: {warning}." for warning in warnings(pick)),
    ]  # fmt: skip
    if choice.alike:
        names = listed([one.name for one in choice.alike])
        more.append(f"Not significantly different from it on the validation images (McNemar, p > 0.05): {names}.")
    blocks += [*map(Text, filter(None, more)), *about]
    if pick is not unpruned:
        blocks += [Heading("Unpruned and recommended network"), comparison_table(unpruned, pick, repeated)]
    return blocks


def comparison_table(unpruned: Candidate, pick: Candidate, repeated: Repeated | None) -> Table:
    """Unpruned against recommended network; of `repeated` figures mean and deviation."""
    both = (unpruned, pick)
    rows = [("Parameters", *(count(one.parameters) for one in both)),
            ("Size", *(megabytes(one.size_mb) for one in both))]  # fmt: skip
    if repeated:
        for key, title in _REPEATED.items():
            times = 1 if key == "median_ms" else 100
            texts = [f"{fixed(times * mean, 2)} ± {fixed(times * deviation, 2)}"
                     for mean, deviation in (repeated[one.name][key] for one in both)]  # fmt: skip
            rows.append((title, *texts))
    else:
        rows += [("Accuracy", *(percent(shown_accuracy(one)) for one in both)),
                 ("Latency", *(milliseconds(one.time_ms) for one in both))]  # fmt: skip
    return Table(("", "Unpruned network", pick.name), tuple(rows))


def _all(candidates: Sequence[Candidate], choice: Choice, layers: Sequence[str] = ()) -> list[Block]:
    return [
        accuracy_over_latency(candidates, choice),
        Heading("All networks"),
        candidates_table(candidates, choice.standings),
        *runtimes_table(candidates),
        *further_charts(candidates, choice, layers),
    ]


def candidates_table(candidates: Sequence[Candidate], standings: Mapping[str, str] | None = None) -> Table:
    """All candidates: figures, what was found of each (`standings`, by name), and warnings."""
    whole = next((one for one in candidates if one.is_unpruned), None)
    rows = []
    for one in candidates:
        low, high = one.test_accuracy_low, one.test_accuracy_high
        interval = "" if low is None or high is None else f" ({fixed(100 * low, 1)} to {fixed(100 * high, 1)})"
        remarks = ((standings or {}).get(one.name, ""), one.above_limit, "latency unstable" if one.unstable else "",
                   *(f"⚠ {warning}" for warning in warnings(one)), *slower_than_float32(one))  # fmt: skip
        rows.append((
            one.name, percent(one.test_accuracy) + interval, percent(one.test_f1), percent(one.test_balanced_accuracy),
            percent(one.accuracy), count(one.parameters), megabytes(one.size_mb), _latency(one, whole),
            "; ".join(filter(None, remarks)),
        ))  # fmt: skip
    head = ("Network", "Test accuracy (95 %)", "Test F1", "Balanced", "Validation accuracy", "Parameters", "Size",
            "Latency (of the unpruned)", "Found")  # fmt: skip
    return Table(head, tuple(rows), frozenset({0, 8}))


def _latency(one: Candidate, unpruned: Candidate | None) -> str:
    times = faster(one, unpruned)
    return milliseconds(one.time_ms) + ("" if times == NOTHING else f" ({times})")


def runtimes_table(candidates: Sequence[Candidate]) -> list[Block]:
    """Latency and accuracy of all candidates in the other runtimes that all were timed in, if there are any."""
    others = runtimes_of(candidates)[1:]
    if not others:
        return []
    own = [other for other in others if other != ONNX]  # which classifies as PyTorch does
    there = {other: in_runtime(candidates, other) for other in others}
    rows = []
    for index, one in enumerate(candidates):
        times = [_latency(there[other][index], unpruned_of(there[other])) for other in others]
        rows.append((one.name, *times, *(percent(there[other][index].test_accuracy) for other in own)))
    head = ("Network", *(f"Latency, {TITLES[other]} (of the unpruned)" for other in others),
            *(f"Test accuracy, {TITLES[other]}" for other in own))  # fmt: skip
    return [Text("In other runtimes:"), Table(head, tuple(rows))]


def _making(out: Path, candidates: Sequence[Candidate], masks: Sequence[str]) -> list[Block]:
    """How the sweep was made, of what, on which machine, and with what software."""
    found, time = made.found(out / JSON), made.first_time([out / name for name in (UNPRUNED, *masks)])
    manifest: Mapping[str, Any] = found.get("sweep") or read_json(out / SETTINGS)
    settings, blocks = manifest["settings"], list[Block]()
    if candidates:
        validation = made.found(out / UNPRUNED / VALIDATION)
        labels = made.labels_trained_with(out / UNPRUNED)
        blocks += [Heading("The data"), data_table(labels, unpruned_of(candidates), validation.get("classes", ())),
                   Text(made.leakage(validation.get("photo"), LeftOut(**found["left_out"]))),
                   Text(made.scoring_set(settings)),
                   *([Text(tiles.sentence(tile))] if (tile := settings.get("tile")) else [])]  # fmt: skip
    blocks += [
        Heading("How it was made"),
        facts([
            ("Unpruned network", str(settings.get("backbone", ""))),
            *made.pruning_rows(settings),
            ("Seed", str(settings.get("seed", ""))),
            ("Latency taken on", made.machine_of(time)),
            ("Threads", made.threads_of(time)),
            ("Versions", made.software(manifest.get("versions", {}))),
            ("Unpruned network (SHA-256)", str(settings.get("backbone_sha256", ""))),
            ("Masks (SHA-256)", str(settings.get("masks_sha256", ""))),
        ]),
        Bullets((
            "Networks are recommended by the validation images; figures are of the test images, never used for "
            "training or selection.",
            f"Latency is the lowest median of at least {ROUNDS} rounds, each network alone in its process.",
        )),
    ]  # fmt: skip
    return blocks
