"""Finicky Transfer Learning: prune a network to the filters that answer to your masks.

```python
masks = ftl.load_masks("Images", "Segmented")
backbone = ftl.load_backbone("vgg16", weights="vgg16.safetensors")
config = ftl.SweepConfig(keep=[0.05, 0.1, 0.2, 0.5], heads=["tuned"])
sweep = ftl.sweep(backbone, masks, config, dataset="dataset", out="models")
print(sweep.choose().reason)
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftl.config import FineTuneConfig, PruneConfig, SegmentConfig, SweepConfig
    from ftl.data.dataset import Dataset, load_dataset
    from ftl.data.demo import make_demo
    from ftl.data.masks import MaskSet, load_masks
    from ftl.data.segmentation import SegmentationSet, load_segmentation
    from ftl.errors import FtlError
    from ftl.evaluation.candidate import Candidate
    from ftl.evaluation.evaluate import evaluate
    from ftl.evaluation.evaluate_masks import evaluate_masks
    from ftl.evaluation.explain import explain
    from ftl.evaluation.predict import predict
    from ftl.evaluation.recommend import recommend
    from ftl.exporting.export import export
    from ftl.latency.networks import measure_latency
    from ftl.models.backbone import Backbone
    from ftl.models.classifier import Model, load_model
    from ftl.models.io import load_backbone, save_backbone
    from ftl.models.segmenter import Segmenter
    from ftl.models.segmenter_files import load_segmenter
    from ftl.models.tiling import draw_mask
    from ftl.pruning.choose import prune, score
    from ftl.pruning.criteria import criteria
    from ftl.sweeping.results import read_results
    from ftl.sweeping.sweep import Sweep, sweep
    from ftl.training.pretrain import train_backbone
    from ftl.training.segmenters import train_segmenter
    from ftl.training.train import fine_tune, fit_linear_head

__version__ = "0.2.0"

_HOMES = {
    "Backbone": "ftl.models.backbone",
    "Candidate": "ftl.evaluation.candidate",
    "Dataset": "ftl.data.dataset",
    "FineTuneConfig": "ftl.config",
    "FtlError": "ftl.errors",
    "MaskSet": "ftl.data.masks",
    "Model": "ftl.models.classifier",
    "PruneConfig": "ftl.config",
    "SegmentConfig": "ftl.config",
    "SegmentationSet": "ftl.data.segmentation",
    "Segmenter": "ftl.models.segmenter",
    "Sweep": "ftl.sweeping.sweep",
    "SweepConfig": "ftl.config",
    "criteria": "ftl.pruning.criteria",
    "draw_mask": "ftl.models.tiling",
    "evaluate": "ftl.evaluation.evaluate",
    "evaluate_masks": "ftl.evaluation.evaluate_masks",
    "explain": "ftl.evaluation.explain",
    "export": "ftl.exporting.export",
    "fine_tune": "ftl.training.train",
    "fit_linear_head": "ftl.training.train",
    "load_backbone": "ftl.models.io",
    "load_dataset": "ftl.data.dataset",
    "load_masks": "ftl.data.masks",
    "load_model": "ftl.models.classifier",
    "load_segmentation": "ftl.data.segmentation",
    "load_segmenter": "ftl.models.segmenter_files",
    "make_demo": "ftl.data.demo",
    "measure_latency": "ftl.latency.networks",
    "predict": "ftl.evaluation.predict",
    "prune": "ftl.pruning.choose",
    "read_results": "ftl.sweeping.results",
    "recommend": "ftl.evaluation.recommend",
    "save_backbone": "ftl.models.io",
    "score": "ftl.pruning.choose",
    "sweep": "ftl.sweeping.sweep",
    "train_backbone": "ftl.training.pretrain",
    "train_segmenter": "ftl.training.segmenters",
}

__all__ = [
    "Backbone",
    "Candidate",
    "Dataset",
    "FineTuneConfig",
    "FtlError",
    "MaskSet",
    "Model",
    "PruneConfig",
    "SegmentConfig",
    "SegmentationSet",
    "Segmenter",
    "Sweep",
    "SweepConfig",
    "criteria",
    "draw_mask",
    "evaluate",
    "evaluate_masks",
    "explain",
    "export",
    "fine_tune",
    "fit_linear_head",
    "load_backbone",
    "load_dataset",
    "load_masks",
    "load_model",
    "load_segmentation",
    "load_segmenter",
    "make_demo",
    "measure_latency",
    "predict",
    "prune",
    "read_results",
    "recommend",
    "save_backbone",
    "score",
    "sweep",
    "train_backbone",
    "train_segmenter",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch alone takes seconds that `ftl --help` need not wait for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ftl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
