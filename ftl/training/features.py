"""Features of a data set as HDF5: computed by a network, and kept with labels and label names for the linear head."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile

import h5py
import numpy as np

from ftl.data.dataset import Dataset
from ftl.data.hdf5 import open_hdf5
from ftl.errors import FtlError
from ftl.files import versions, whole_file
from ftl.models.backbone import placed
from ftl.models.engines import FLOAT32
from ftl.models.features import outputs_of
from ftl.models.head import features_from
from ftl.models.io import load_backbone
from ftl.models.layout import FEATURES
from ftl.models.network_folder import network_digest
from ftl.progress import Report, silent
from ftl.training.silent_filters import Activity, WithPeaks

HELD_BYTES = 2**30
"""Features of no more than this are read into memory; of more, parts are read whenever they are needed."""


def extract(
    folder: Path,
    dataset: Dataset,
    report: Report = silent,
    name: str = FEATURES,
    files: Sequence[Path] | None = None,
    *,
    pooled: bool = False,
    engine: str = FLOAT32,
) -> Path:
    """Write `folder/name` for a network's folder, whole or not at all; left alone if it is there and fits.

    `files`: where this machine has the images, if not at `dataset.paths`. `pooled`: the means of the last maps only.
    `engine`: what runs the network (`ftl.models.engines`), in float32 if its maps of the first images are others.

    Holds `features` float32 (N, d), `labels` int64 (N,) into `label_names`, `paths` and their contents' SHA-256
    `digests`; attributes `dataset_sha256` and `network_sha256` say what made it, and `silent` how many of how many
    filters no image activated.
    """
    file = folder / name
    made_from = {"dataset_sha256": dataset.digest(), "network_sha256": network_digest(folder)}
    made_from |= {"pooled": str(pooled), "engine": engine}
    if file.is_file() and _made_from(file) == made_from:
        return file
    network = load_backbone(folder)
    run_by, outputs = outputs_of(WithPeaks(placed(network)), network.preprocess, files or dataset.paths, engine)
    activity, done = Activity(), 0
    with whole_file(file) as draft, h5py.File(draft, "w") as target:
        for maps, *peaks in outputs:
            activity.see(peaks)
            batch = features_from(maps, pooled=pooled)
            if not done:
                target.create_dataset("features", (len(dataset), batch.shape[1]), np.float32)
            target["features"][done : done + len(batch)] = batch
            done += len(batch)
            report(done, len(dataset), f"features of {folder.name}")
        target["labels"] = dataset.labels
        text = h5py.string_dtype()
        target.create_dataset("label_names", data=list(dataset.classes), dtype=text)
        target.create_dataset("paths", data=[str(path) for path in dataset.paths], dtype=text)
        target.create_dataset("digests", data=list(dataset.digests), dtype=text)
        more = {"run_by": run_by, "versions": json.dumps(versions()), "silent": activity.silent()}
        target.attrs.update(made_from | more)
    return file


def silent_filters(file: Path) -> tuple[int, int]:
    """How many of how many filters no image of a file of features activated."""
    with h5py.File(file, "r") as source:
        silent, filters = source.attrs["silent"]
    return int(silent), int(filters)


def engine_of_features(file: Path) -> str:
    """The engine that computed a file of features: the one that was asked for, or that in float32."""
    with h5py.File(file, "r") as source:
        return str(source.attrs["run_by"])


def images_by_class(file: Path) -> dict[str, int]:
    """How many images of each class a file of features is of. Raises `FtlError` when it is damaged."""
    try:
        with open_hdf5(file) as source:
            counts = np.bincount(source["labels"][:], minlength=len(source["label_names"]))
            return dict(zip(source["label_names"].asstr()[:], counts.tolist(), strict=True))
    except (OSError, KeyError, ValueError) as error:
        raise FtlError(f"{file} is damaged ({error}): remove it and run ftl extract again") from error


def _made_from(file: Path) -> dict[str, str] | None:
    try:
        with open_hdf5(file) as source:
            return {key: str(source.attrs[key]) for key in ("dataset_sha256", "network_sha256", "pooled", "engine")}
    except (OSError, KeyError, FtlError):
        return None


def read_features(file: Path) -> tuple[np.ndarray, Dataset]:
    """Features (N, d) float32, and the images they come from. Raises `FtlError` when the file is missing or damaged.

    Of more than `HELD_BYTES` what is asked for is read from the disk, whenever it is (`numpy.memmap`).
    """
    with _opened(file) as source:
        features = source["features"]
        at = features.id.get_offset() if features.dtype == np.float32 and features.nbytes > HELD_BYTES else None
        values = features[:] if at is None else np.memmap(file, np.float32, "r", at, features.shape)
        return values, _dataset(source)


def read_images(file: Path) -> Dataset:
    """The images that features come from. Raises `FtlError` when the file is missing or damaged."""
    with _opened(file) as source:
        return _dataset(source)


def gathered(batches: Iterator[np.ndarray], count: int) -> np.ndarray:
    """Features (count, d) float32 from batches of them, at least one; above `HELD_BYTES` in a file that is gone with
    them."""
    first = next(batches)
    if count * first[0].nbytes <= HELD_BYTES:
        return np.concatenate([first, *batches])
    file = TemporaryFile()  # noqa: SIM115 - it is gone once nobody reads the features
    for batch in chain([first], batches):
        file.write(batch.tobytes())  # written into a map, a full disk would end the process
    file.flush()
    return np.memmap(file, np.float32, "r", shape=(count, first.shape[1]))


def _dataset(source: h5py.File) -> Dataset:
    names = tuple(source["label_names"].asstr()[:])
    paths = tuple(Path(path) for path in source["paths"].asstr()[:])
    return Dataset(paths, source["labels"][:], names, tuple(source["digests"].asstr()[:]))


@contextmanager
def _opened(file: Path) -> Iterator[h5py.File]:
    try:
        with open_hdf5(file) as source:
            yield source
    except FileNotFoundError:
        raise FtlError(f"there is no {file}: run ftl extract {file.parent.parent} first") from None
    except (OSError, KeyError) as error:
        raise FtlError(f"{file} is damaged ({error}): remove it and run ftl extract again") from error
