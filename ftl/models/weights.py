"""Files of weights: tensors by name from `.safetensors` and torch's files, with no pickle that could run code."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ftl.errors import FtlError

_SHARED = 2  # of two names for the same numbers, each takes memory of its own once it is a layer's


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors by name and this program's header (empty if another program wrote the file), without any pickle.

    Raises `FtlError` for a file that is missing, damaged, holds more than weights, or less than it claims.
    """
    if not path.is_file():
        raise FtlError(f"there is no file {path}")
    try:
        if path.suffix.lower() == ".safetensors":
            with safe_open(path, "pt") as file:
                header = json.loads((file.metadata() or {}).get("ftl", "{}"))
                return {key: file.get_tensor(key) for key in file.keys()}, _checked(header, path)  # noqa: SIM118
        loaded = _unpickled(path)
    except FtlError:
        raise
    except (SafetensorError, OSError, ValueError, RuntimeError, EOFError, RecursionError, MemoryError) as error:
        raise FtlError(f"{path} cannot be read as weights ({error})") from error
    except Exception as error:  # torch raises pickle.UnpicklingError for anything that is more than tensors
        raise FtlError(
            f"{path} is a pickle that holds more than weights, which is never loaded: save its state_dict()"
        ) from error
    if not isinstance(loaded, dict):
        raise FtlError(f"{path} must hold a dictionary of weights (a state_dict), not a {type(loaded).__name__}")
    header = {key: loaded[key] for key in ("layers", "preprocess", "size") if key in loaded}
    header = {"preprocess": "caffe", "size": 224} | header if "layers" in header else {}
    state = loaded.get("state_dict", loaded)
    tensors = state.items() if isinstance(state, dict) else ()
    found = {str(key): value for key, value in tensors if isinstance(value, torch.Tensor)}
    _check_held(found, path)
    return {key: value.detach().clone() for key, value in found.items()}, _checked(header, path)


def _unpickled(path: Path) -> Any:
    with open(path, "rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"  # what torch goes by
    if zipped:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise FtlError(f"{path} is compressed, and may unpack to anything: save it with torch.save")
    # mapped into memory, an array can reach beyond its numbers, but never out of the file
    return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)


def _check_held(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Raise `FtlError` where an array is larger than what the file holds of it: strides of 0 repeat a number."""
    total = 0
    for key, value in tensors.items():
        if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
            raise FtlError(f"{path}: {key} is sparse, quantised or empty: save plain weights")
        total += value.numel() * value.element_size()
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise FtlError(f"{path}: {key} claims to be {tuple(value.shape)}, which the file does not hold")
    if total > _SHARED * path.stat().st_size + 2**20:
        raise FtlError(f"{path} claims {total:,} bytes of weights and has {path.stat().st_size:,}: save it again")


def _checked(header: Any, path: Path) -> dict[str, Any]:
    """A header that has all its parts, or none. Raises `FtlError`."""
    if not isinstance(header, dict):
        raise FtlError(f"{path} has a header that is none of this program's: save it with ftl.save_backbone")
    if "layers" in header:
        kinds = {"layers": (list, dict), "preprocess": (str,), "size": (int,), "name": (str,)}
        wrong = [
            key for key, kind in kinds.items() if not isinstance(header.get(key, "" if key == "name" else None), kind)
        ]
        if wrong:
            raise FtlError(f"{path} describes no network (its {wrong[0]} is damaged): save it with ftl.save_backbone")
    return header
