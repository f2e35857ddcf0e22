"""Segmenters on disk: a candidate's folder in a sweep, or the one file that is taken home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from ftl.errors import FtlError
from ftl.files import read_json, whole_file
from ftl.models.io import load_backbone
from ftl.models.layout import DESCRIPTION, HEAD, SEGMENTED, VALIDATION
from ftl.models.network_folder import read_description
from ftl.models.segmenter import Segmenter
from ftl.models.weights import read_tensors

_PREFIX = "decoder."

MOST_CLASSES = 255
"""Classes of a mask, whose numbers are bytes, the background aside."""


def write_decoder(folder: Path, model: Segmenter) -> None:
    """Write the decoder, classes and threshold of a segmenter as `folder/head.safetensors`, whole or not at all."""
    tensors, header = _parts(model)
    with whole_file(folder / HEAD) as draft:
        draft.write_bytes(save(tensors, metadata={"ftl": json.dumps(header)}))


def _parts(model: Segmenter) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors = {f"{_PREFIX}{key}": value.contiguous() for key, value in model.decoder.state_dict().items()}
    data = {"classes": [*model.classes], "width": model.width, "threshold": model.threshold}
    return tensors, {"decoder": data}


def draws_masks(path: str | Path) -> bool:
    """Whether a network's folder or exported file is a segmenter, by what it says of itself.

    Raises `FtlError` for a file that cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        return (path / DESCRIPTION).is_file() and read_description(path).get("head") == SEGMENTED
    return path.suffix.lower() == ".safetensors" and "decoder" in read_tensors(path)[1]


def load_segmenter(path: str | Path) -> Segmenter:
    """Load a segmenter: its folder in a sweep, or the one file that `ftl export` wrote. Raises `FtlError`."""
    path = Path(path)
    tensors, header = read_tensors(path / HEAD if path.is_dir() else path)
    try:
        data = header["decoder"]
        classes, width, threshold = [*map(str, data["classes"])], int(data["width"]), float(data["threshold"])
        if not (1 <= len(classes) <= MOST_CLASSES and 1 <= width <= 4096 and 0 <= threshold <= 1):
            raise ValueError(data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FtlError(f"{path} holds no network that draws masks ({error!r:.200})") from error
    network = load_backbone(path)
    with torch.device("meta"):  # the decoder takes no memory until the file is known to hold it
        model = Segmenter(network, classes, width, threshold)
    expected = {key: value.shape for key, value in model.decoder.state_dict().items()}
    weights = {key.removeprefix(_PREFIX): value for key, value in tensors.items() if key.startswith(_PREFIX)}
    if {key: value.shape for key, value in weights.items()} != expected:
        raise FtlError(f"{path}: the decoder does not fit the network's layers")
    model.decoder.to_empty(device="cpu").load_state_dict(weights)
    return model.eval().requires_grad_(False)


def export_segmenter(folder: Path, file: Path) -> Path:
    """Write a candidate's segmenter as one `.safetensors` file, with what made it in its header."""
    model, description = load_segmenter(folder), read_description(folder)
    tensors, header = _parts(model)
    network = model.network
    header |= {
        "layers": network.spec(),
        "preprocess": network.preprocess.kind,
        "size": network.preprocess.size,
        "name": network.name,
        "keep": description["keep"],
        "made_with": description["made_with"] | {key: read_json(folder / VALIDATION)[key] for key in MADE_FROM},
    }
    tensors |= {key: value.contiguous() for key, value in network.state_dict().items()}
    with whole_file(file) as draft:
        draft.write_bytes(save(tensors, metadata={"ftl": json.dumps(header)}))
    return file


MADE_FROM = ("dataset_sha256", "seed", "photo")
"""What of a candidate's validation an exported file says."""
