"""Loading a backbone by name or from a file, and saving one as a file with its own description."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from ftl.errors import FtlError
from ftl.files import whole_file
from ftl.models.backbone import Backbone, Features, Spec, build, describe, layers_of
from ftl.models.imagenet import fetch
from ftl.models.keras_h5 import read_keras
from ftl.models.layers import REMOVED, Layer
from ftl.models.layout import DESCRIPTION, WEIGHTS
from ftl.models.network_folder import read_description
from ftl.models.preprocess import Preprocess
from ftl.models.pt2 import read_pt2
from ftl.models.registry import REGISTRY, Architecture, architecture
from ftl.models.weights import read_tensors

_PICKLES = (".pkl", ".pickle", ".cpickle", ".joblib", ".npy", ".npz")
_TORCH = (".pt", ".pth", ".bin", ".ckpt")


def load_backbone(source: str | Path, *, weights: str | Path | None = None, preprocess: str | None = None) -> Backbone:
    """Load a backbone, or a pruned network, ready to run: `backbone(backbone.preprocess(images))`.

    Args:
        source: a name from the registry (vgg16, alexnet, resnet50, mobilenet_v2, ...); a file (.h5, .safetensors, .pt,
            .pth, .pt2); or a pruned network's folder or `network.json`.
        weights: for a name, the file with its weights. Without it torchvision's ImageNet weights are taken.
        preprocess: `caffe`, `imagenet` or `raw`; by default what the file says, `imagenet` for torchvision's own
            checkpoints (they hold a classifier) and all networks that are no chains, and `caffe` for every other, as in
            the original.

    Raises:
        FtlError: unknown name, missing, damaged or foreign file, pickles, weights that do not fit.
    """
    path = Path(source)
    if str(source) in REGISTRY:
        chosen = architecture(str(source))
        file = Path(weights) if weights is not None else fetch(chosen)
        features, kind, size, name = _load_named(chosen, file)
    elif path.exists():
        if weights is not None:
            raise FtlError(f"--weights goes with a backbone's name; {path} holds its own weights")
        features, kind, size, name = _load_path(path)
    elif path.suffix or len(path.parts) > 1:
        raise FtlError(f"there is no file {path}")
    else:
        architecture(str(source))  # raises, and lists the names
        raise AssertionError("unreachable")
    return Backbone(name, features, Preprocess(preprocess or kind, size))


def _load_path(path: Path) -> tuple[Features, str, int, str]:
    if path.is_dir() or path.name == DESCRIPTION:
        return _load_folder(path if path.is_dir() else path.parent)
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise FtlError(
            f"{path} is a pickle: it could run anything, so it is never loaded; save weights as .safetensors"
        )
    if suffix in (".h5", ".hdf5"):
        layers, size = read_keras(path)
        return build_like(layers), "caffe", size, path.stem
    if suffix == ".pt2":
        return build_like(read_pt2(path)), "caffe", 224, path.stem
    if suffix != ".safetensors" and suffix not in _TORCH:
        raise FtlError(f"{path}: a backbone is an .h5, .safetensors, .pt, .pth or .pt2 file")
    beside = path.parent / DESCRIPTION
    if path.name == WEIGHTS and beside.is_file():
        return _load_path(beside)
    tensors, header = read_tensors(path)
    if "layers" in header:
        features = build_empty(header["layers"])
        load_weights(features, tensors, path)
        return features, header["preprocess"], header["size"], header.get("name", path.stem)
    fits = {known: _fits(known, tensors) for known in REGISTRY.values()}
    most = max(fits.values())  # resnet18's layers are all in resnet34, too
    fitting = [known for known, count in fits.items() if count and count == most]
    if len(fitting) != 1:
        raise FtlError(
            f"{path} holds weights without a description of the layers, and they fit no known backbone "
            f"({', '.join(REGISTRY)}): save it with ftl.save_backbone(network, path)"
        )
    return _load_named(fitting[0], path)


def _load_folder(folder: Path) -> tuple[Features, str, int, str]:
    description = read_description(folder)
    try:
        features, preprocess = build_empty(description["architecture"]), description["preprocess"]
        kind, size, name = preprocess["kind"], int(preprocess["size"]), str(description["backbone"])
    except (KeyError, TypeError) as error:
        raise FtlError(f"{folder}/{DESCRIPTION} describes no network ({error!r})") from error
    tensors, _ = read_tensors(Path(folder) / WEIGHTS)
    load_weights(features, tensors, Path(folder) / WEIGHTS)
    return features, kind, size, name


def build_like(features: nn.Module) -> Features:
    """A copy of a network without dropouts and classifier. Raises `FtlError` for one that no backbone may be."""
    made = build_empty(describe(features))
    if isinstance(made, nn.Sequential):
        kept = [layer for layer in features.children() if not isinstance(layer, REMOVED)]
        given = {
            f"{index}.{key}": value for index, layer in enumerate(kept) for key, value in layer.state_dict().items()
        }
    else:
        given = features.state_dict()
    load_weights(made, given, Path(type(features).__name__))
    return made


def build_empty(spec: Spec) -> Features:
    """Layers without memory for their weights, until `load_weights` gives them some: a file may claim any number.

    Raises `FtlError` for data that describe no network.
    """
    with torch.device("meta"):
        return build(spec)


def save_backbone(
    features: nn.Module,
    path: str | Path,
    *,
    name: str = "",
    preprocess: str = "caffe",
    size: int = 224,
    made_with: dict[str, Any] | None = None,
) -> None:
    """Write any network that can be pruned as `.safetensors` with its description, up to its last map.

    `made_with` goes into the header: what it was trained on, and how. Raises `FtlError` that names the layer for a
    network that no backbone may be; `ftl.models.layers` has those that it may hold.
    """
    clean = build_like(features)
    header = {"layers": describe(clean), "preprocess": preprocess, "size": size, "name": name or Path(path).stem}
    header |= {"made_with": made_with} if made_with else {}
    Preprocess(preprocess, size)
    tensors = {f"features.{key}": value.contiguous() for key, value in clean.state_dict().items()}
    with whole_file(Path(path)) as draft:
        draft.write_bytes(save(tensors, metadata={"ftl": json.dumps(header)}))


def _convolutions(spec: Spec) -> list[Layer]:
    return [layer for layer in layers_of(spec) if layer["type"] == "conv"]


def _features_only(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights by the names that a network's own layers have, also in old files."""
    inside = {key.removeprefix("features."): value for key, value in tensors.items() if key.startswith("features.")}
    return {_OLD.sub(r"\1\2", key): value for key, value in (inside or tensors).items()}


_OLD = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""torchvision's DenseNet weights have layers `norm.1` where its networks have `norm1`."""


def _fits(chosen: Architecture, tensors: dict[str, torch.Tensor]) -> int:
    """How many of a file's weights an architecture has a place for; 0 where any of its own is missing."""
    expected = {key: value for key, value in build_empty(chosen.spec()).state_dict().items() if value.dim()}
    found = _features_only(tensors)
    fits = all(key in found and found[key].shape == value.shape for key, value in expected.items())
    return len(expected) if fits else 0


def _load_named(chosen: Architecture, file: Path) -> tuple[Features, str, int, str]:
    if file.suffix.lower() in (".h5", ".hdf5", ".pt2"):
        loaded, kind, size, _ = _load_path(file)
        if _convolutions(describe(loaded)) != _convolutions(chosen.spec()):
            raise FtlError(f"{file} is no {chosen.name}: give the file itself as the backbone")
        return loaded, kind, size, chosen.name
    tensors, header = read_tensors(file)
    features = build_empty(chosen.spec())
    load_weights(features, tensors, file)
    kind = header.get("preprocess") or (
        "imagenet" if any(key.startswith("classifier.") for key in tensors) else chosen.preprocess
    )
    return features, kind, header.get("size", 224), chosen.name


def load_weights(features: Features, tensors: dict[str, torch.Tensor], file: Path) -> None:
    """Put copies of weights (`features.0.weight`, ...), read from `file`, into layers.

    Raises `FtlError` when one is missing or of another shape, or the file has more weights of the same parts.
    """
    expected = features.state_dict()
    own = {key for key, value in expected.items() if value.dim()}
    found = tensors if own <= tensors.keys() else _features_only(tensors)
    wrong = [
        f"{key} {tuple(expected[key].shape)}"
        for key in expected
        if key in own and (key not in found or found[key].shape != expected[key].shape)
    ]
    if wrong:
        raise FtlError(
            f"{file} does not fit the network's layers: {len(wrong)} missing or of another shape, as {wrong[0]}"
        )
    parts = {key.split(".")[0] for key in expected}
    more = [key for key in found if key.split(".")[0] in parts and key not in expected]
    if more:
        raise FtlError(f"{file} does not fit the network's layers: it holds {len(more)} more, as {more[0]}")
    weights = {}
    for key, value in expected.items():
        given = found[key] if key in found else torch.zeros(value.shape)
        weights[key] = given.detach().to("cpu", value.dtype, copy=True)
    features.load_state_dict(weights, assign=True)
