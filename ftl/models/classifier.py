"""Classifiers: a network with its head, read from a sweep's folder or from one exported file, and exported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from ftl.errors import FtlError
from ftl.files import read_json, whole_file
from ftl.models.backbone import Backbone
from ftl.models.head import Head, features_from
from ftl.models.io import load_backbone
from ftl.models.layout import HEAD, VALIDATION
from ftl.models.network_folder import read_description
from ftl.models.preprocess import MOST_SIZE
from ftl.models.weights import read_tensors


@dataclass(frozen=True)
class Model:
    """A feature extractor and the classifier on its features.

    `tile`: side in pixels of the tiles of large photographs that it was trained on; None: of no such. `looked_for`: the
    class that a photograph shows as soon as one of its tiles does; "" where none was named.
    """

    network: Backbone
    head: Head
    tile: int | None = None
    looked_for: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.head.classes

    @torch.inference_mode()
    def probabilities(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities float64 (N, classes) of RGB uint8 images, each (height, width, 3)."""
        maps = self.network(self.network.inputs(images))
        return self.head.probabilities(features_from(maps, pooled=self.head.pooled))

    @torch.inference_mode()
    def evidence(self, images: Sequence[np.ndarray], label: str) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities (N, classes), and what each place of the last map adds to them (N, H, W); float64.

        The head is linear, so nothing is estimated: with two classes, a map's sum and the bias are the log-odds of
        `label`; with more, its logit less the mean of all. Raises `FtlError` when there is no such class.
        """
        if label not in self.classes:
            raise FtlError(f"there is no class {label!r} to look for: there are {', '.join(self.classes)}")
        at, maps = self.classes.index(label), self.network(self.network.inputs(images))
        weight = self.head.weight
        weight = (weight[0] if at else -weight[0]) if len(weight) == 1 else weight[at] - weight.mean(0)
        shape = maps.shape[2], maps.shape[3], maps.shape[1]
        each = np.broadcast_to(weight / (shape[0] * shape[1]), shape) if self.head.pooled else weight.reshape(shape)
        places = np.einsum("nchw,hwc->nhw", maps.cpu().numpy(), each, dtype=np.float64)
        return self.head.probabilities(features_from(maps, pooled=self.head.pooled)), places


def _head_parts(head: Head) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    data = asdict(head)
    tensors = {f"head.{key}": torch.from_numpy(np.ascontiguousarray(data.pop(key))) for key in ("weight", "bias")}
    return tensors, data


def write_head(folder: Path, head: Head) -> None:
    """Write `folder/head.safetensors`, whole or not at all."""
    tensors, data = _head_parts(head)
    with whole_file(folder / HEAD) as draft:
        draft.write_bytes(save(tensors, metadata={"ftl": json.dumps({"head": data})}))


def read_head(file: Path) -> Head:
    """Read a head. Raises `FtlError` when the file holds none."""
    tensors, header = read_tensors(file)
    try:
        data = header["head"]
        weight, bias = tensors["head.weight"].numpy(), tensors["head.bias"].numpy()
        pooled = bool(data["pooled"])
        return Head(weight, bias, tuple(data["classes"]), data["c"], tuple(data["scores"]), pooled)
    except (KeyError, TypeError, ValueError) as error:
        raise FtlError(f"{file} holds no classifier ({error!r})") from error


def _tile_of(path: Path, made_with: dict[str, Any]) -> int | None:
    tile = made_with.get("tile")
    if tile is not None and (type(tile) is not int or not 8 <= tile <= MOST_SIZE):
        raise FtlError(f"{path}: a tile has from 8 to {MOST_SIZE:,} pixels a side, not {str(tile)[:40]}")
    return tile


def load_model(path: str | Path) -> Model:
    """Load a network with its head: a network's folder in a sweep, or the one file that `export` wrote.

    Raises `FtlError` when there is no head, or it does not fit the network.
    """
    path = Path(path)
    if path.is_dir() and not (path / HEAD).is_file():
        raise FtlError(f"{path} has no classifier yet: run ftl train {path.parent}")
    if not path.is_dir() and path.suffix.lower() != ".safetensors":
        raise FtlError(f"{path} is neither a network's folder nor an exported .safetensors file")
    head = read_head(path / HEAD if path.is_dir() else path)
    network = load_backbone(path)
    probe = np.zeros((1, network.preprocess.size, network.preprocess.size, 3), np.uint8)
    with torch.inference_mode():
        width = features_from(network(network.inputs(probe)), pooled=head.pooled).size
    if head.weight.shape[1] != width:
        raise FtlError(f"{path}: the classifier takes {head.weight.shape[1]} features, but the network gives {width}")
    made_with = (read_description(path) if path.is_dir() else read_tensors(path)[1]).get("made_with", {})
    looked_for = made_with.get("positive")
    return Model(network, head, _tile_of(path, made_with), looked_for if looked_for in head.classes else "")


def export(folder: str | Path, file: str | Path) -> Path:
    """Write a sweep's network and head as one `.safetensors` file, with what made them in its header.

    `ftl predict`, `load_model` and `load_backbone` take it.
    """
    folder, file = Path(folder), Path(file)
    if file.suffix != ".safetensors":
        raise FtlError(f"an exported model is a .safetensors file, not {file.name}")
    model = load_model(folder)
    tensors, head = _head_parts(model.head)
    description, validation = read_description(folder), read_json(folder / VALIDATION)
    header = {
        "layers": model.network.spec(),
        "preprocess": model.network.preprocess.kind,
        "size": model.network.preprocess.size,
        "name": model.network.name,
        "keep": description["keep"],
        "head": head,
        "made_with": description["made_with"] | {key: validation[key] for key in ("dataset_sha256", "seed", "photo")},
    }
    tensors |= {key: value.contiguous() for key, value in model.network.state_dict().items()}
    with whole_file(file) as draft:
        draft.write_bytes(save(tensors, metadata={"ftl": json.dumps(header)}))
    return file
