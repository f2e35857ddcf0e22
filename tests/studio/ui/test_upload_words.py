"""What the Images page says of photographs before and after they are added."""

from __future__ import annotations

from studio.images.uploads import Chosen
from studio.ui.images.upload import added, chosen


def test_before_and_after_photographs_are_counted_by_class() -> None:
    assert chosen(Chosen({"Crack": 120, "Background": 120}, [], [])) == "240 photographs: Crack 120, Background 120."
    assert chosen(Chosen({"": 1}, ["a.zip"], ["notes.txt"])) == (
        "1 photograph; 1 zip of photographs, unpacked when added; 1 file of another kind (notes.txt)."
    )
    assert added(1200, 0, {"Crack": 1199, "": 1}) == "1,200 added: Crack 1,199, no image class 1."
    assert added(2, 1, {"": 2}) == "2 added. 1 was here already."
    assert added(0, 3, {}) == "3 were here already."
    assert added(0, 0, {}) == "Nothing was added."
