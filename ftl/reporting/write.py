"""Write reports: of a sweep's folder, of one network in it, or of one of the original's CSVs, as HTML or PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from ftl.errors import FtlError
from ftl.evaluation.candidate import Candidate
from ftl.evaluation.decision import Choice
from ftl.evaluation.decision import choose as choose_among
from ftl.files import whole_file
from ftl.models.layout import DESCRIPTION, UNPRUNED
from ftl.models.segmenter_files import draws_masks
from ftl.progress import Report, silent
from ftl.reporting.document import Document
from ftl.reporting.html_page import page
from ftl.reporting.mask_card import mask_card
from ftl.reporting.model_card import model_card
from ftl.reporting.subject import Subject
from ftl.reporting.sweep_masks import masks_of
from ftl.reporting.sweep_report import report_of_candidates, sweep_report
from ftl.sweeping.evaluate import repeat
from ftl.sweeping.other_machine import OtherMachine
from ftl.sweeping.results import JSON, read_results

PAGE = "report.html"
ENDINGS = (".html", ".pdf")


def is_network(folder: Path) -> bool:
    """Whether a folder is that of a network in a sweep."""
    return (folder / DESCRIPTION).is_file()


def card_of(folder: Path, subject: Subject) -> Document:
    """The model card of a network's folder, whatever it does. Raises `FtlError` where it has no results."""
    return mask_card(folder, subject) if draws_masks(folder) else model_card(folder, subject)


def check_ending(ending: str) -> str:
    """One of `ENDINGS`, in small letters. Raises `FtlError` for another."""
    if ending.lower() not in ENDINGS:
        raise FtlError(f"a report is written as {' or '.join(ENDINGS)}, not as {ending or 'a file without an ending'}")
    return ending.lower()


def as_file(document: Document, ending: str) -> bytes:
    """A report as the bytes of a file with this ending. Raises `FtlError` for another than `ENDINGS`."""
    if check_ending(ending) == ".html":
        return page(document).encode()
    from ftl.reporting.pdf_pages import pdf  # reportlab takes half a second to import

    return pdf(document)


def sweep_document(
    out: Path,
    subject: Subject,
    choose: Callable[[Sequence[Candidate]], Choice] = choose_among,
    *,
    repeats: int = 0,
    report: Report = silent,
) -> Document:
    """The report of a sweep's folder, less the networks that the subject leaves out. Raises `FtlError` without results.

    `choose`: what recommends a classifier. `repeats`: as in `write_report`.
    """
    has_classifiers = (out / JSON).is_file() or not masks_of(out)
    candidates = [one for one in read_results(out) if one.name not in subject.without] if has_classifiers else []
    choice, repeated = choose(candidates) if candidates else None, None
    if repeats and choice is not None:
        names = dict.fromkeys((UNPRUNED, *([choice.pick.name] if choice.pick else [])))
        repeated = {name: repeat(out / name, repeats, report) for name in names}
    return sweep_report(out, candidates, choice, subject, repeated)


def write_report(
    source: str | Path,
    choose: Callable[[Sequence[Candidate]], Choice] = choose_among,
    target: str | Path | None = None,
    *,
    times: tuple[OtherMachine, ...] = (),
    repeats: int = 0,
    report: Report = silent,
) -> Path:
    """Write the report of a sweep's folder, of a network's folder in it, or of one of the original's CSVs.

    The target's ending says whether it is HTML or PDF; by default it is `report.html` in the folder.

    Args:
        choose: what recommends one of a sweep's classifiers.
        times: latencies on other machines, to stand beside this one's.
        repeats: above 0, the unpruned and the recommended network are run that often again, to show deviations.
    """
    source = Path(source)
    place = Path(target or (source / PAGE if source.is_dir() else source.with_suffix(".html")))
    check_ending(place.suffix)
    subject = Subject(source.resolve().name, date.today(), times=times)
    if is_network(source):
        document = card_of(source, subject._replace(name=source.resolve().parent.name))
    elif source.is_dir():
        document = sweep_document(source, subject, choose, repeats=repeats, report=report)
    else:
        candidates = read_results(source)
        document = report_of_candidates(candidates, choose(candidates), subject)
    with whole_file(place) as draft:
        draft.write_bytes(as_file(document, place.suffix))
    return place
