"""A stranger adds a format: a module of its own and its line in the registry, in a copy of the program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

MODULE = '''"""Letters: a text file for each image, a line of it for each row of pixels."""

import numpy as np

from studio.formats.format import Companion, Export, Format, ImageMasks, Reader


def read(file):
    """The masks of a file, whose letters letters.key names."""
    values = np.array([list(line) for line in file.lines()])
    names = file.beside.tables[KEY]
    drawn = [(names[letter], values == letter) for letter in np.unique(values) if letter != "."]
    yield ImageMasks(None, file.path.stem, values.shape, lambda *_: iter(drawn))


KEY = Companion(("*/letters.key",), lambda name, text, known: dict(line.split("=") for line in text.splitlines()))


def write(items, classes):
    """A letter for each pixel: a, b, c for the classes, a dot where nothing is drawn."""
    letters = {known.number: chr(ord("a") + place) for place, known in enumerate(classes)} | {0: "."}
    yield "letters.key", "".join(f"{letters[known.number]}={known.name}\\n" for known in classes).encode()
    for item in items:
        yield from item.photograph("pictures/")
        rows = ("".join(letters[value] for value in row) for row in item.mask.tolist())
        yield f"letters/{item.stem}.letters", "\\n".join(rows).encode()


FORMAT = Format(
    "Letters",
    {"letters": Export("Letters", "A letter for each pixel.", write)},
    Reader(files="Letters' .letters", suffixes=(".letters",), read=read, companion=KEY, photographs_in=("pictures",)),
)
'''

PROGRAM = """
import io

import numpy as np
from PIL import Image

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Region
from studio.errors import StudioError
from studio.formats.export_zip import as_zip
from studio.formats.import_masks import import_masks
from studio.formats.registry import SUFFIXES
from studio.images.library import find_images
from studio.images.uploads import receive
from studio.projects.projects import create_project
from studio.store.database import migrate, writing

migrate()
with writing() as db:
    user = add_user(db, "Ada", "a long enough password").id
picture = io.BytesIO()
Image.fromarray(np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)).save(picture, "PNG")
first, second = (create_project(user, name, ("Crack", "Pore")).id for name in ("First", "Second"))
for project in (first, second):
    assert receive(project, user, [("wall.png", picture)]).problems == []
mask = np.random.default_rng(1).integers(0, 3, (5, 7), np.uint8)
image = find_images(first)[0]
log.append(image.id, user, [Region.of(mask == number, number, f"m{number}") for number in (1, 2)])

exported = io.BytesIO(b"".join(as_zip(first, "letters")))
taken = import_masks(second, user, [("all.zip", exported)], class_number=1)
assert (taken.images, taken.regions, taken.problems) == (1, 2, []), taken
assert np.array_equal(log.mask(find_images(second)[0]), mask)

assert {".letters", ".key"} <= set(SUFFIXES)  # the page that imports offers them
damaged = import_masks(second, user, [("wall.doc", io.BytesIO(b"x"))], class_number=1)
assert "Letters' .letters" in damaged.problems[0], damaged
try:
    as_zip(first, "none")
except StudioError as error:
    assert "labelme, letters" in str(error)
"""


def test_a_format_is_added_by_its_module_and_its_line_in_the_registry(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "studio", tmp_path / "studio", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ftl").symlink_to(ROOT / "ftl")
    formats = tmp_path / "studio" / "formats"
    (formats / "letters.py").write_text(MODULE)
    registry = (formats / "registry.py").read_text()
    listed = registry.replace("    labelme.FORMAT,\n", "    labelme.FORMAT,\n    letters.FORMAT,\n")
    listed = listed.replace("import coco, cvat, labelme,", "import coco, cvat, labelme, letters,")
    assert len(set(listed.splitlines()) - set(registry.splitlines())) == 2  # the line, and its import
    (formats / "registry.py").write_text(listed)
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "STUDIO_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
