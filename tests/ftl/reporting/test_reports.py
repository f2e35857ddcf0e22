"""Reports: their figures are those of the results, in HTML and in PDF; names stay names; what is missing is said."""

from __future__ import annotations

import html
import re
import zlib
from base64 import a85decode
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ftl.cli import main
from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate
from ftl.evaluation.segmented_candidate import SegmentedCandidate
from ftl.formatting import count, megabytes, milliseconds, percent
from ftl.reporting.document import Document
from ftl.reporting.html_page import page
from ftl.reporting.pdf_pages import pdf
from ftl.reporting.subject import Subject
from ftl.reporting.sweep_masks import masks_of
from ftl.reporting.write import card_of, sweep_document, write_report
from tests.ftl.reporting.swept_folder import write_masks, write_sweep

SUBJECT = Subject("Bridge", date(2026, 11, 30), about=(("Project", "Bridge over the Rawa"),))


def in_html(document: Document) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page(document), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(text))


def in_pdf(document: Document) -> str:
    """What a PDF's lines say; letters beyond ASCII, which it numbers by itself, are left out."""
    made, text = pdf(document), ""
    assert made.startswith(b"%PDF-1.")
    for stream in re.findall(rb"/ASCII85Decode /FlateDecode.*?stream\r?\n(.*?)endstream", made, re.DOTALL):
        drawn = zlib.decompress(a85decode(stream.strip().removesuffix(b"~>")))
        for line in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", drawn):
            plain = re.sub(rb"\\([0-7]{3}|.)", lambda found: b" " if len(found[1]) == 3 else found[1], line)
            text += plain.decode("ascii", "ignore") + " "
    return re.sub(r"\s+", " ", text)


READERS = pytest.mark.parametrize("read", [in_html, in_pdf])
Read = Callable[[Document], str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_sweep(tmp_path / "models")
    write_masks(tmp_path / "models")
    return tmp_path / "models"


def figures(one: Candidate) -> list[str]:
    """What a report must say of a network."""
    assert one.test_accuracy_low is not None
    assert one.test_accuracy_high is not None
    shares = (one.test_accuracy, one.accuracy, one.test_f1, one.test_balanced_accuracy)
    interval = f"({100 * one.test_accuracy_low:.1f} to {100 * one.test_accuracy_high:.1f}"
    return [*map(percent, shares), interval, count(one.parameters), megabytes(one.size_mb), milliseconds(one.time_ms)]


@READERS
def test_a_card_says_what_was_measured(out: Path, read: Read) -> None:
    told, (base, own) = read(card_of(out / "keep-0.1", SUBJECT)), write_sweep(out)
    more = [percent(own.test_recall), percent(own.test_precision), percent(own.precision), percent(base.test_accuracy),
            "25 times as fast", "-7.5 points", "10 % of the filters of each layer", "Bridge over the Rawa", "e" * 64,
            "a processor, 2 cores", "75.0 % (53.1 to 88.8 %)", "3 images left out of the test set"]  # fmt: skip
    assert [figure for figure in [*figures(own), *more] if figure not in told] == []
    assert "Crack Background 5 25.0 %" in told
    assert "classified right by keep-0.1 alone and 3 by the unpruned" in told
    assert "The difference is not significant (McNemar's exact test, p = 0.25)" in told


@READERS
def test_a_sweep_says_what_was_measured(out: Path, read: Read) -> None:
    told, networks = read(sweep_document(out, SUBJECT)), write_sweep(out)
    said = [figure for one in networks for figure in figures(one)]
    said += [percent(quality) for one in masks_of(out) for quality in (*one.test.f1[::2], one.test.iou.value)]
    assert [figure for figure in said if figure not in told] == []
    assert "keep-0.1 is recommended" in told
    assert "base-segmented is recommended" in told
    assert read(sweep_document(out, SUBJECT._replace(without=frozenset({"keep-0.1"})))).count("keep-0.1 ") == 0


@READERS
def test_a_card_of_masks_says_what_was_measured(out: Path, read: Read) -> None:
    told, own = read(card_of(out / "keep-0.1-segmented", SUBJECT)), masks_of(out)[1]
    assert isinstance(own, SegmentedCandidate)
    hits, _, missed = (sum(row[0][part] for row in own.test.pixels) for part in range(3))
    said = [percent(end) for end in own.test.f1[::2]] + ["50.0 % probable", "1/10", "significantly worse than",
            f"Of {hits + missed:,} pixels of defects it misses {missed:,}.", "10 test photographs"]  # fmt: skip
    assert [figure for figure in said if figure not in told] == []


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)> </td> &amp; \x00\x1b\u202e ' + 900 * "W")


def test_names_of_strangers_stay_names(tmp_path: Path) -> None:
    write_sweep(tmp_path / "models", HOSTILE)
    card = card_of(
        tmp_path / "models" / "keep-0.1", Subject(f"{HOSTILE[1]}\ud800", date(2026, 1, 2), (("<b>", HOSTILE[0]),))
    )
    seen = Tags(page(card))
    assert not seen.tags & {"script", "b", "iframe", "link"}
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert page(card).count("<img ") == page(card).count('<img src="data:image/jpeg;base64,') == 1
    assert "<script>alert(1)</script>" in in_html(card)
    assert "<script>alert(1)</script>" in in_pdf(card).replace(" ", "")  # drawn in parts
    assert "W" * 700 not in in_pdf(card).replace(" ", "")


@READERS
def test_what_is_missing_is_said(tmp_path: Path, read: Read) -> None:
    out = tmp_path / "models"
    write_sweep(out, test_accuracy=None, test_accuracy_low=None, confusion=(), validation_confusion=(), macs=None,
                time_q1_ms=None, time_q3_ms=None, time_rounds=None)  # fmt: skip
    for file in ("time.json", "test.json"):
        (out / "keep-0.1" / file).unlink()
    told = read(card_of(out / "keep-0.1", SUBJECT))
    for sentence in ("It was not tested", "an unknown machine", "the difference was not tested"):
        assert sentence in told, sentence
    write_sweep(out, confusion=((40, 0), (0, 0)))  # the test set had one class
    assert "There are only 0 test photographs of Crack" in read(card_of(out / "keep-0.1", SUBJECT))
    assert "None" not in read(sweep_document(out, SUBJECT))


def test_photographs_come_from_where_they_may(out: Path) -> None:
    shown = page(card_of(out / "keep-0.1", SUBJECT))
    assert shown.count("<img ") == 1
    assert "Crack, called Background (90\u00a0%): 0.png" in shown
    elsewhere = page(card_of(out / "keep-0.1", SUBJECT._replace(within=out)))
    assert "<img " not in elsewhere
    assert "The photographs themselves are not at hand." in elsewhere


def test_the_ending_decides_and_another_is_refused(out: Path, tmp_path: Path) -> None:
    assert write_report(out, target=tmp_path / "sweep.PDF").read_bytes().startswith(b"%PDF-")
    assert write_report(out / "keep-0.1").read_bytes().startswith(b"<!doctype html>")
    with pytest.raises(FtlError, match=r"a report is written as \.html or \.pdf, not as \.txt"):
        write_report(out, target=tmp_path / "sweep.txt")
    with pytest.raises(FtlError, match=r"keep-0\.1 has no results yet"):
        card_of(out / "keep-0.1", SUBJECT._replace(without=frozenset({"keep-0.1"})))
    assert main(["report", str(tmp_path / "nowhere"), str(tmp_path / "a.pdf")]) == 1
