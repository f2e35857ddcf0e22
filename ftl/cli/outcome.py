"""What came out of a sweep, one function a command: choose, export, report, predict."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftl.data.dataset import LeftOut
    from ftl.evaluation.candidate import Candidate
    from ftl.evaluation.decision import Choice
    from ftl.evaluation.segmented_candidate import SegmentedCandidate
    from ftl.progress import Bar


def warn_of(left_out: LeftOut) -> None:
    """Say on the error output what a test set had to do without."""
    if note := left_out.sentence():
        print(note, file=sys.stderr)


def print_results(out: Path, left_out: LeftOut, choose: Callable[[Sequence[Candidate]], Choice]) -> None:
    """Write the results of a sweep, and print them as a table with what `choose` makes of them."""
    from ftl.evaluation.candidate import unstable_latencies, warnings
    from ftl.evaluation.fastest import slower_than_float32
    from ftl.formatting import count, fixed
    from ftl.sweeping.results import write_results

    warn_of(left_out)
    candidates = write_results(out, left_out)
    standings = choose(candidates).standings
    print(f"{'':16}{'test accuracy':>28}{'F1':>8}{'parameters':>15}{'MB':>10}{'ms (quartiles)':>28}")
    for one in candidates:
        accuracy = f"{fixed(one.test_accuracy, 3)} ({fixed(one.test_accuracy_low, 3)} to "
        accuracy += f"{fixed(one.test_accuracy_high, 3)})"
        time = f"{fixed(one.time_ms, 2)} ({fixed(one.time_q1_ms, 2)} to {fixed(one.time_q3_ms, 2)})"
        row = f"{one.name:16}{accuracy:>28}{fixed(one.test_f1, 3):>8}{count(one.parameters):>15}"
        note = _joined(one.latency_mark, one.above_limit, standings[one.name])
        print(f"{row}{fixed(one.size_mb, 2):>10}{time:>28}  {note}".rstrip())
        for warning in warnings(one):
            print(f"  warning: {warning}")
        for runtime, its in one.runtimes.items():
            accuracy = fixed(its["test_accuracy"], 3) if "test_accuracy" in its else ""
            time = f"{fixed(its['time_ms'], 2)} ({fixed(its['time_q1_ms'], 2)} to {fixed(its['time_q3_ms'], 2)})"
            mark = replace(one, **its).latency_mark
            print(f"  {runtime:14}{accuracy:>28}{'':23}{fixed(its['size_mb'], 2):>10}{time:>28}  {mark}".rstrip())
        for sentence in slower_than_float32(one):
            print(f"  {sentence}")
    if note := unstable_latencies(candidates):
        print(note, "Run ftl test again on a quiet machine: it measures only these again.")


def print_mask_results(candidates: Sequence[SegmentedCandidate]) -> None:
    """Print a sweep's networks that draw masks as a table, and which of them is recommended."""
    from ftl.evaluation.fastest import slower_than_float32
    from ftl.evaluation.segmented_candidate import recommend_masks
    from ftl.formatting import count, fixed

    def row(name: str, parameters: str, one: SegmentedCandidate) -> str:
        test = one.test
        f1 = f"{fixed(test.f1.value, 3)} ({fixed(test.f1.low, 3)} to {fixed(test.f1.high, 3)})"
        rest = "".join(f"{fixed(quality.value, 3):>8}" for quality in (test.iou, test.tolerant_f1, test.cl_dice))
        cost = f"{parameters:>14}{fixed(one.size_mb, 2):>9}{fixed(one.time_ms, 1):>16}"
        return f"{name:24}{f1:>24}{rest}{cost}  {one.latency_mark}".rstrip()

    print(
        f"{'draws masks':24}{'test F1':>24}{'IoU':>8}{'2 px':>8}{'clDice':>8}{'parameters':>14}{'MB':>9}"
        f"{'ms a megapixel':>16}"
    )
    for candidate in candidates:
        print(row(candidate.name, count(candidate.parameters), candidate))
        for runtime, its in candidate.runtimes.items():
            print(row(f"  {runtime}", "", replace(candidate, **its)))
        for sentence in slower_than_float32(candidate):
            print(f"  {sentence}")
    print(f"recommended to draw masks: {recommend_masks(candidates).name}")


def _joined(*phrases: str) -> str:
    return ", ".join(filter(None, phrases))


def chooser_of(options: argparse.Namespace) -> Callable[[Sequence[Candidate]], Choice]:
    """What recommends a candidate, as the options say. Raises `FtlError` for a preset that there is not."""
    from functools import partial

    from ftl.errors import FtlError
    from ftl.evaluation.decision import Weights, choose, preset
    from ftl.evaluation.recommend import Limits

    limits = Limits(**{name: getattr(options, name) for name in Limits._fields})
    weights = Weights(*options.score_weights) if options.score_weights else options.preset and preset(options.preset)
    if weights is not None and options.margin:
        raise FtlError("--margin belongs to the rule that tests: leave --preset and --score-weights out")
    return partial(choose, weights=weights, limits=limits, margin=options.margin)


def choose(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl choose`."""
    from ftl.errors import FtlError
    from ftl.evaluation.candidate import in_runtime, unstable_latencies, warnings
    from ftl.evaluation.fastest import best_against_best
    from ftl.formatting import count, fixed, megabytes, milliseconds, percent
    from ftl.sweeping.other_machine import on_machine, read_times
    from ftl.sweeping.results import read_results

    candidates = read_results(options.out)
    if options.times is not None:
        if not options.out.is_dir():
            raise FtlError("--times needs a sweep's folder: a CSV holds no networks")
        other = read_times(options.times.read_bytes())
        print(other.note)
        candidates = on_machine(candidates, other, options.out)
    candidates = in_runtime(candidates, options.runtime or candidates[0].timed_in)
    choice = chooser_of(options)(candidates)
    pick = choice.pick
    if pick is not None:
        print(f"recommended: {pick.name}, {count(pick.parameters)} parameters")
        print(f"  accuracy {percent(pick.accuracy)} of the validation images, {milliseconds(pick.time_ms)}, "
              f"{megabytes(pick.size_mb)}")  # fmt: skip
        if pick.test_accuracy is not None and pick.test_accuracy_low is not None:
            interval = f"{percent(pick.test_accuracy_low)} to {percent(pick.test_accuracy_high)}"
            print(f"  accuracy {percent(pick.test_accuracy)} ({interval}) of the test images")
        unpruned = next((one for one in candidates if one.is_unpruned), pick)
        if pick is not unpruned:
            times, words = best_against_best(pick, unpruned)
            print(f"  {fixed(times, 1)} times as fast as the unpruned network ({words})")
        for note in (choice.reason, *choice.notes, *(f"Warning: {warning}." for warning in warnings(pick))):
            print(f"  {note}")
        if options.preset or options.score_weights:
            print(f"  decision score {fixed(choice.scores[pick.name], 4)}")
        print(f"not significantly different from it: {', '.join(one.name for one in choice.alike) or 'none'}")
    print(f"knee: {choice.knee.name if choice.knee else 'none'}")
    print(f"Pareto front: {', '.join(one.name for one in choice.front.candidates)}")
    for one in candidates:
        print(f"  {one.name:24}{milliseconds(one.time_ms):>12}{percent(one.accuracy):>10}  "
              f"{_joined(choice.standings[one.name], one.latency_mark, *warnings(one))}".rstrip())  # fmt: skip
    if unstable := unstable_latencies(candidates):
        print(unstable)
    if pick is None:
        raise FtlError(choice.reason)
    if options.export:
        if not options.out.is_dir():
            raise FtlError("--export needs a sweep's folder: a CSV holds no networks")
        _export(options, options.out / pick.name, options.export, bar)


def _export(options: argparse.Namespace, folder: Path, file: Path, bar: Bar) -> None:
    from ftl.evaluation.runtimes import INTEGERS, PYTORCH, RUNTIMES, TITLES, runtimes_here
    from ftl.exporting.export import export
    from ftl.exporting.prepared import int8_accuracy, too_much_lost
    from ftl.formatting import counted, milliseconds
    from ftl.latency.networks import time_network
    from ftl.models.segmenter_files import draws_masks

    print(f"wrote {export(folder, file, int8=options.int8, images=options.data, report=bar)}")
    if draws_masks(folder):
        return
    left_out = options.int8 and too_much_lost(folder)
    if options.int8:
        print(int8_accuracy(folder) + (", so they were left out" if left_out else ""))
    if file.suffix.lower() in (".onnx", ".zip"):
        integers = options.int8 and not left_out
        runtimes = [name for name in runtimes_here() if integers or RUNTIMES[name].numbers != INTEGERS]
        taken = {TITLES[name]: time_network(folder, runtime=name) for name in runtimes}
        times = ", ".join(f"{milliseconds(one['median_ms'])} in {name}" for name, one in taken.items())
        print(f"one image takes {times} (medians, {counted(taken[TITLES[PYTORCH]]['threads'], 'thread')})")


def export(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl export`."""
    _export(options, options.folder, options.file, bar)


def bench_kit(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl bench-kit`."""
    from ftl.files import alone
    from ftl.latency.bench_kit import write_kit
    from ftl.models.layout import HEAD
    from ftl.sweeping.networks import networks, segmenters

    classifiers = [folder for folder in networks(options.out) if (folder / HEAD).is_file()]
    with alone(options.out):
        print(f"wrote {write_kit([*classifiers, *segmenters(options.out)], options.file, bar)}")


def report(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl report`."""
    from ftl.reporting.write import write_report
    from ftl.sweeping.other_machine import read_times

    times = tuple(read_times(file.read_bytes()) for file in options.times)
    written = write_report(
        options.out, chooser_of(options), options.file, times=times, repeats=options.repeats, report=bar
    )
    print(f"wrote {written}")


def predict(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl predict`."""
    from ftl.errors import FtlError, raise_together
    from ftl.evaluation.predict import as_csv, expand
    from ftl.evaluation.predict import predict as predict_all
    from ftl.files import write_text
    from ftl.models.classifier import load_model
    from ftl.models.segmenter_files import draws_masks

    draws = options.model.suffix.lower() in (".onnx", ".zip") or draws_masks(options.model)
    if draws != (options.masks_out is not None):
        raise FtlError(
            f"{options.model} is run to draw masks: say where with --masks-out DIR" if draws
            else f"{options.model} classifies photographs and draws no masks: leave --masks-out out"
        )  # fmt: skip
    if draws:
        from ftl.exporting.predict_masks import masks_csv, predict_masks

        masks, problems = predict_masks(options.model, expand(options.images), options.masks_out, bar)
        text = masks_csv(masks)
    else:
        model = load_model(options.model)
        predictions, problems = predict_all(model, expand(options.images), bar)
        text = as_csv(predictions, model.classes if model.tile else ())
    if options.csv:
        write_text(options.csv, text)
    else:
        print(text, end="")
    raise_together("some files were left out", problems)
