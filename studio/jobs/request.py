"""What jobs are launched with: sweeps their network, classes, photographs and configuration; others their network."""

from __future__ import annotations

from typing import Literal

from ftl.config import Config, SegmentConfig, SweepConfig, setting
from studio.store.tables import Job

LABEL, FURTHER, ORDER, SUSPECT = "label", "further", "order", "suspect"
"""The kinds of jobs that label ahead (`studio.jobs.label_job`), train further (`studio.jobs.further_job`), work out
what to draw next (`studio.jobs.order_job`), and look for suspicious masks (`studio.jobs.suspect_job`)."""

DEMO = "demo"
"""The kind of the job that fills the demo project (`studio.jobs.demo`): all others go before it."""

SWEEPS = ("sweep", DEMO)
"""Those that are launched with a `SweepRequest`."""

AUTOMATIC, TILES, SHRINK = "automatic", "tiles", "shrink"
"""What becomes of large photographs, see `studio.jobs.tiling`."""

LEADS_TO = {LABEL: "images", ORDER: "annotate", SUSPECT: "review"}
"""The page where what a job has made is seen that makes no networks."""

HERE = (*LEADS_TO, FURTHER, DEMO)
"""Those that the job's own process does, not a cluster."""


class SweepRequest(Config):
    """A job's settings, as its row keeps them."""

    source: Literal["scratch", "registry", "file"] = setting(
        "scratch", "Network", "Train from scratch on this project, pretrained on ImageNet, or from a file."
    )
    architecture: str | None = setting(None, "Architecture", "A name from the registry of networks.")
    file: str | None = setting(None, "File", "The name of an uploaded file.")
    epochs: int = setting(
        10, "Epochs of training", "How long the network is trained from scratch before it is pruned.", ge=2, le=40
    )
    mask_classes: tuple[int, ...] = setting((), "Mask classes", "Numbers of the classes whose pixels rank filters.")
    image_classes: tuple[int, ...] = setting(
        (), "Image classes", "Ids of the classes that networks learn to tell apart."
    )
    test_share: float = setting(
        0.25, "Share of the test set",
        "Photographs that are used neither for training nor for choosing, only to report how good a network is.",
        group="Data", ge=0.1, le=0.5,
    )  # fmt: skip
    large: Literal["automatic", "tiles", "shrink"] = setting(
        AUTOMATIC, "Large photographs",
        "Those whose shorter side is at least twice the network's input. tiles: they are cut into tiles of the input's "
        "size, labelled from their masks. shrink: they are shrunk, and thin defects vanish. automatic: they are cut if "
        "at least eight of them have masks, and at least half of those with defects.",
        group="Data",
    )  # fmt: skip
    repeats: int = setting(
        0, "Repeats",
        "Train the classifiers of the unpruned and the recommended network this many times again, each time with "
        "another seed and split: shows how much of a difference is chance.",
        group="Data", ge=0, le=20,
    )  # fmt: skip
    sweep: SweepConfig = SweepConfig()


class LabelRequest(Config):
    """Settings of a job that labels ahead: the sweep and the name of the network that proposes."""

    job: int
    network: str


class OrderRequest(Config):
    """Settings of a job that works out what to draw next: the network that looks, by its sweep; None: none does."""

    look_job: int | None = None
    look_network: str | None = None


class SuspectRequest(Config):
    """Settings of a job that looks for suspicious masks: the pruned network under small decoders, by its sweep.

    Each photograph is judged by a network that was trained on those of the other `folds`.
    """

    job: int
    network: str
    folds: int = setting(5, "Folds", "Parts of the photographs, each judged by a network trained on the others.",
                         ge=2, le=20)  # fmt: skip
    segment: SegmentConfig = SegmentConfig(steps=300)


class FurtherRequest(Config):
    """Settings of a job that trains further: the sweep and the network, its title, and which pixels it draws."""

    source: int
    network: str
    title: str
    mask_classes: tuple[int, ...]


def mask_classes_of(job: Job) -> tuple[int, ...]:
    """Numbers of the classes whose pixels the networks of a job draw."""
    return (FurtherRequest(**job.settings) if job.kind == FURTHER else request_of(job)).mask_classes


def request_of(job: Job) -> SweepRequest:
    """What a sweep was launched with."""
    return SweepRequest(**job.settings)
