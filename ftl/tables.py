"""Tables as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def csv_text(rows: Iterable[Sequence[object]], line_end: str = "\n") -> str:
    """Rows as CSV. Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay."""
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    safe = f"'{text}" if text.startswith(_FORMULA) else text
    return safe.replace("\r", " ")  # the csv module does not quote it, and what follows would begin a line of its own
