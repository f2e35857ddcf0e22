"""Masks and data sets as bytes that hold no code: what a worker reads them from."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from ftl.data.dataset import Dataset
from ftl.data.masks import Example, MaskSet
from ftl.data.segmentation import SegmentationSet
from ftl.sweeping.segmented import MaskParts


def pack_masks(masks: MaskSet) -> bytes:
    """A set of masks with their photographs, as an .npz; the same bytes for the same set."""
    rows = [[one.group, str(one.image_path), str(one.mask_path), *one.shape] for one in masks.examples]
    packed = [np.frombuffer(one.packed_mask, np.uint8) for one in masks.examples]
    target = io.BytesIO()
    np.savez(
        target,
        rows=np.frombuffer(json.dumps(rows).encode(), np.uint8),
        images=np.stack([one.image for one in masks.examples]),
        ends=np.cumsum([len(one) for one in packed]),
        packed=np.concatenate(packed),
    )
    return target.getvalue()


def unpack_masks(file: Path) -> MaskSet:
    """What `pack_masks` wrote."""
    with np.load(file, allow_pickle=False) as source:
        rows, images = json.loads(source["rows"].tobytes()), source["images"]
        parts = np.split(source["packed"], source["ends"][:-1])
    return MaskSet(
        tuple(
            Example(group, Path(image_path), Path(mask_path), image, (height, width), part.tobytes())
            for (group, image_path, mask_path, height, width), image, part in zip(rows, images, parts, strict=True)
        )
    )


def pack_dataset(dataset: Dataset) -> bytes:
    """A data set's paths, labels, classes and digests, as JSON; not its images."""
    labels = [int(label) for label in dataset.labels]
    paths = [str(path) for path in dataset.paths]
    return json.dumps([paths, labels, dataset.classes, dataset.digests]).encode()


def unpack_dataset(file: Path) -> Dataset:
    """What `pack_dataset` wrote."""
    paths, labels, classes, digests = json.loads(file.read_bytes())
    return Dataset(tuple(map(Path, paths)), np.array(labels, np.int64), tuple(classes), tuple(digests))


def pack_parts(parts: MaskParts) -> bytes:
    """Photographs with masks, their classes, and who of them trains, chooses and reports, as JSON; no pixels."""
    data = parts.data
    paths = [[str(image), str(mask)] for image, mask in zip(data.images, data.masks, strict=True)]
    indices = [[int(index) for index in part] for part in (parts.train, parts.held_out, parts.test)]
    return json.dumps([paths, data.classes, data.ids, data.digests, indices]).encode()


def unpack_parts(file: Path) -> MaskParts:
    """What `pack_parts` wrote."""
    paths, classes, ids, digests, indices = json.loads(file.read_bytes())
    images, masks = (tuple(Path(pair[side]) for pair in paths) for side in (0, 1))
    data = SegmentationSet(images, masks, tuple(classes), tuple(ids), tuple((image, mask) for image, mask in digests))
    return MaskParts(data, *(np.array(part, np.int64) for part in indices))
