"""What a report says, before it is drawn: titles, sentences, tables, charts and pictures as plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from ftl.formatting import NOTHING
from ftl.reporting.shapes import Drawing

Row = tuple[str, ...]


class Heading(NamedTuple):
    """The title of a section."""

    text: str


class Text(NamedTuple):
    """A paragraph; `is_note`: in smaller letters."""

    text: str
    is_note: bool = False


class Bullets(NamedTuple):
    """Sentences that stand one below the other."""

    items: tuple[str, ...]


class Facts(NamedTuple):
    """What something is called, and what it is: two columns of words."""

    rows: tuple[Row, ...]


class Table(NamedTuple):
    """Rows below a head. `words`: the columns that hold words, the others hold numbers.

    `shades`: how dark each cell is, 0..1, a row each; none where all are white. `is_code`: the last column in letters
    of one width.
    """

    head: Row
    rows: tuple[Row, ...]
    words: frozenset[int] = frozenset({0})
    shades: tuple[tuple[float, ...], ...] = ()
    is_code: bool = False


class Charts(NamedTuple):
    """Charts beside each other, as many as fit into a row."""

    drawings: tuple[Drawing, ...]


class Picture(NamedTuple):
    """A photograph as JPEG, its sides in pixels, and what stands below it."""

    jpeg: bytes
    width: int
    height: int
    caption: str


class Pictures(NamedTuple):
    """Pictures beside each other, as many as fit into a row."""

    pictures: tuple[Picture, ...]


class Signature(NamedTuple):
    """Lines to sign on: what stands below each of them."""

    places: tuple[str, ...]


Block = Heading | Text | Bullets | Facts | Table | Charts | Pictures | Signature


class Document(NamedTuple):
    """A report."""

    title: str
    subtitle: str
    blocks: tuple[Block, ...]


_MOST_LETTERS = 600
_UNIT = re.compile(r"(?<=\d) (?=(%|ms|MB|[kMG])(?!\w))")


def readable(text: str) -> str:
    """A text as it can be printed: without control characters, with an end, and no line between number and unit."""
    text = _UNIT.sub("\u00a0", text.encode("utf-8", "replace").decode("utf-8"))
    shown = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Co") else letter for letter in text)
    return shown if len(shown) <= _MOST_LETTERS else f"{shown[:_MOST_LETTERS]} ..."


def facts(rows: Sequence[tuple[str, str]]) -> Facts:
    """What something is called, and what it is; a dash stands for what is empty."""
    return Facts(tuple((label, value or NOTHING) for label, value in rows))
