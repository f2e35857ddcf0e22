"""Numbers for people: no exponents, no None, no nan, in words, tables, reports, charts and pages."""

from __future__ import annotations

import argparse
import ast
import html
import math
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from ftl import formatting
from ftl.cli import outcome
from ftl.data.dataset import LeftOut
from ftl.errors import FtlError
from ftl.evaluation import charts
from ftl.evaluation.candidate import Candidate
from ftl.evaluation.decision import choose
from ftl.reporting.html_page import page
from ftl.reporting.subject import Subject
from ftl.reporting.sweep_report import report_of_candidates
from ftl.sweeping import criteria_study
from ftl.sweeping.compare import Difference
from ftl.sweeping.compare import table as differences
from tests.conftest import ROOT

BAD = re.compile(r"\d[eE][+-]?\d|\b(None|nan|NaN|inf)\b")
"""What no person should read: 1.34e+03, None, nan."""

NUMBERS = [0.0, 0.00012, 1e-9, 0.95, 7.7, 1340.0, 999_999.0, 1e9, 12_345_678_901.0]
MISSING = [None, math.nan, math.inf]


def one(name: str, ms: float = 7.7, **more: object) -> Candidate:
    values: dict[str, object] = {
        "keep": 0.5,
        "parameters": 100,
        "accuracy": 0.9,
        "f1": None,
        "recall": None,
        "size_mb": 1.0,
    }
    return Candidate(name=name, time_ms=ms, **(values | more))  # type: ignore[arg-type]


CANDIDATES = [
    one("base", 1340.0, parameters=10**9, size_mb=1e9 / 2**20, is_unpruned=True, channels=(8, 8), macs=10**12),
    one("keep-0.1", 0.00012, parameters=3, size_mb=0.00001, channels=(1, 1), equal_scores=2, spread=0.0001,
        silent=(1, 2)),
    one("keep-0.2", 987_654.0, channels=(2, 2), time_q1_ms=1.0, time_q3_ms=2e6, unstable="a busy processor"),
    one("keep-0.3", 9.0, channels=(3, 3), accuracy=0.00001, test_accuracy=0.5, test_accuracy_low=0.4,
        test_accuracy_high=0.6, budget=(0.00001, "ms"), balanced_accuracy=math.nan, right=(True,) * 9,
        confusion=((5, 4), (4, 5))),
]  # fmt: skip


@pytest.mark.parametrize("value", [*NUMBERS, *(-number for number in NUMBERS), *MISSING])
def test_words_for_any_number(value: float | None) -> None:
    f = formatting
    told = [f.number(value), f.milliseconds(value), f.megabytes(value), f.percent(value),
            f.small_percent(value), f.short(value), f.duration(value), f.fixed(value, 3)]  # fmt: skip
    for text in told:
        assert not BAD.search(text), text
    if value is None or not math.isfinite(value):
        assert set(told) == {formatting.NOTHING}


@given(st.floats(1e-6, 1e12))
def test_a_number_keeps_three_digits(value: float) -> None:
    told = formatting.number(value)
    assert not BAD.search(told)
    assert float(told.replace(",", "")) == pytest.approx(value, rel=0.00501)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_somebody_set_keeps_all_its_digits(value: float) -> None:
    assert float(formatting.exact(value)) == value
    assert not BAD.search(formatting.exact(value))


def test_words_as_they_read() -> None:
    assert [formatting.number(value) for value in (1340, 7.7, 5, 0.00012, 146.04, 0.98765, 0)] == (
        ["1,340", "7.7", "5", "0.00012", "146", "0.988", "0"]
    )
    assert formatting.milliseconds(1340.2) == "1,340 ms"
    assert formatting.percent(0.9434) == "94.3 %"
    assert formatting.fixed(0.5, 1, sign=True) == "+0.5"
    assert [formatting.duration(seconds) for seconds in (0.2, 42, 720, 5760)] == ["1 s", "42 s", "12 min", "1.6 h"]
    assert formatting.exact(0.00001) == "0.00001"
    assert formatting.exact_percent(0.3) == "30 %"
    assert formatting.listed([]) == ""
    assert formatting.listed(["a", "b", "c"]) == "a, b and c"
    assert formatting.listed([*"abcdefgh"], 3) == "a, b and 6 more"
    assert [formatting.probability(p) for p in (1e-9, 0.0123, 0.5)] == ["p < 0.001", "p = 0.012", "p = 0.50"]


def text_of(page: str) -> str:
    """What a reader of an HTML page sees, without its scripts."""
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)))


@pytest.mark.parametrize("preset", [None, "balanced"])
def test_the_report_reads_well(preset: str | None) -> None:
    told = text_of(
        page(report_of_candidates(CANDIDATES, choose(CANDIDATES, preset), Subject("A sweep", date(2026, 1, 2))))
    )
    assert "keep-0.1" in told
    assert not BAD.search(told), BAD.search(told)


def test_charts_read_well() -> None:
    choice = choose(CANDIDATES, "balanced")
    for candidate in CANDIDATES:
        assert not BAD.search(charts.hover_text(candidate))
    for figure in (charts.size_and_time(CANDIDATES), charts.decision_scores(CANDIDATES, choice)):
        assert all(figure.layout[axis].exponentformat == "none" for axis in figure.layout if axis[1:5] == "axis")


def test_the_command_line_reads_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ftl.sweeping.results.write_results", lambda out, left_out: CANDIDATES)
    monkeypatch.setattr("ftl.sweeping.results.read_results", lambda out: CANDIDATES)
    outcome.print_results(tmp_path, LeftOut(), choose)
    for preset in (None, "balanced"):
        options = argparse.Namespace(out=tmp_path, runtime=None, times=None, preset=preset, score_weights=None,
                                     margin=0.0, export=None, max_ms=None, max_mb=None, min_recall=None,
                                     min_accuracy=None, min_f1=None, min_precision=None,
                                     min_balanced_accuracy=None)  # fmt: skip
        try:
            outcome.choose(options, lambda *_: None)  # type: ignore[arg-type]
        except FtlError as error:
            print(error)
    rows = [criteria_study.Row("iou", 0.00001, (0.5,)), criteria_study.Row("random", 0.00001, (0.4,))]
    print(criteria_study.table(rows, "random"), differences([Difference("keep-0.1", [0.5], None, None)]))
    told = capsys.readouterr().out
    assert "1,340" in told
    assert not BAD.search(told), BAD.search(told)


def shown(done: AppTest) -> str:
    assert not done.exception
    texts = [
        element.value
        for kind in ("markdown", "caption", "warning", "info", "error", "header")
        for element in done.get(kind)
    ]
    return "\n".join([*map(str, texts), *(f"{one.label} {one.value} {one.delta or ''}" for one in done.metric)])


@pytest.mark.parametrize("known", [True, False])
def test_the_choose_page_reads_well(known: bool, tmp_path: Path) -> None:
    def content(candidates: object, folder: object) -> None:
        import streamlit as st

        from ftl.evaluation.recommend import Limits
        from studio.ui.choose import candidate_panel, controls, overview, ranking
        from studio.ui.choose.read_sweep import Sweep

        sweep = Sweep(1, "A sweep", folder, tuple(candidates), ("Background", "Crack"), "Crack", (), ())  # type: ignore[arg-type]
        controls.limits(1, [sweep])
        weights, margin = controls.rule()
        ranked = [ranking.rank(sweep, weights, limits, margin) for limits in (Limits(), Limits(max_ms=1e-6))]
        overview.table(1, ranked[:1], lambda: None)
        for one in ranked:
            told = [ranking.headline(one), *ranking.details(one), *ranking.why(one)] if one.pick else [one.problem]
            st.markdown(" ".join(told))
        for member in sweep.candidates:
            candidate_panel._figures(member, sweep.unpruned, folder)  # type: ignore[arg-type]

    right: dict[str, Any] = {"right": (True,) * 90 + (False,) * 10, "validation_confusion": ((45, 5), (5, 45))}
    candidates = [replace(one, **right) for one in CANDIDATES] if known else CANDIDATES
    done = AppTest.from_function(content, args=(candidates, tmp_path)).run(timeout=60)
    told = shown(done)
    assert "1,340 ms" in told
    assert not BAD.search(told), BAD.search(told)
    table = next(frame for frame in done.dataframe)
    formats = re.findall(r'"format": ?"([^"]*)"', table.proto.columns)
    assert formats
    assert not any(re.search(r"%[.\d]*[ge]", one) for one in formats), formats
    assert table.proto.placeholder == formatting.NOTHING


ALLOWED = {
    "ftl/sweeping/criteria_study.py": 1,  # a key of its file
    "ftl/models/layout.py": 2,  # names of folders
}
"""Places that format by significant digits, but not for people, and how often."""


def test_no_text_is_formatted_with_exponents() -> None:
    """`:g` writes 1e-05 and 1.34e+03, in Python, in Plotly's templates and in Streamlit's columns alike."""
    for package in ("ftl", "studio", "pages"):
        for path in (ROOT / package).rglob("*.py"):
            found = []
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                    spec = ast.unparse(node.format_spec)
                    found += re.findall(r"[.,\d]*[gGeE]'?\"?$", spec)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found += re.findall(r"\}?:[.,]?\d*[ge]\}|%[.,]?\d*[ge](?![a-z])", node.value)
            assert len(found) == ALLOWED.get(path.relative_to(ROOT).as_posix(), 0), (path, found)
