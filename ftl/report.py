"""One self-contained page that tells a sweep's whole story."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go

from ftl import charts, size_charts
from ftl.candidate import Candidate, base_of, runtimes_of, unstable_times
from ftl.choose import Choice
from ftl.dataset import LeftOut
from ftl.evaluate import repeat
from ftl.files import read_json, write_text
from ftl.progress import Report, silent
from ftl.pruning.names import BASE
from ftl.pruning.network import read_description
from ftl.results import JSON, read_results
from ftl.rounds import ROUNDS
from ftl.runtimes import INT8, TITLES
from ftl.words import counted

PAGE = "report.html"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .3rem .8rem; border-bottom: 1px solid #e5e7eb; }
td { text-align: right; } td:first-child, th:first-child { text-align: left; white-space: nowrap; }
.note { color: #6b7280; }
"""

_FIGURES = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1", "median_ms": "time [ms]"}


def comparison_table(
    base: Candidate, pick: Candidate, repeated: Mapping[str, Mapping[str, tuple[float, float]]] | None
) -> str:
    """Base against pick as an HTML table; `repeated[name][figure]` is (mean, deviation) over repeated runs."""
    rows = [
        ("parameters", f"{base.parameters:,}", f"{pick.parameters:,}"),
        ("size [MB]", f"{base.size_mb:.2f}", f"{pick.size_mb:.2f}"),
    ]
    if repeated:
        for key, title in _FIGURES.items():
            digits = 2 if key == "median_ms" else 4
            told = [
                f"{mean:.{digits}f} ({deviation:.{digits}f})"
                for mean, deviation in (repeated[one.name][key] for one in (base, pick))
            ]
            rows.append((title, told[0], told[1]))
    else:
        rows.append(("accuracy", f"{charts.shown_accuracy(base):.4f}", f"{charts.shown_accuracy(pick):.4f}"))
        rows.append(("time [ms]", f"{base.time_ms:.2f}", f"{pick.time_ms:.2f}"))
    body = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>" for a, b, c in rows)
    return f"<table><tr><th></th><th>base</th><th>{html.escape(pick.name)}</th></tr>{body}</table>"


def candidates_table(candidates: Sequence[Candidate]) -> str:
    """All candidates with test accuracy and interval as an HTML table."""

    def cell(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    others = runtimes_of(candidates)[1:]
    body = "".join(
        f"<tr><td>{html.escape(one.name)}</td><td>{cell(one.test_accuracy, '.4f')}</td>"
        f"<td>{cell(one.test_accuracy_low, '.3f')} to {cell(one.test_accuracy_high, '.3f')}</td>"
        f"<td>{cell(one.test_f1, '.4f')}</td>"
        f"<td>{one.accuracy:.4f}</td><td>{one.parameters:,}</td><td>{one.size_mb:.2f}</td>"
        f"<td>{' '.join(filter(None, (f'{one.time_ms:.2f}', _mark(one), one.above_limit)))}</td>"
        + "".join(f"<td>{cell(one.runtimes[other]['time_ms'], '.2f')}</td>" for other in others)
        + (f"<td>{cell(one.runtimes[INT8].get('test_accuracy'), '.4f')}</td>" if INT8 in others else "")
        + "</tr>"
        for one in candidates
    )
    heads = ["", "test accuracy", "95 % interval", "test F1", "validation accuracy", "parameters", "MB", "ms"]
    heads += [f"ms, {TITLES[other]}" for other in others]
    heads += ["test accuracy, 8-bit integers"] if INT8 in others else []
    return "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + f"</tr>{body}</table>"


def _mark(candidate: Candidate) -> str:
    """A word behind a time that is not to be relied on, with the reason as its title."""
    return f'<span title="{html.escape(candidate.unstable)}">unstable</span>' if candidate.unstable else ""


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
        size_charts.accuracy_over_parameters(candidates),
        size_charts.size_and_time(candidates),
        size_charts.filters_and_parameters(candidates),
        size_charts.decision_scores(candidates, choice),
    ]
    if layers and candidates[0].channels:
        figures.append(charts.kept_per_layer(candidates, layers))
    drawn = [
        figure.to_html(full_html=False, include_plotlyjs=not index, config={"displaylogo": False})
        for index, figure in enumerate(figures)
    ]
    base, pick = base_of(candidates), choice.pick
    summary = (
        f"<p><b>{html.escape(pick.name)}</b> keeps {100 * pick.parameters / base.parameters:.1f} % of the parameters, "
        f"is {base.time_ms / pick.time_ms:.1f} times as fast as the base "
        f"({pick.time_ms:.3g} against {base.time_ms:.3g} ms) "
        f"and classifies {100 * charts.shown_accuracy(pick):.1f} % right, "
        f"the base {100 * charts.shown_accuracy(base):.1f} %.</p>"
    )
    if choice.tied:
        names = html.escape(", ".join(one.name for one in choice.tied))
        summary += f"<p>Not told apart from it on the validation images: {names}.</p>"
    if unstable := unstable_times(candidates):
        summary += f"<p>{html.escape(unstable)}</p>"
    told = "".join(f'<p class="note">{html.escape(note)}</p>' for note in notes)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{summary}"
        f"<h2>Base and pick</h2>{comparison_table(base, pick, repeated)}{drawn[0]}"
        f"<h2>All candidates</h2>{candidates_table(candidates)}{''.join(drawn[1:])}{told}</body></html>\n"
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

    `repeats` > 0 runs base and pick that often again and tells mean and standard deviation.
    """
    source = Path(source)
    candidates = read_results(source)
    title = f"Finicky transfer learning: {source.name}"
    if not source.is_dir():
        target = Path(target or source.with_suffix(".html"))
        write_text(target, page(candidates, choice, title))
        return target
    made = read_json(source / JSON)
    settings, on = made["sweep"]["settings"], made["machine"]
    repeated = None
    if repeats:
        repeated = {name: repeat(source / name, repeats, report) for name in (BASE, choice.pick.name)}
    notes = [
        f"Filters ranked by {settings['criterion']}, mode {settings['mode']}, on {settings['images']} photographs with "
        f"masks; seed {settings['seed']}. The pick has the best decision score within the limits, on images held out "
        "for choosing; accuracy is of the test set. Time is of one image in a process of its own, with "
        f"{counted(made['threads'], 'thread')}: the lowest median of at least {ROUNDS} rounds, and its quartiles.",
        f"Machine: {on['processor']}, {on['cores']} cores, {on['system']}.",
        f"Versions: {', '.join(f'{name} {number}' for name, number in made['versions'].items())}.",
        f"Backbone {settings['backbone']} {settings['backbone_sha256'][:12]}, masks {settings['masks_sha256'][:12]}.",
    ]
    if left_out := LeftOut(**made.get("left_out", {})).told():
        notes.insert(1, f"{left_out}.")
    if repeated:
        notes.append(f"Base and pick: mean and deviation over {repeats} runs, each with another training split.")
    layers = [layer["name"] for layer in read_description(source / BASE)["layers"]]
    target = Path(target or source / PAGE)
    write_text(target, page(candidates, choice, title, layers, repeated, notes))
    return target
