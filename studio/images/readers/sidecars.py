"""Files that are no masks but say how the masks beside them, in the same zip or upload, are to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from studio.images.names import tidy_name

_MOST_BYTES = 20 * 2**20
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
    """The `names` of a YOLO data.yaml: a list or a table, in a line or in several. The rest of YAML is not needed."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    start = next((at for at, line in enumerate(lines) if re.match(r"names\s*:", line)), None)
    if start is None:
        raise ValueError("there is no names: in it")
    inline = lines[start].partition(":")[2].strip()
    if inline[:1] in ("[", "{"):
        rest = " ".join([inline, *lines[start + 1 :]])
        body = re.match(r"""[\[{]((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\]}])*)[\]}]""", rest)
        if body is None:
            raise ValueError("the list of names does not end")
        entries = re.findall(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,])+""", body[1])
        entries = [one.strip() for one in entries if one.strip()]
        keyed = inline[0] == "{"
    else:
        entries = []
        for line in lines[start + 1 :]:
            if not re.match(r"\s+\S|- ", line):
                break
            entries.append(line.strip())
        keyed = not all(one.startswith("- ") for one in entries)
        entries = entries if keyed else [one[2:].strip() for one in entries]
    if not keyed:
        return dict(enumerate(map(_yaml_text, entries)))
    pairs = (entry.partition(":")[::2] for entry in entries)
    return {int(key): _yaml_text(value.strip()) for key, value in pairs}


def _yaml_text(text: str) -> str:
    if match := re.match(r'"(?:[^"\\]|\\.)*"', text):
        return str(json.loads(match[0]))
    if match := re.match(r"'((?:[^']|'')*)'", text):
        return match[1].replace("''", "'")
    return re.sub(r"\s+#.*", "", text)
