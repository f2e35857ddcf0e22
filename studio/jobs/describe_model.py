"""A model file that a stranger sent, read in a child of `studio.sandbox`."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from ftl.models.io import load_backbone, save_backbone
from ftl.pruning.coupling import check_prunable


def look_into(file: str, copy: str | None = None) -> Generator[dict[str, Any], None, None]:
    """What a network computes: `spec`, its layers, and `kind` and `size` of what it takes.

    `copy`: where the network is written anew as .safetensors, for processes that open no stranger's file.
    Raises `FtlError` for a file that holds no network, or none that can be pruned.
    """
    network = load_backbone(file)
    check_prunable(network)
    if copy is not None:
        told = network.preprocess
        save_backbone(network.features, Path(copy), name=network.name, preprocess=told.kind, size=told.size)
    yield {"spec": network.spec(), "kind": network.preprocess.kind, "size": network.preprocess.size}
