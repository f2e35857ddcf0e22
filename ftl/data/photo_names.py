"""Patterns of file names that say which photo an image was cut from: a template, or a regular expression.

A template is the name with `{photo}` for the photo, `#` for a whole number, and `*` for whatever else: `{photo}_#` or
`{photo}_*`. A regular expression names the photo by its first group. Both are matched by RE2, in time proportional to
the name's length whatever the pattern; Python's own expressions can take for ever on a name of 40 letters. What RE2
does not have (look-around, back references) is refused in a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import re2

from ftl.errors import FtlError

PHOTO = "{photo}"

_PARTS = {"#": r"\d+", "*": ".*"}
_TRIED = tuple(PHOTO + end for end in ("_#", "-#", " #", ".#", " (#)", "_*", "-*"))
_MOST_LETTERS = 10_000

PhotoOf = Callable[[str], "str | None"]
"""From a file's name without its ending to the photo; None where the name does not fit."""


def is_template(pattern: str) -> bool:
    """Whether a pattern is a template and no regular expression."""
    return PHOTO in pattern


def photo_of(pattern: str) -> PhotoOf:
    """A function from a file's name to its photo.

    Raises `FtlError` for a pattern that is neither a template nor an expression.
    """
    if len(pattern) > _MOST_LETTERS:
        raise FtlError(f"the photo pattern has {len(pattern):,} letters: {_MOST_LETTERS:,} are the most")
    expression = _expression(pattern) if is_template(pattern) else pattern
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(expression, options)
    except (re2.error, UnicodeError) as error:
        raise FtlError(
            f"the photo pattern {pattern!r} is no regular expression that RE2 knows, which has no look-around and no "
            f"back references ({_said(error)}): use a template as {PHOTO}_*"
        ) from error
    if compiled.groups < 1:
        raise FtlError(
            f"the photo pattern {pattern!r} needs {PHOTO}, as in {PHOTO}_*, "
            "or one group in parentheses, as in (.+)_\\d+"
        )

    def find(stem: str) -> str | None:
        match = compiled.fullmatch(stem)
        return match[1] if match is not None and match[1] else None

    return find


def _expression(template: str) -> str:
    before, _, after = template.partition(PHOTO)
    if PHOTO in after:
        raise FtlError(f"the template {template!r} has {PHOTO} twice: once is enough")
    return f"(?s){_literal(before)}(.+){_literal(after)}"


def _literal(text: str) -> str:
    return "".join(_PARTS.get(letter) or re2.escape(letter) for letter in text)


def _said(error: Exception) -> str:
    found = error.args[0] if error.args else ""
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)


class Effect(NamedTuple):
    """What a pattern finds in names: how many photos, in how many names that fit, and which names do not fit.

    `examples`: some names with their photos.
    """

    photos: int
    fitting: int
    strangers: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]


def effect(pattern: str, stems: Sequence[str], examples: int = 5) -> Effect:
    """What a pattern finds in names without their endings; up to `examples` of them, of the photos with most crops.

    Raises `FtlError` as `photo_of`.
    """
    find = photo_of(pattern)
    found = [(stem, find(stem)) for stem in stems]
    fitting = [(stem, photo) for stem, photo in found if photo is not None]
    counts = Counter(photo for _, photo in fitting)
    largest = [photo for photo, _ in counts.most_common(2)]
    shown = [pair for photo in largest for pair in fitting if pair[1] == photo][:examples]
    return Effect(len(counts), len(fitting), tuple(stem for stem, photo in found if photo is None), tuple(shown))


def guess(stems: Sequence[str]) -> str | None:
    """The template that finds most crops of the same photo among names; None where hardly any share one.

    A template must fit half of the names, and half of those must have another of the same photo beside them.
    """
    best, most = None, 0
    for template in _TRIED:
        find = photo_of(template)
        counts = Counter(photo for photo in map(find, stems) if photo is not None)
        sharing = sum(count for count in counts.values() if count > 1)
        fitting = sum(counts.values())
        if len(counts) > 1 and 2 * fitting >= len(stems) and 2 * sharing >= fitting and sharing > most:
            best, most = template, sharing
    return best
