"""One zip to take home: the network, its classes, and an example that runs without PyTorch."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftl.data import tiles as cutting

_CLASSIFIES = """\
This network distinguishes {classes}.

{files}
  classes.json      the classes, in the order of the probabilities
  example.py        how to use it; example.jpg or .png, if it is here, is a photograph to try{tiles}

    python -m pip install onnxruntime numpy pillow
    python example.py PHOTOGRAPH...

Input `image`: uint8, RGB, (1, height, width, 3), of any size; resizing and normalising are part of the model.
Output `probabilities`: float32, (1, {count}). What it was made from stands in the model's metadata under `ftl`.
"""

_TILES = """
  tiles.py          used by example.py: the network was trained on tiles of {side} x {side} pixels, and looks at large
                    photographs in such tiles"""

_DRAWS = """\
This network draws masks of {classes}.

{files}
  classes.json      the classes, in the order of the probabilities, behind the background
  example.py        how to use it; example.jpg or .png, if it is here, is a photograph to try

    python -m pip install onnxruntime numpy pillow
    python example.py PHOTOGRAPH...

Input `image`: uint8, RGB, (1, height, width, 3), of any size; normalising is part of the model.
Output `mask`: uint8, (1, height, width): 255 inside and 0 outside, or the number of the class, from 1, where there are
several. Output `probabilities`: float32, (1, {count}, height, width), the background first. What it was made from
stands in the model's metadata under `ftl`.
"""


def zipped(
    models: Mapping[str, bytes],
    about: dict[str, Any],
    example: Path | None = None,
    remarks: Mapping[str, str] = {},
    *,
    draws: bool = False,
) -> bytes:
    """The zip's bytes. `models`: contents by name; `remarks`: on models, by name, also on those left out.

    `example`: a photograph. `draws`: the network draws masks; others classify.
    """
    lines = [f"  {name:<17} {remarks.get(name, 'the network')}" for name in {**models, **remarks}]
    count = len(about["classes"]) + draws
    text = _DRAWS if draws else _CLASSIFIES
    tiles = _TILES.format(side=about["tile"]) if "tile" in about else ""
    readme = text.format(classes=", ".join(about["classes"]), count=count, files="\n".join(lines), tiles=tiles)
    files: dict[str, bytes] = dict(models)
    if tiles:
        files["tiles.py"] = Path(cutting.__file__).read_bytes()
    files["classes.json"] = json.dumps(about["classes"], ensure_ascii=False).encode()
    script = "example_masks.py" if draws else "example.py"
    files["example.py"] = Path(__file__).with_name(script).read_bytes()
    files["README.txt"] = readme.encode()
    if example is not None:
        files[f"example{example.suffix.lower()}"] = example.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # no date: same network, same bytes
    return buffer.getvalue()
