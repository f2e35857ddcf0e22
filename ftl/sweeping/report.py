"""The report of a sweep: one self-contained page of charts."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go

from ftl.data.dataset import LeftOut
from ftl.evaluation import charts
from ftl.evaluation.candidate import Candidate, runtimes_of, unpruned_of, unstable_times, warnings
from ftl.evaluation.decision import Choice
from ftl.evaluation.fastest import best_against_best, slower_than_float32
from ftl.evaluation.runtimes import ONNX, TITLES
from ftl.files import read_json, write_text
from ftl.formatting import NOTHING, count, counted, fixed, listed, number, percent
from ftl.latency.rounds import ROUNDS
from ftl.models.layout import UNPRUNED
from ftl.models.network_folder import read_description
from ftl.progress import Report, silent
from ftl.sweeping.evaluate import repeat
from ftl.sweeping.results import JSON, read_results

PAGE = "report.html"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .3rem .8rem; border-bottom: 1px solid #e5e7eb; }
td { text-align: right; } td:first-child, th:first-child, td.words { text-align: left; white-space: nowrap; }
.note { color: #6b7280; }
"""

_FIGURES = {
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1", "median_ms": "latency [ms]",
}  # fmt: skip


def comparison_table(
    unpruned: Candidate, pick: Candidate, repeated: Mapping[str, Mapping[str, tuple[float, float]]] | None
) -> str:
    """Unpruned against recommended network as an HTML table.

    `repeated[name][figure]` is (mean, deviation) over repeated runs.
    """
    rows = [
        ("parameters", *(count(one.parameters) for one in (unpruned, pick))),
        ("size [MB]", *(fixed(one.size_mb, 2) for one in (unpruned, pick))),
    ]
    if repeated:
        for key, title in _FIGURES.items():
            digits = 2 if key == "median_ms" else 4
            text = [
                f"{fixed(mean, digits)} ({fixed(deviation, digits)})"
                for mean, deviation in (repeated[one.name][key] for one in (unpruned, pick))
            ]
            rows.append((title, text[0], text[1]))
    else:
        rows.append(("accuracy", *(fixed(charts.shown_accuracy(one), 4) for one in (unpruned, pick))))
        rows.append(("latency [ms]", *(fixed(one.time_ms, 2) for one in (unpruned, pick))))
    body = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>" for a, b, c in rows)
    return f"<table><tr><th></th><th>unpruned network</th><th>{html.escape(pick.name)}</th></tr>{body}</table>"


def candidates_table(candidates: Sequence[Candidate], standings: Mapping[str, str] | None = None) -> str:
    """All candidates as an HTML table: figures, what was found of each (`standings`, by name), and warnings."""
    others, standings = runtimes_of(candidates)[1:], standings or {}
    own = [other for other in others if other != ONNX]  # which classifies as PyTorch does
    whole = next((one for one in candidates if one.is_unpruned), None)
    body = ""

    def latency(one: Candidate, runtime: str) -> str:
        own, most = (each.runtimes.get(runtime, {}).get("time_ms", each.time_ms) for each in (one, whole or one))
        return fixed(own, 2) if one is whole or whole is None else f"{fixed(own, 2)} (1/{fixed(most / own, 1)})"

    for one in candidates:
        interval = f"{fixed(one.test_accuracy_low, 3)} to {fixed(one.test_accuracy_high, 3)}"
        cells = [
            fixed(one.test_accuracy, 4), interval if one.test_accuracy_low is not None else NOTHING,
            fixed(one.test_f1, 4), fixed(one.test_balanced_accuracy, 4), fixed(one.accuracy, 4), count(one.parameters),
            fixed(one.size_mb, 2), f"{latency(one, one.timed_in)} {one.above_limit}".rstrip(),
            *(latency(one, other) for other in others),
            *(fixed(one.runtimes[other].get("test_accuracy"), 4) for other in own),
        ]  # fmt: skip
        text = [
            standings.get(one.name, ""), one.time_mark, *(f"⚠ {warning}" for warning in warnings(one)),
            *slower_than_float32(one),
        ]  # fmt: skip
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        words = "<br>".join(html.escape(text) for text in text if text)
        body += f'<tr><td>{html.escape(one.name)}</td>{row}<td class="words">{words}</td></tr>'
    heads = ["", "test accuracy", "95 % interval", "test F1", "test balanced accuracy", "validation accuracy",
             "parameters", "MB", "latency [ms] (of the unpruned)"]  # fmt: skip
    heads += [f"ms, {TITLES[other]} (of the unpruned)" for other in others]
    heads += [f"test accuracy, {TITLES[other]}" for other in own]
    heads += ["found"]
    return "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + f"</tr>{body}</table>"


def _summary(candidates: Sequence[Candidate], choice: Choice) -> str:
    """What is recommended and why, or why nothing is, as HTML."""
    unpruned, pick = unpruned_of(candidates), choice.pick
    if pick is None:
        return f"<p><b>{html.escape(choice.reason[:1].upper() + choice.reason[1:])}.</b></p>"
    times, words = best_against_best(pick, unpruned)
    text = (
        f"<p><b>{html.escape(pick.name)}</b> is recommended. It keeps "
        f"{percent(pick.parameters / unpruned.parameters)} of the parameters, is "
        f"{number(times)} times as fast as the unpruned network ({words}) and classifies "
        f"{percent(charts.shown_accuracy(pick))} right, the unpruned network "
        f"{percent(charts.shown_accuracy(unpruned))}.</p>"
    )
    more = [
        choice.reason,
        *choice.notes,
        unstable_times(candidates),
        *(f"⚠ {pick.name}: {warning}." for warning in warnings(pick)),
    ]
    if choice.alike:
        names = listed([one.name for one in choice.alike])
        more.append(f"Not significantly different from it on the validation images (McNemar, p > 0.05): {names}.")
    return text + "".join(f"<p>{html.escape(one)}</p>" for one in more if one)


def page(
    candidates: Sequence[Candidate],
    choice: Choice,
    title: str,
    layers: Sequence[str] = (),
    repeated: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The report as HTML: it loads nothing from anywhere."""
    figures: list[go.Figure] = [
        charts.accuracy_over_time_by_runtime(candidates, choice),
        charts.accuracy_over_parameters(candidates),
        charts.size_and_time(candidates),
        charts.filters_and_parameters(candidates),
        charts.decision_scores(candidates, choice),
    ]
    if layers and candidates[0].channels:
        figures.append(charts.kept_per_layer(candidates, layers))
    drawn = [
        figure.to_html(full_html=False, include_plotlyjs=not index, config={"displaylogo": False})
        for index, figure in enumerate(figures)
    ]
    unpruned, pick = unpruned_of(candidates), choice.pick
    compared = "" if pick is None or pick is unpruned else (
        f"<h2>Unpruned and recommended network</h2>{comparison_table(unpruned, pick, repeated)}"
    )  # fmt: skip
    text = "".join(f'<p class="note">{html.escape(note)}</p>' for note in notes)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{_summary(candidates, choice)}"
        f"{compared}{drawn[0]}<h2>All candidates</h2>{candidates_table(candidates, choice.standings)}"
        f"{''.join(drawn[1:])}{text}</body></html>\n"
    )


def write_report(
    source: str | Path,
    choice: Choice,
    target: str | Path | None = None,
    *,
    repeats: int = 0,
    report: Report = silent,
) -> Path:
    """Write the page for a choice from a sweep's folder (as `report.html` in it) or from one of the original's CSVs.

    `repeats` > 0 runs the unpruned and the recommended network that often again and shows mean and deviation.
    """
    source = Path(source)
    candidates = read_results(source)
    title = f"Finicky transfer learning: {source.name}"
    if not source.is_dir():
        target = Path(target or source.with_suffix(".html"))
        write_text(target, page(candidates, choice, title))
        return target
    results = read_json(source / JSON)
    settings, on = results["sweep"]["settings"], results["machine"]
    repeated = None
    if repeats:
        names = dict.fromkeys((UNPRUNED, *([choice.pick.name] if choice.pick else [])))
        repeated = {name: repeat(source / name, repeats, report) for name in names}
    notes = [
        f"Filters ranked by {settings['criterion']}, mode {settings['mode']}, on {settings['images']} photographs with "
        f"masks; seed {settings['seed']}. Networks are recommended by the validation images, held out for that; "
        "accuracy is of the test set. Latency is of one image in a process of its own, with "
        f"{counted(results['threads'], 'thread')}: the lowest median of at least {ROUNDS} rounds, and its quartiles.",
        f"Machine: {on['processor']}, {on['cores']} cores, {on['system']}.",
        f"Versions: {', '.join(f'{name} {number}' for name, number in results['versions'].items())}.",
        f"Backbone {settings['backbone']} {settings['backbone_sha256'][:12]}, masks {settings['masks_sha256'][:12]}.",
    ]
    if left_out := LeftOut(**results["left_out"]).sentence():
        notes.insert(1, f"{left_out}.")
    if repeated:
        notes.append(
            f"Unpruned and recommended network: mean and deviation over {repeats} runs, each with another training "
            "split."
        )
    layers = [layer["name"] for layer in read_description(source / UNPRUNED)["layers"]]
    target = Path(target or source / PAGE)
    write_text(target, page(candidates, choice, title, layers, repeated, notes))
    return target
