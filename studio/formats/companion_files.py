"""Files that are no masks but say how the masks beside them, in the same zip or upload, are to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

from studio.images.file_names import tidy_name

_MOST_BYTES = 20 * 2**20
_MOST_YAML = 500_000  # letters; the largest sets that are published have some thousand classes
_DEEPEST_YAML = 20
_BLACK = (0, 0, 0)
_NO_MASKS = ("train.txt", "val.txt", "test.txt", "trainval.txt", "default.txt")  # lists of images

Colour = tuple[int, int, int]


class Sidecars(NamedTuple):
    """What is told beside masks; None where nothing is.

    A damaged file tells an empty table, so that nothing is guessed.

    `numbers`: names of the values of index masks (classes.json). `colours`: names of colours (labelmap.txt), "" for
    what is no class. `names`: YOLO's classes (data.yaml, classes.txt). `originals`, `photographs`: from the studio's
    own images.json, the SHA-256 of an exported file's original by its stem, and the names of the photographs' files.
    """

    numbers: dict[int, str] | None = None
    colours: dict[Colour, str] | None = None
    names: dict[int, str] | None = None
    originals: dict[str, str] = {}  # noqa: RUF012 # never written to
    photographs: frozenset[str] = frozenset()


def learn(known: Sidecars, path: PurePosixPath, file: Path) -> tuple[Sidecars, str] | None:
    """What is known with this file too, and a sentence if it is damaged; None if it tells nothing about others."""
    name = path.name.lower()
    if name in _NO_MASKS or "imagesets" in (one.lower() for one in path.parts[:-1]):
        return known, ""
    if name not in ("classes.json", "images.json", "labelmap.txt", "classes.txt") and path.suffix.lower() not in (
        ".yaml",
        ".yml",
    ):
        return None
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES // 2**20} MB")
        text = file.read_text("utf-8-sig")
        if name == "images.json":
            return _images(known, text)
        if name == "classes.json":
            return known._replace(numbers=_numbers(text)), ""
        if name == "labelmap.txt":
            return known._replace(colours=_colours(text.splitlines())), ""
        if name == "classes.txt":
            lines = [line.strip() for line in text.splitlines()]
            return known._replace(names=known.names or {at: one for at, one in enumerate(lines) if one}), ""
        return known._replace(names=_yaml_names(text)), ""
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        return _without(known, name), f"what it tells of the masks cannot be read ({str(error)[:100]})"


def _without(known: Sidecars, name: str) -> Sidecars:
    if name == "images.json":
        return known
    if name == "classes.json":
        return known._replace(numbers={})
    return known._replace(colours={}) if name == "labelmap.txt" else known._replace(names=known.names or {})


def _images(known: Sidecars, text: str) -> tuple[Sidecars, str] | None:
    rows = json.loads(text)
    if not isinstance(rows, list):  # somebody else's: read as masks
        return None
    files = {tidy_name(one["file"]): str(one["sha256"]) for one in rows}
    stems = {PurePosixPath(name).stem: sha256 for name, sha256 in files.items()}
    return known._replace(originals=stems, photographs=frozenset(files)), ""


def _numbers(text: str) -> dict[int, str]:
    table = json.loads(text)
    if not isinstance(table, dict) or not all(type(one) is int for one in table.values()):
        raise ValueError('it holds names and numbers, as {"Crack": 1}')
    found = {number: name for name, number in table.items()}
    if len(found) < len(table):
        raise ValueError("two names have the same number")
    return found


def _colours(lines: Iterable[str]) -> dict[Colour, str]:
    """Lines of `name:red,green,blue:parts:actions`, with comments behind a #."""
    found: dict[Colour, str] = {}
    for line in filter(str.strip, lines):
        name, _, rest = line.partition(":")
        match = re.fullmatch(r"\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*", rest.partition(":")[0])
        if match is None:
            if line.startswith("#"):
                continue
            raise ValueError(f"a line is not as in Crack:255,0,0:: but {line[:40]}")
        red, green, blue = (int(one) for one in match.groups())
        if max(red, green, blue) > 255 or (red, green, blue) in found:
            raise ValueError(f"the colour of {name[:40]} is none, or another's")
        nothing = name.strip().lower() == "background" and (red, green, blue) == _BLACK
        found[red, green, blue] = "" if nothing else name.strip()
    return {_BLACK: ""} | found


def _yaml_names(text: str) -> dict[int, str]:
    """The `names` of a YOLO data.yaml, a list or a table, as they are written: `no` is a name, and no truth value."""
    if len(text) > _MOST_YAML:
        raise ValueError(f"it is larger than {_MOST_YAML:,} letters")
    try:
        depth = 0
        for event in yaml.parse(text, yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):  # nested, a few lines of them fill memory
                raise ValueError("it has references (*), which are not read")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST_YAML:
                raise ValueError(f"it has more than {_DEEPEST_YAML} lists within each other")
        table = yaml.load(text, yaml.BaseLoader)  # makes nothing but texts, lists and tables
    except yaml.YAMLError as error:
        told = str(getattr(error, "problem", None) or error)
        ends = "'<stream end>'" in told or "end of stream" in told
        raise ValueError("the list of names does not end" if ends else f"this is no YAML: {told}") from error
    if not isinstance(table, dict) or "names" not in table:
        raise ValueError("there is no names: in it")
    names = table["names"]
    found = dict(enumerate(names)) if isinstance(names, list) else {int(key): name for key, name in names.items()}
    if not all(isinstance(name, str) for name in found.values()):
        raise ValueError("names: is neither a list of names nor a table of numbers and names")
    return found
