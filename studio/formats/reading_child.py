"""Files with masks that strangers sent, read and drawn in a child of `studio.sandbox`."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from ftl.errors import FtlError
from studio.annotation.strokes import Region
from studio.errors import StudioError
from studio.formats.companion_files import Sidecars, learn
from studio.formats.mask_files import is_named, is_picture, no_mask, read_masks
from studio.formats.read_masks import Found
from studio.images.file_names import tidy_name


class _Taken(NamedTuple):
    """A file with its folders, and its copy."""

    name: str
    draft: Path


def masks_of(given: Sequence[tuple[str, str]], done: int, named: Sequence[str]) -> Generator[Any, Any, None]:
    """What files hold that tell about each other: names with folders, and the paths of their copies.

    It gives pairs, of what comes and the value:

    - `damaged`: name and sentence of a file beside the masks that cannot be read;
    - `file`: the name of the file with masks that comes next;
    - `image`: whose masks come next, as `name`, `stem`, (height, width) or None as `size`, and the `sha256` of the
      image if that is told; it is sent the image's height and width, or None to pass it over;
    - `label`: the class of the mask that comes next; it is sent its number, or None to pass it over;
    - `region`: a mask as a stroke;
    - `problem`: a sentence instead of a mask;
    - `drawn`: the image has no more;
    - `refused`: a sentence about the rest of the file.

    `done`: so many files with masks were dealt with already. `named`: what they call photographs.
    """
    masks, beside, damaged = _sorted([_Taken(name, Path(draft)) for name, draft in given])
    photographs = set(named)
    for name, problem in damaged if not done else ():
        yield "damaged", [name, problem]
    for mask in masks[done:]:
        yield "file", mask.name
        if is_named(mask.name, photographs):
            continue
        try:
            for found in read_masks(mask.name, mask.draft, beside):
                if found.name:
                    photographs.add(tidy_name(found.name))
                own = found._asdict() | {"sha256": beside.originals.get(tidy_name(found.stem), "")}
                del own["draw"]
                shape = yield "image", own
                if shape is not None:
                    yield from _regions(found, *shape)
        except (StudioError, FtlError) as error:
            yield "refused", str(error)


def _regions(found: Found, height: int, width: int) -> Generator[Any, Any, None]:
    for drawn in found.draw(height, width):
        if isinstance(drawn, StudioError):
            yield "problem", str(drawn)
            continue
        label, where = drawn
        if not where.any():
            yield "problem", "nothing is drawn in it"
            continue
        number = yield "label", label
        if number is not None:
            digest = hashlib.sha256(np.packbits(where).tobytes() + bytes([number])).hexdigest()
            yield "region", Region.of(where, number, f"import-{digest[:24]}").row()
    yield "drawn", None


def _sorted(taken: Sequence[_Taken]) -> tuple[list[_Taken], Sidecars, list[tuple[str, str]]]:
    """The files with masks, what the others tell of them, and a sentence for each of those that is damaged.

    Pictures come last: those that a file before them calls its photograph are no masks.
    """
    beside, rest, problems = Sidecars(), [], []
    for file in taken:
        learned = learn(beside, PurePosixPath(file.name.replace("\\", "/")), file.draft)
        if learned is None:
            rest.append(file)
        else:
            beside, problem = learned
            problems += [(file.name, problem)] if problem else []
    rest.sort(key=lambda file: is_picture(file.name))
    masks = [file for file in rest if not no_mask(file.name, beside)]
    alone = not masks and beside == Sidecars()  # pictures that came without anything: each is told what is wrong
    return rest if alone else masks, beside, problems
