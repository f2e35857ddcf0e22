"""Text of people in Markdown: shown as they wrote it, never as markup.

Streamlit reads almost all that it is given as Markdown: bodies, labels, options of radios and pills, captions, toasts,
titles of the navigation. Whatever somebody typed, named or uploaded goes through `plain` on its way there, as sentences
of errors do, for they quote it.
"""

from __future__ import annotations

import re

_MARKUP = re.compile(r"[\\`*_{}\[\]<>&$~|]|:(?=\S)")
_AT_START = re.compile(r"^([ \t]*)([-+#=]|\d(?=\d{0,8}[.)](?:\s|$)))?", re.MULTILINE)
"""What Markdown takes for a heading, a list or a block of code, at the start of a line only."""

_SEEN_LATER = re.compile(
    r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[-\w])"  # addresses
    r"|(?<=:)(?=[-+\w]+:)|(?<=:)(?=material[/_])"  # icons and emoji
    r"|(?<=(?<!\S)[-<>~])(?=[-<>=]+(?!\S))",  # arrows and dashes
    re.IGNORECASE,
)
"""What Streamlit's front end still finds in the text behind Markdown, where references stand for characters again."""

_JOINER = "\u2060"  # has no width, and nothing is found across it


class Plain(str):
    """Text that is fit for Markdown."""

    __slots__ = ()


def plain(text: str) -> Plain:
    """Somebody's text for Markdown: shown as it is. What is plain already stays as it is."""
    if isinstance(text, Plain):
        return text
    escaped = _MARKUP.sub(lambda found: _reference(found[0]), _SEEN_LATER.sub(_JOINER, text))
    return Plain(_AT_START.sub(lambda found: "&nbsp;" * len(found[1]) + _reference(found[2] or ""), escaped))


def _reference(text: str) -> str:
    """A character as Markdown reads it, but never as markup."""
    return f"&#{ord(text)};" if text else ""


def sentence(error: Exception | str) -> Plain:
    """An error's text as a sentence, for Markdown."""
    if isinstance(error, Plain):
        return error
    text = str(error).strip().rstrip(".")
    return plain(f"{text[:1].upper()}{text[1:]}.")
