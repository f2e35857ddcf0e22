"""The model card of a network that classifies: what it is, what it is worth, what it gets wrong, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ftl.data import tiles
from ftl.data.dataset import LeftOut
from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate, warnings
from ftl.evaluation.charts import shown_accuracy
from ftl.evaluation.decision import choose
from ftl.evaluation.fastest import best_against_best
from ftl.files import read_json
from ftl.formatting import count, counted, fixed, listed, megabytes, number, percent, short, small_percent
from ftl.latency.rounds import ROUNDS
from ftl.models.layout import TEST, UNPRUNED, VALIDATION
from ftl.models.network_folder import read_description
from ftl.reporting import made
from ftl.reporting.class_tables import by_class, confusion_table, data_table, mistakes
from ftl.reporting.comparison import against_unpruned, by_answers
from ftl.reporting.document import Block, Bullets, Document, Heading, Pictures, Signature, Table, Text, facts
from ftl.reporting.latency_tables import latency_blocks
from ftl.reporting.limits import limits_of_classes
from ftl.reporting.pictures import photographs
from ftl.reporting.subject import SIGNED_BY, Subject
from ftl.sweeping.evaluate import repeated
from ftl.sweeping.results import JSON, read_results


class _Card(NamedTuple):
    """What the sections of a card are made of: files of a network's folder, and the candidates of its sweep."""

    subject: Subject
    folder: Path
    own: Candidate
    candidates: Sequence[Candidate]
    size: int
    description: Mapping[str, Any]
    validation: Mapping[str, Any]
    tested: Mapping[str, Any]
    results: Mapping[str, Any]

    @property
    def unpruned(self) -> Candidate | None:
        """The unpruned network."""
        return next((one for one in self.candidates if one.is_unpruned), None)

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, in the order of the confusion matrix."""
        names: Sequence[str] = self.validation.get("classes", ())
        return names

    @property
    def images(self) -> int:
        """How many test photographs there were."""
        return sum(map(sum, self.own.confusion))


def model_card(folder: Path, subject: Subject) -> Document:
    """The card of a network of a sweep whose results are written. Raises `FtlError` where they are not."""
    candidates = [one for one in read_results(folder.parent) if one.name not in subject.without]
    own = next((one for one in candidates if one.name == folder.name), None)
    if own is None:
        raise FtlError(f"{folder.name} has no results yet: run its sweep again, or ftl test")
    description = read_description(folder)
    card = _Card(
        subject, folder, own, candidates, description["preprocess"]["size"], description,
        made.found(folder / VALIDATION), made.found(folder / TEST), read_json(folder.parent / JSON),
    )  # fmt: skip
    verdict = by_answers(card.tested, made.found(folder.with_name(UNPRUNED) / TEST), own.name)
    blocks = (
        *_opening(card),
        *_figures(card),
        *against_unpruned(own, card.unpruned, verdict),
        *_latency(card),
        *_mistakes(card),
        Heading("Limits of use"),
        limits_of_classes(own, card.classes, card.size, card.validation.get("photo")),
        Signature(SIGNED_BY),
        Heading("How it was made"),
        made.how_made(description, card.validation),
        *_data(card),
        *_files(card),
    )
    return Document(f"Model card: {own.name}", subject.line, blocks)


def _opening(card: _Card) -> list[Block]:
    own, unpruned = card.own, card.unpruned
    said = [f"{own.name} tells {listed(card.classes)} apart."]
    if own.test_accuracy is None:
        said.append(f"It was not tested. It classifies {percent(own.accuracy)} of the validation photographs right.")
    else:
        shown = with_interval(own.test_accuracy, own.test_accuracy_low, own.test_accuracy_high)
        images = counted(card.images, "test photograph")
        said.append(f"Of {images}, never used for training or selection, it classifies {shown} right.")
    if unpruned is not None and unpruned is not own:
        times, words = best_against_best(own, unpruned)
        share = small_percent(own.parameters / unpruned.parameters)
        said.append(f"It keeps {share} of the unpruned network's parameters and is {number(times)} times as fast "
                    f"({words}).")  # fmt: skip
    alarms = tuple(f"⚠ {one[:1].upper()}{one[1:]}." for one in (*warnings(own), own.latency_mark) if one)
    about = [
        *card.subject.about,
        ("Made for", f"Classifying photographs like those it was tested on as {listed(card.classes)}"),
        ("Takes", f"A photograph, which is shrunk to {card.size} × {card.size} pixels"),
        ("Gives", "A probability for each class; the most probable one is its answer"),
        ("Parameters", count(own.parameters)),
        ("MACs of one image", short(own.macs)),
        ("Size", megabytes(own.size_mb)),
        ("Among the networks of its sweep", _standing(card)),
    ]
    return [Text(" ".join(said)), *([Bullets(alarms)] if alarms else []), facts(about)]


def _standing(card: _Card) -> str:
    """What was found of the network among the others, without limits on latency or size."""
    if card.unpruned is None:
        return ""
    choice = choose(card.candidates)
    found = choice.standings[card.own.name]
    return f"{found[:1].upper()}{found[1:]}. {choice.reason}" if choice.pick is card.own else found


def with_interval(share: float | None, low: float | None, high: float | None) -> str:
    """A share 0..1 with its 95 % interval where there is one: `96.8 % (95.3 to 97.8 %)`."""
    interval = "" if low is None or high is None else f" ({fixed(100 * low, 1)} to {percent(high)})"
    return percent(share) + interval


def _figures(card: _Card) -> list[Block]:
    own, positive = card.own, card.validation.get("positive")
    which = f" of {positive}" if positive else ", mean of the classes"
    rows = (
        ("Accuracy (95 % interval)", with_interval(own.test_accuracy, own.test_accuracy_low, own.test_accuracy_high),
         with_interval(own.accuracy, own.accuracy_low, own.accuracy_high)),
        ("Balanced accuracy", percent(own.test_balanced_accuracy), percent(own.balanced_accuracy)),
        (f"Precision{which}", percent(own.test_precision), percent(own.precision)),
        (f"Recall{which}", percent(own.test_recall), percent(own.recall)),
        (f"F1{which}", percent(own.test_f1), percent(own.f1)),
    )  # fmt: skip
    blocks: list[Block] = [
        Heading("What it is worth"), Table(("Figure", "Test photographs", "Validation photographs"), rows)
    ]  # fmt: skip
    if again := repeated(card.folder):
        runs, (mean, deviation) = again[0], again[1]["accuracy"]
        right = f"{fixed(100 * mean, 1)} ± {percent(deviation)} of the test photographs right"
        blocks.append(Text(f"Trained {counted(runs, 'time')} with other seeds and splits, it classifies {right}."))
    if 0 < len(own.confusion) == len(card.classes):
        blocks += [by_class(own.confusion, card.classes), Text("Confusion matrix of the test photographs:"),
                   confusion_table(own.confusion, card.classes)]  # fmt: skip
    note = "Networks are chosen by the validation photographs, so figures on these tend to be too good. Intervals are "
    return [*blocks, Text(f"{note}Wilson's.", is_note=True)]


def _latency(card: _Card) -> list[Block]:
    worth = ("Test accuracy", lambda one: percent(shown_accuracy(one)))
    note = (
        f"One image at a time, in a process of its own: the lowest median of at least {ROUNDS} rounds. Other machines, "
        "threads and programs running beside it change it."
    )
    blocks = latency_blocks(card.own, card.candidates, card.folder.parent, card.subject, worth)
    return [*blocks, Text(note, is_note=True)]


def _mistakes(card: _Card) -> list[Block]:
    heading = Heading("What it gets wrong")
    if not 0 < len(card.own.confusion) == len(card.classes):
        return [heading, Text("It was not tested, so its mistakes are not known.")]
    if not (kinds := mistakes(card.own.confusion, card.classes)):
        return [heading, Text(f"It classifies all {counted(card.images, 'test photograph')} right.")]
    rows = tuple((true, said, count(wrong), percent(wrong / images)) for true, said, wrong, images in kinds)
    total = sum(wrong for _, _, wrong, _ in kinds)
    blocks: list[Block] = [
        heading,
        Text(f"{total:,} of {counted(card.images, 'test photograph')} wrong:"),
        Table(("Is", "Called", "Test photographs", "Of its class"), rows, frozenset({0, 1})),
    ]
    wrong = [one for one in card.tested.get("predictions", ()) if one["true"] != one["predicted"]]
    captions = {
        Path(one["file"]): f"{one['true']}, called {one['predicted']} ({percent(one['probability'], 0)})"
        for one in sorted(wrong, key=lambda one: (-one["probability"], one["file"]))
    }
    if not (shown := photographs(captions, card.subject.within)):
        return [*blocks, Text("The photographs themselves are not at hand.", is_note=True)]
    return [*blocks, Text("The most confident mistakes:"), Pictures(shown)]


def _data(card: _Card) -> list[Block]:
    return [
        Heading("The data"),
        data_table(made.labels_trained_with(card.folder), card.own, card.classes),
        Text("Of the photographs that do not test, a quarter validates and the others train; of these an eighth stops "
             "the training of a fine-tuned network."),
        Text(made.leakage(card.validation.get("photo"), LeftOut(**card.results["left_out"]))),
        Text(made.scoring_set(card.results["sweep"]["settings"])),
        *([Text(tiles.sentence(tile))] if (tile := card.results["sweep"]["settings"].get("tile")) else []),
    ]  # fmt: skip


def _files(card: _Card) -> list[Block]:
    settings = card.results["sweep"]["settings"]
    rows = [
        ("Data set (SHA-256)", str(card.validation.get("dataset_sha256", ""))),
        ("Test set (SHA-256)", str(card.tested.get("evaluation_sha256", ""))),
        ("Masks (SHA-256)", str(settings.get("masks_sha256", ""))),
        ("Unpruned network (SHA-256)", str(settings.get("backbone_sha256", ""))),
        ("Trained with", made.software(card.validation.get("versions", {}))),
        ("Tested with", made.software(card.tested.get("versions", {}))),
    ]
    return [Heading("Files and versions"), made.files_of(card.folder), facts(rows)]
