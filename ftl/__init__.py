"""Finicky Transfer Learning: prune a network to the filters that answer to your masks.

masks = ftl.load_masks("Images", "Segmented")
backbone = ftl.load_backbone("vgg16", weights="vgg16.safetensors")
sweep = ftl.sweep(backbone, masks, dataset="dataset", keep=[0.05, 0.1, 0.2, 0.5], out="models")
sweep.pareto().best(max_ms=20)
"""

from ftl.backbones.chain import Backbone
from ftl.backbones.load import load_backbone, save_backbone
from ftl.dataset import load_dataset
from ftl.errors import FtlError
from ftl.masks import load_masks
from ftl.model import export, load_model
from ftl.results import read_results
from ftl.run import sweep

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
