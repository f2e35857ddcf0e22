"""A finished sweep whose only networks draw masks: of whatever is dark, the darker the surer."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ftl.files import write_json
from ftl.models.backbone import Backbone
from ftl.models.layout import SEGMENTED, VALIDATION, candidate_name
from ftl.models.network_folder import rewrite_network, write_network
from ftl.models.preprocess import Preprocess
from ftl.models.segmenter import Segmenter
from ftl.models.segmenter_files import write_decoder
from studio.jobs.sweeps import models
from studio.store.database import writing
from studio.store.tables import Job

SURE = 90
"""Grey level at which such a network has 0.5; at 60 about 0.95, at 120 about 0.05."""


def dark_segmenter(classes: tuple[str, ...] = ("Crack",), threshold: float = 0.5) -> Segmenter:
    """Of several classes the first is what is dark, the second what is dark and red."""
    features = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(2, 2, 1), nn.ReLU())
    first, last = features[0], features[3]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Conv2d)
    with torch.no_grad():
        first.weight.zero_()
        first.weight[0, :2] = -0.5  # caffe: blue, green and red less their means, 104, 117 and 123
        first.weight[1, 2] = 1.0
        first.bias.copy_(torch.tensor([-110.5 + 255.0, 123.0]))  # 255 less the level; red
        last.weight.zero_()
    model = Segmenter(Backbone("dark", features, Preprocess("caffe", 32)), classes, threshold=threshold)
    decoder, crack = model.decoder, -1 if len(classes) == 1 else 1
    with torch.no_grad():
        for values in decoder.parameters():
            values.zero_()
        for channel in range(2):
            decoder.fine.weight[channel, channel, 1, 1] = 1.0
        middle = decoder.head.weight[:, :, 1, 1]
        middle[crack, 0] = 0.1
        decoder.head.bias[crack] = -0.1 * (255 - SURE)
        if len(classes) > 1:
            middle[2, :2] = 0.1
            decoder.head.bias[2] = -0.1 * (255 - SURE) - 0.1 * 160
    return model.eval()


def add_dark_sweep(
    project_id: int,
    user_id: int,
    name: str = "Walls",
    classes: tuple[str, ...] = ("Crack",),
    keeps: dict[str, float] | None = None,
) -> Job:
    """Enter it as a job that is done. `keeps`: its networks, with the F1 of each."""
    with writing() as db:
        job = Job(project_id=project_id, created_by=user_id, kind="sweep", name=name, settings={}, state="done")
        db.add(job)
        db.flush()
    out = models(job.id)
    for network, f1 in (keeps or {"keep-0.5": 0.8}).items():
        add_segmenter(out / network, f1, classes)
    return job


def add_segmenter(source: Path, f1: float, classes: tuple[str, ...] = ("Crack",)) -> Path:
    """Write a network, and the one made of it that draws masks, whose folder is returned."""
    model = dark_segmenter(classes)
    write_network(source, model.network, [], 0.5, {})
    folder = source.parent / candidate_name(source.name, SEGMENTED)
    folder.mkdir()
    rewrite_network(folder, source, model.network, SEGMENTED)
    write_decoder(folder, model)
    write_json(folder / VALIDATION, {"f1": f1})
    return folder
