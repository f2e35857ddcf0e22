"""The model card of a network that draws masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ftl.errors import FtlError
from ftl.evaluation.evaluate_masks import TOLERANCE
from ftl.evaluation.fastest import best_against_best
from ftl.evaluation.segmentation import bootstrap, f1, mean_of_classes, precision, recall
from ftl.evaluation.segmented_candidate import Quality, SegmentedCandidate, recommend_masks
from ftl.formatting import NOTHING, count, counted, listed, megabytes, number, percent
from ftl.latency.rounds import ROUNDS
from ftl.models.layout import TEST, VALIDATION
from ftl.models.network_folder import read_description
from ftl.reporting import made
from ftl.reporting.comparison import against_unpruned, by_pixels
from ftl.reporting.document import Block, Bullets, Document, Heading, Pictures, Signature, Table, Text, facts
from ftl.reporting.latency_tables import latency_blocks
from ftl.reporting.limits import limits_of_masks
from ftl.reporting.pictures import photographs
from ftl.reporting.subject import SIGNED_BY, Subject
from ftl.reporting.sweep_masks import masks_of, standing, with_interval
from ftl.sweeping.manifest import SETTINGS

_MEASURES = {
    "f1": "F1 (Dice)", "iou": "IoU", "tolerant_f1": f"F1, edges may be off by {TOLERANCE} pixels", "cl_dice": "clDice",
}  # fmt: skip
_WORST = 8


class _Card(NamedTuple):
    """What the sections of a card are made of: files of a network's folder, and the networks of its sweep."""

    subject: Subject
    folder: Path
    own: SegmentedCandidate
    masks: Sequence[SegmentedCandidate]
    validation: Mapping[str, Any]
    tested: Mapping[str, Any]
    settings: Mapping[str, Any]

    @property
    def unpruned(self) -> SegmentedCandidate | None:
        """The unpruned network, where it draws too."""
        return next((one for one in self.masks if one.is_unpruned), None)


def mask_card(folder: Path, subject: Subject) -> Document:
    """The card of a network of a sweep whose results are written. Raises `FtlError` where they are not."""
    masks = masks_of(folder.parent, subject.without)
    own = next((one for one in masks if one.name == folder.name), None)
    if own is None:
        raise FtlError(f"{folder.name} has no results yet: run its sweep again")
    settings = made.found(folder.parent / SETTINGS).get("settings", {})
    card = _Card(subject, folder, own, masks, made.found(folder / VALIDATION), made.found(folder / TEST), settings)
    blocks = (
        *_opening(card),
        *_figures(own),
        *against_unpruned(own, card.unpruned, by_pixels(own, card.unpruned)),
        *_latency(card),
        *_mistakes(card),
        Heading("Limits of use"),
        limits_of_masks(own, card.validation.get("photo")),
        Signature(SIGNED_BY),
        Heading("How it was made"),
        made.how_made(read_description(folder), card.validation),
        *_data(card),
        *_files(card),
    )
    return Document(f"Model card: {own.name}", subject.line, blocks)


def _opening(card: _Card) -> list[Block]:
    own, unpruned = card.own, card.unpruned
    said = [
        f"{own.name} draws masks of {listed(own.classes)} on photographs.",
        f"On {counted(own.test.photographs, 'test photograph')}, never used for training or selection, its F1 over all "
        f"pixels is {with_interval(own.test.f1)}.",
    ]
    if unpruned is not None and unpruned is not own:
        times, words = best_against_best(own, unpruned)
        said.append(f"It is {number(times)} times as fast as the unpruned network ({words}).")
    before = f", whose F1 on these test photographs is {with_interval(own.before.f1)}" if own.before else ""
    about = [
        *card.subject.about,
        ("Made for", f"Drawing masks of {listed(own.classes)} on photographs like those it was tested on"),
        ("Takes", "A photograph of any size, in overlapping tiles, not shrunk"),
        ("Gives", f"A mask: what is at least {percent(own.threshold)} probable is inside"),
        *([("Trained further from", f"{own.begun_from}{before}")] if own.begun_from else []),
        ("Parameters", count(own.parameters)),
        ("Size", megabytes(own.size_mb)),
        ("Among the networks of its sweep", standing(own, recommend_masks(card.masks), card.masks)),
    ]
    return [Text(" ".join(said)), *([Bullets((f"⚠ {own.latency_mark}.",))] if own.unstable else []), facts(about)]


def _figures(own: SegmentedCandidate) -> list[Block]:
    rows = [
        *((title, *(with_interval(getattr(side, key)) for side in (own.test, own.validation)))
          for key, title in _MEASURES.items()),
        ("F1 at the best threshold in hindsight", percent(own.test.ods), percent(own.validation.ods)),
        ("Average precision", percent(own.test.average_precision), percent(own.validation.average_precision)),
    ]  # fmt: skip
    note = (
        "Measures count all pixels together and are means over the classes that occur; intervals are by bootstrap over "
        "photographs. The validation photographs chose the threshold, so figures on them tend to be too good."
    )
    head = ("Measure (95 % interval)", "Test photographs", "Validation photographs")
    return [Heading("What it is worth"), Table(head, tuple(rows)), *_by_class(own), Text(note, is_note=True)]


def _by_class(own: SegmentedCandidate) -> list[Block]:
    if not own.test.pixels:
        return []
    counts, rows = np.array(own.test.pixels), []  # (photographs, classes, 3)
    for index, name in enumerate(own.classes):
        of_class = counts[:, index]
        occurs = int((of_class[:, [0, 2]].sum(1) > 0).sum())
        worth = [Quality(float(measure(of_class.sum(0))), *bootstrap(of_class, measure))
                 for measure in (recall, precision, f1)]  # fmt: skip
        rows.append((name, count(occurs), *(map(with_interval, worth) if occurs else (NOTHING,) * 3)))
    return [Table(("Class", "Photographs with it", "Recall of pixels", "Precision of pixels", "F1"), tuple(rows))]


def _latency(card: _Card) -> list[Block]:
    worth = ("Test F1", lambda one: percent(one.test.f1.value))
    note = (
        f"Of a photograph of one megapixel, in a process of its own: the lowest median of at least {ROUNDS} rounds. "
        "Larger photographs take as many times as long as they have megapixels."
    )
    return [*latency_blocks(card.own, card.masks, card.folder.parent, card.subject, worth), Text(note, is_note=True)]


def _mistakes(card: _Card) -> list[Block]:
    heading, rows = Heading("What it gets wrong"), card.tested.get("per_photograph", ())
    if not rows:
        return [heading, Text("What it draws on which test photograph is not known.")]
    counts = np.array([row["pixels"] for row in rows])  # (photographs, classes, 3)
    summed, scores, files = counts.sum(1), mean_of_classes(f1)(counts), [Path(row["file"]) for row in rows]
    hits, wrong, missed = (int(total) for total in summed.sum(0))
    clean = summed[:, [0, 2]].sum(1) == 0
    said = f"Of {counted(hits + missed, 'pixel')} of defects it misses {missed:,}. Of {counted(hits + wrong, 'pixel')} "
    said += f"that it draws, {wrong:,} are wrong."
    if clean.any():
        on = int((summed[clean, 1] > 0).sum())
        said += f" It draws on {on:,} of {counted(int(clean.sum()), 'test photograph')} without a defect."
    worst = sorted(range(len(rows)), key=lambda index: (scores[index], files[index]))[:_WORST]
    table = tuple(
        (files[index].name, percent(scores[index]), count(int(summed[index, 2])), count(int(summed[index, 1])))
        for index in worst
    )
    shown = photographs({files[index]: f"F1 {percent(scores[index])}" for index in worst}, card.subject.within)
    return [heading, Text(said), Text("Drawn worst of the test photographs:"),
            Table(("Photograph", "F1", "Pixels missed", "Pixels drawn wrong"), table),
            *([Pictures(shown)] if shown else [])]  # fmt: skip


def _data(card: _Card) -> list[Block]:
    roles, photo = card.validation.get("roles") or {}, card.validation.get("photo")
    trained, chosen = (count(len(roles[role])) if role in roles else NOTHING for role in ("train", "held_out"))
    rows = (("Trained on", trained), ("Chose the threshold (validation)", chosen),
            ("Tested on", count(card.own.test.photographs)))  # fmt: skip
    apart = f"and images of one photo, by the file's name ({photo})" if photo else "but photos cannot be told by name"
    return [Heading("The data"), Table(("Photographs with masks", "How many"), rows),
            Text(f"Copies of one file stand on one side of the split, {apart}."),
            Text(made.scoring_set(card.settings))]  # fmt: skip


def _files(card: _Card) -> list[Block]:
    rows = [
        ("Photographs and masks (SHA-256)", str(card.validation.get("dataset_sha256", ""))),
        ("Test photographs (SHA-256)", str(card.tested.get("evaluation_sha256", ""))),
        ("Unpruned network (SHA-256)", str(card.settings.get("backbone_sha256", ""))),
        ("Trained with", made.software(card.validation.get("versions", {}))),
        ("Tested with", made.software(card.tested.get("versions", {}))),
    ]
    return [Heading("Files and versions"), made.files_of(card.folder), facts(rows)]
