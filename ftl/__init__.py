"""Finicky Transfer Learning: prune a network to the filters that answer to your masks.

```python
masks = ftl.load_masks("Images", "Segmented")
backbone = ftl.load_backbone("vgg16", weights="vgg16.safetensors")
sweep = ftl.sweep(backbone, masks, dataset="dataset", keep=[0.05, 0.1, 0.2, 0.5], out="models")
sweep.pareto().best(max_ms=20)
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftl.data.dataset import load_dataset
    from ftl.data.masks import load_masks
    from ftl.errors import FtlError
    from ftl.exporting.export import export
    from ftl.models.backbone import Backbone
    from ftl.models.classifier import load_model
    from ftl.models.io import load_backbone, save_backbone
    from ftl.sweeping.local import sweep
    from ftl.sweeping.results import read_results

__version__ = "0.2.0"

_HOMES = {
    "Backbone": "ftl.models.backbone",
    "FtlError": "ftl.errors",
    "export": "ftl.exporting.export",
    "load_backbone": "ftl.models.io",
    "load_dataset": "ftl.data.dataset",
    "load_masks": "ftl.data.masks",
    "load_model": "ftl.models.classifier",
    "read_results": "ftl.sweeping.results",
    "save_backbone": "ftl.models.io",
    "sweep": "ftl.sweeping.local",
}

__all__ = [
    "Backbone",
    "FtlError",
    "export",
    "load_backbone",
    "load_dataset",
    "load_masks",
    "load_model",
    "read_results",
    "save_backbone",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch alone takes seconds that `ftl --help` need not wait for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ftl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
