"""What came out of a sweep, one function a command: choose, export, report, predict."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftl.choose import Choice, Weights
    from ftl.dataset import LeftOut
    from ftl.progress import Bar


def warn_of(left_out: LeftOut) -> None:
    """Say on the error output what a test set had to do without."""
    if told := left_out.told():
        print(told, file=sys.stderr)


def print_results(out: Path, left_out: LeftOut) -> None:
    """Write the results of a sweep, and print them as a table."""
    from ftl.candidate import unstable_times
    from ftl.results import write_results

    warn_of(left_out)
    print(f"{'':16}{'test accuracy':>28}{'F1':>8}{'parameters':>13}{'MB':>9}{'ms (quartiles)':>26}")
    candidates = write_results(out, left_out)
    for one in candidates:
        accuracy = f"{one.test_accuracy:.3f} ({one.test_accuracy_low:.3f} to {one.test_accuracy_high:.3f})"
        time = f"{one.time_ms:.2f} ({one.time_q1_ms:.2f} to {one.time_q3_ms:.2f})"
        row = f"{one.name:16}{accuracy:>28}{one.test_f1:>8.3f}{one.parameters:>13,}{one.size_mb:>9.2f}{time:>26}"
        print("  ".join(filter(None, (row, one.time_mark, one.above_limit))))
        for runtime, its in one.runtimes.items():
            accuracy = f"{its['test_accuracy']:.3f}" if "test_accuracy" in its else ""
            time = f"{its['time_ms']:.2f} ({its['time_q1_ms']:.2f} to {its['time_q3_ms']:.2f})"
            row = f"  {runtime:14}{accuracy:>28}{'':21}{its['size_mb']:>9.2f}{time:>26}"
            print("  ".join(filter(None, (row, replace(one, **its).time_mark))))
    if told := unstable_times(candidates):
        print(told, "Run ftl test again on a quiet machine: it takes only these anew.")


def choice_of(options: argparse.Namespace, out: Path, runtime: str = "pytorch") -> Choice:
    """What is picked of a sweep within the limits that the options set."""
    from ftl.candidate import in_runtime
    from ftl.choose import Limits, choose
    from ftl.results import read_results

    limits = Limits(options.max_ms, options.min_recall, options.max_mb)
    return choose(in_runtime(read_results(out), runtime), weights_of(options), limits)


def weights_of(options: argparse.Namespace) -> Weights:
    """The weights of the decision score. Raises `FtlError` for a preset that there is not."""
    from ftl.choose import Weights, preset

    return Weights(*options.score_weights) if options.score_weights else preset(options.preset)


def choose(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl choose`."""
    from ftl.candidate import in_runtime, unstable_times
    from ftl.errors import FtlError
    from ftl.results import read_results

    choice = choice_of(options, options.out, options.runtime)
    pick = choice.pick
    print(f"pick: {pick.name}, {pick.parameters} parameters, score {choice.scores[pick.name]:.4f}")
    print(f"  accuracy {pick.accuracy:.4f} where it was chosen, {pick.time_ms:.4g} ms, {pick.size_mb:.3g} MB")
    if pick.test_accuracy is not None and pick.test_accuracy_low is not None:
        interval = f" ({pick.test_accuracy_low:.4f} to {pick.test_accuracy_high:.4f})"
        print(f"  accuracy {pick.test_accuracy:.4f}{interval} on the test set")
    print(f"not told apart from it: {', '.join(one.name for one in choice.tied) or 'none'}")
    print(f"knee: {choice.knee.name if choice.knee else 'none'}")
    print(f"front: {', '.join(one.name for one in choice.front.candidates)}")
    if told := unstable_times(in_runtime(read_results(options.out), options.runtime)):
        print(told)
    if options.export:
        if not options.out.is_dir():
            raise FtlError("--export needs a sweep's folder: a CSV holds no networks")
        _export(options, options.out / pick.name, options.export, bar)


def _export(options: argparse.Namespace, folder: Path, file: Path, bar: Bar) -> None:
    from ftl.exporting.cores import told_of, too_much_lost
    from ftl.exporting.write import export
    from ftl.latency import time_network
    from ftl.runtimes import INT8, ONNX, PYTORCH, TITLES
    from ftl.words import counted

    print(f"wrote {export(folder, file, int8=options.int8, images=options.data, report=bar)}")
    left_out = options.int8 and too_much_lost(folder)
    if options.int8:
        print(told_of(folder) + (", so they were left out" if left_out else ""))
    if file.suffix.lower() in (".onnx", ".zip"):
        runtimes = [PYTORCH, ONNX, *([INT8] if options.int8 and not left_out else [])]
        taken = {TITLES[one]: time_network(folder, runtime=one) for one in runtimes}
        times = ", ".join(f"{one['median_ms']:.2f} ms in {name}" for name, one in taken.items())
        print(f"one image takes {times} (medians, {counted(taken[TITLES[PYTORCH]]['threads'], 'thread')})")


def export(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl export`."""
    _export(options, options.folder, options.file, bar)


def report(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl report`."""
    from ftl.report import write_report

    choice = choice_of(options, options.out)
    print(write_report(options.out, choice, options.html, repeats=options.repeats, report=bar))


def predict(options: argparse.Namespace, bar: Bar) -> None:
    """`ftl predict`."""
    from ftl.errors import raise_together
    from ftl.files import write_text
    from ftl.model import load_model
    from ftl.predict import as_csv, expand
    from ftl.predict import predict as predict_all

    predictions, problems = predict_all(load_model(options.model), expand(options.images), bar)
    if options.csv:
        write_text(options.csv, as_csv(predictions))
    else:
        print(as_csv(predictions), end="")
    raise_together("some files were left out", problems)
