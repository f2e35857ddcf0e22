"""Photos told by file names: templates, expressions, what is guessed, and that nothing runs for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftl.data.dataset import photo_ids
from ftl.data.photo_names import effect, guess, photo_of
from ftl.errors import FtlError

HOSTILE = ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "(a*)*b", "((a+)*)+c"]
NAME = "a" * 5000 + "!"


def finished(work: Callable[[], object]) -> bool:
    """Whether work ends at all: what took for ever would take many times the age of the universe."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(120)
    return not thread.is_alive()


@pytest.mark.parametrize("pattern", [*HOSTILE, "{photo}*#*#*#*#*_", "*{photo}_*"])
def test_no_pattern_runs_for_ever_on_a_hostile_name(pattern: str) -> None:
    assert finished(lambda: photo_of(pattern)(NAME))


@pytest.mark.parametrize(
    ("template", "stem", "photo"),
    [
        ("{photo}_*", "wall_3_12", "wall_3"),
        ("{photo}_#", "wall_3_12", "wall_3"),
        ("{photo}_#", "wall_3_b", None),
        ("{photo}", "wall", "wall"),
        ("crop # of {photo}", "crop 12 of a.b", "a.b"),
        ("{photo} (#)", "Brücke 🌉 (7)", "Brücke 🌉"),
        ("{photo}_*", "_1", None),
        ("{photo}.#", "aX1", None),  # a point is a point
        ("[a]+{photo}$", "[a]+x$", "x"),
    ],
)
def test_templates(template: str, stem: str, photo: str | None) -> None:
    assert photo_of(template)(stem) == photo


@given(photo=st.text(min_size=1, max_size=30), number=st.integers(0, 10**9))
def test_a_template_gives_the_photo_back_whatever_it_is_called(photo: str, number: int) -> None:
    photo = photo.encode(errors="ignore").decode() or "x"
    assert photo_of("{photo}_#")(f"{photo}_{number}") == photo


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"(?<=a)(b)", "no look-around"),
        (r"(.)\1", "no back references"),
        ("{photo}{photo}", "twice"),
        ("x" * 20_000, "letters"),
        ("((((((((a{100}){100}){100}){100}){100}){100}){100}){100})", "no regular expression"),
        ("(\ud800)", "no regular expression"),
    ],
)
def test_what_cannot_be_matched_is_told(pattern: str, told: str) -> None:
    with pytest.raises(FtlError, match=told):
        photo_of(pattern)


def test_templates_split_data_sets_as_expressions_do() -> None:
    paths = [Path("a_0_1.png"), Path("a_0_22.png"), Path("b_3.png")]
    assert photo_ids(paths, "{photo}_#") == photo_ids(paths, r"(.+)_\d+") == ["a_0", "a_0", "b"]


def test_the_effect_on_names() -> None:
    made = effect("{photo}_#", ["a_1", "a_2", "b_1", "plain"], examples=2)
    assert (made.photos, made.fitting, made.strangers) == (2, 3, ("plain",))
    assert made.examples == (("a_1", "a"), ("a_2", "a"))


@pytest.mark.parametrize(
    ("stems", "template"),
    [
        ([f"wall{photo}_{crop}" for photo in range(4) for crop in range(5)], "{photo}_#"),
        ([f"IMG{photo}-{crop}" for photo in range(4) for crop in range(5)] + ["IMG99"], "{photo}-#"),
        ([f"left_{crop}" for crop in "abc"] + [f"right_{crop}" for crop in "abc"], "{photo}_*"),
        ([f"{number:05}" for number in range(50)], None),
        ([f"{number:05}_1" for number in range(50)], None),
        ([f"IMG_{number}" for number in range(50)], None),
        ([], None),
    ],
    ids=["numbers", "most of them", "letters", "all different", "all different, numbered", "one camera", "no names"],
)
def test_what_is_guessed(stems: list[str], template: str | None) -> None:
    assert guess(stems) == template


@pytest.mark.parametrize(
    ("folder", "template"),
    [("masonry/images", "{photo}_#"), ("metu/train/Crack", None), ("neu_steel/images", None)],
)
def test_what_is_guessed_of_real_names(shared: Path, folder: str, template: str | None) -> None:
    assert guess([path.stem for path in (shared / "data" / folder).iterdir()]) == template
