"""What a sweep's folder says of itself in `sweep.json`: how it is made, and from which photographs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftl.data.dataset import Scored
from ftl.data.masks import MaskSet
from ftl.errors import FtlError
from ftl.files import digest, digest_of, read_json, remove_drafts, versions, write_json
from ftl.models.backbone import Backbone
from ftl.models.engines import Engines, fastest, pays
from ftl.models.io import load_backbone
from ftl.models.layout import UNPRUNED
from ftl.models.network_folder import read_description

SETTINGS = "sweep.json"


def backbone_digest(backbone: Backbone) -> str:
    """SHA-256 over a network's layers, weights and preprocessing."""
    tensors = backbone.state_dict().items()
    parts = [(key, hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()) for key, value in tensors]
    return digest_of([*parts, (json.dumps(backbone.spec()), backbone.preprocess)])


def made_with(out: Path) -> dict[str, Any]:
    """What the networks of the sweep begun in `out` say they were made with."""
    return read_json(out / SETTINGS)["settings"] | {"versions": versions()}


def scored_by(masks: MaskSet) -> Scored:
    """The photographs of a set of masks, as those that choose filters."""
    paths = [one.image_path for one in masks.examples]
    return Scored([digest(path) for path in paths], [path.name for path in paths])


def scored_in(out: Path) -> Scored:
    """The photographs that chose the filters of the sweep begun in `out`."""
    manifest = read_json(out / SETTINGS)
    return Scored(manifest["scored_sha256"], manifest["scored_names"])


def engines_of(out: Path, images: int, among: Sequence[str] | None = None) -> Engines:
    """The engines (`ftl.models.engines`) of the sweep begun in `out`: for its networks, wherever they pay.

    They are measured once, on the unpruned network, as soon as so many images are worth it. `among`: the engines that
    all machines have, by default those of this one.
    """
    manifest = read_json(out / SETTINGS)
    if "engines" not in manifest:
        if not pays(read_description(out / UNPRUNED)["macs"], images):
            return Engines()
        manifest["engines"] = fastest(load_backbone(out / UNPRUNED), among)._asdict()
        write_json(out / SETTINGS, manifest)
    return Engines(**manifest["engines"])


def engine_of(folder: Path, images: int, engines: Engines) -> str:
    """The engine of one network of a sweep, by its folder, for so many images; `engines` are those of the sweep."""
    return engines.suited(read_description(folder)["macs"], images, is_unpruned=folder.name == UNPRUNED)


def claim_folder(out: Path, settings: dict[str, Any], scored: Scored) -> None:
    """Make `out` this sweep's, or check that it is; clear away what a killed run left half-written.

    `scored`: the photographs that choose the filters; neither they nor crops of theirs may stand in a test set.
    """
    file = out / SETTINGS
    if file.is_file():
        before = read_json(file)["settings"]
        differing = [key for key in settings if before.get(key) != settings[key]]
        if differing:
            differences = "; ".join(f"{key} was {before.get(key)}, now {settings[key]}" for key in differing)
            raise FtlError(
                f"{out} holds a sweep made otherwise ({differences}): choose another folder, or remove this one"
            )
        remove_drafts(out)
    elif out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir()):
        raise FtlError(f"{out} is not empty and holds no sweep: choose another folder")
    else:
        manifest = {"settings": settings, "scored_sha256": scored.digests, "scored_names": scored.names}
        write_json(file, manifest | {"versions": versions()})
