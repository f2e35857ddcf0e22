"""A model file that a stranger sent, read in a child of `studio.sandbox`.

PyTorch is imported by the nursery that children are forked from, not by the studio, which names this function only.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path


def write_safe_copy(file: str, copy: str) -> Generator[None, None, None]:
    """Write a network anew as .safetensors to `copy`, for processes that open no stranger's file.

    Raises `FtlError` for a file that holds no network, or none that can be pruned.
    """
    from ftl.models.io import load_backbone, save_backbone
    from ftl.pruning.coupling import check_prunable

    network = load_backbone(file)
    check_prunable(network)
    preprocess = network.preprocess
    save_backbone(network.features, Path(copy), name=network.name, preprocess=preprocess.kind, size=preprocess.size)
    yield None
