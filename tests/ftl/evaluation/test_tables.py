"""Tables for spreadsheets run nothing."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from ftl.evaluation.predict import Prediction, as_csv
from ftl.tables import csv_text


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_file_or_class_that_begins_like_a_formula_is_text(begin: str) -> None:
    told = as_csv([Prediction(Path(f"{begin}cmd()"), f"{begin}1+1", 0.5)])
    row = list(csv.reader(io.StringIO(told, newline="")))[1]
    kept = begin.replace("\r", " ")
    assert row == [f"'{kept}cmd()", f"'{kept}1+1", "0.500000"]


def test_numbers_stay() -> None:
    assert csv_text([[-1, -0.5, None, "a,b"]]) == '-1,-0.5,,"a,b"\n'
