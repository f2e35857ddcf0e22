"""People's text in Markdown: nothing that Streamlit's front end makes anything of is left of it."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.ui.markdown import Plain, plain, sentence

MARKUP = re.compile(r"[\\`*_\[\]<>$~|]|:[a-zA-Z]")
"""What Markdown and Streamlit's directives begin with, as they stand in the source."""

LATER = re.compile(
    r"https?://[-.\w]|www\.[-.\w]|(^|\s|[^\w\s])[-.\w+]+@[-\w]+\.[-\w]|:[\w+-]+:|:material[_/]\w+:"
    r"|(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    re.IGNORECASE,
)
"""What the front end (1.67) looks for in the text that Markdown has left: addresses, emoji, icons, arrows."""

PIECES = ["**", "[x](", "![", "<b>", "$a$", ":red[", "`", "~~", "http://e", "HTTPS://e", "www.e", "a@e.de", ":smile:",
          ":material/home:", ":material_home:", ":streamlit:", "->", "<->", "--", "\\", "x", " ", "\n", "1.", "#",
          "&lt;", "- ", "=", "é", "{a}", "|"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_text_is_shown_as_it_was_written_and_never_as_markup(text: str) -> None:
    told = plain(text)
    assert not MARKUP.search(told)
    assert not re.search(r"^\s*([-+#=]|\d+[.)](\s|$)|[ \t])", told, re.MULTILINE)
    seen = html.unescape(told)
    assert not LATER.search(seen)
    assert seen.replace("\u2060", "").replace("\u00a0", " ") == text


@pytest.mark.parametrize("text", ["Bridge 42, pier (north) - 3.5 m", "it's no photo: replace it", "wall-3.png, 12:30"])
def test_usual_text_stays_as_it_is(text: str) -> None:
    assert plain(text).replace("&#58;", ":") == text


def test_what_is_plain_is_not_made_so_twice() -> None:
    once = plain("**b**")
    assert plain(once) is once
    assert isinstance(sentence("no **b**."), Plain)
    assert plain(sentence("no b")) == "No b."
