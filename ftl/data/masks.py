"""Masks: every common way to store one, read as grey 0-255, and paired with the photographs that they belong to."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ftl.data.images import class_folders, open_upright, read_image, resize_image, to_eight_bits
from ftl.errors import FtlError, raise_together
from ftl.files import digest_of
from ftl.progress import Report, silent

LARGEST_ID = 64
"""A grey image whose values are all so small, and not just 0 and 1, is an index mask."""

NOT_JUDGED = 255
"""The value of pixels of an index mask that count neither way, as Cityscapes and Pascal VOC have them."""

_LOSSY = (".jpg", ".jpeg", ".webp")
CLASSES = "classes.json"
"""Names and ids of the classes of index masks, as {"crack": 1}, in their folder."""


@dataclass(frozen=True)
class Example:
    """A photograph with its mask.

    `image`: RGB uint8 (size, size, 3), resized to the network's input. `shape`: (height, width) of the original.
    """

    group: str
    image_path: Path
    mask_path: Path
    image: np.ndarray = field(repr=False)
    shape: tuple[int, int]
    packed_mask: bytes = field(repr=False)

    def parts(self) -> tuple[bytes, bytes]:
        """Bytes of the resized image and of the mask as it was drawn."""
        return self.image.tobytes(), zlib.decompress(self.packed_mask)

    def mask(self, height: int, width: int) -> np.ndarray:
        """The mask, grey uint8 0-255 (height, width), resized by OpenCV's bilinear default as the original does."""
        grey = np.frombuffer(zlib.decompress(self.packed_mask), np.uint8).reshape(self.shape)
        return cv2.resize(grey, (width, height))


@dataclass(frozen=True)
class MaskSet:
    """Photographs with masks, in groups (class folders). A pruning rule keeps the union over the groups."""

    examples: tuple[Example, ...]

    @property
    def groups(self) -> dict[str, list[int]]:
        """Indices of the examples of each group, in order of appearance."""
        found: dict[str, list[int]] = defaultdict(list)
        for index, example in enumerate(self.examples):
            found[example.group].append(index)
        return dict(found)

    def digest(self) -> str:
        """SHA-256 over the group, name, pixels and decoded mask of every example."""
        return digest_of(
            (
                example.group,
                example.image_path.name,
                example.shape,
                *(hashlib.sha256(part).hexdigest() for part in example.parts()),
            )
            for example in self.examples
        )

    def __add__(self, other: MaskSet) -> MaskSet:
        return MaskSet(self.examples + other.examples)

    def __len__(self) -> int:
        return len(self.examples)


def read_mask(path: Path, mask_class: int | None = None, wrap: bool = False) -> np.ndarray:
    """Read a mask as grey uint8 (height, width): 0 outside, 255 inside, in between on soft edges.

    Understands 0/1, 0/255, 1-bit, grey with soft edges, RGB(A), and index masks (values are class ids), of which
    `mask_class` picks one id. `wrap=True` treats small values as the original program does: times 255, modulo 256.
    Raises `FtlError` when the file is unreadable, or is an index mask and no class was picked.
    """
    image = to_eight_bits(open_upright(path))
    values = _class_ids(image) if mask_class is not None else _grey(image, wrap)
    if mask_class is not None:
        return np.where(values == mask_class, np.uint8(255), np.uint8(0))
    if path.suffix.lower() in _LOSSY and not wrap:
        values = np.where(values < 32, np.uint8(0), values)  # what JPEG smears around an edge is not inside
    brightest = int(values.max(initial=0))
    if brightest >= 127:
        return np.ascontiguousarray(values)
    if brightest <= 1 or wrap:
        return values * np.uint8(255)
    ids = sorted(int(value) for value in np.unique(values))
    if brightest <= LARGEST_ID:
        raise FtlError(f"{path} holds class ids {ids}: pick one with --mask-class")
    raise FtlError(f"{path} is neither 0/1 nor 0/255, its brightest value is {brightest}: stretch it to 0-255")


def read_class_ids(path: Path, *, several: bool = False) -> np.ndarray:
    """Read a mask as the class of each pixel, uint8 (height, width): 0 outside; 1 inside where it holds no class ids.

    `several`: it is an index mask of several classes, in which 255 stays: `NOT_JUDGED`. Raises `FtlError` as
    `read_mask`.
    """
    if path.suffix.lower() not in _LOSSY:
        values = _grey(to_eight_bits(open_upright(path)), False)
        if (values[values != NOT_JUDGED] if several else values).max(initial=0) <= LARGEST_ID:
            return values
    return (read_mask(path) > 127).astype(np.uint8)


def _class_ids(image: Image.Image) -> np.ndarray:
    """Values as they are stored: palette indices, grey levels, or the first of equal channels."""
    plain = image if image.mode in ("1", "L", "P") else image.convert("RGB")
    values = np.asarray(plain).astype(np.uint8)
    return values if values.ndim == 2 else values[..., 0]


def _grey(image: Image.Image, faithful: bool) -> np.ndarray:
    """Brightness as uint8. A colour counts by its brightest channel, or (`faithful`) as OpenCV turns it to grey.

    A palette of greys is read by its greys, one with colours by its indices. If only alpha varies, alpha is the mask.
    """
    if image.mode in ("1", "L"):
        return np.asarray(image).astype(np.uint8)
    if image.mode == "P":
        ids = np.asarray(image)
        used = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)[np.unique(ids)]
        return ids if (used != used[:, :1]).any() else np.asarray(image.convert("RGB"))[..., 0]
    if image.mode in ("RGBA", "LA") and not faithful:
        *colours, alpha = np.moveaxis(np.asarray(image), -1, 0)
        if all(colour.min() == colour.max() for colour in colours) and alpha.min() < alpha.max():
            return alpha
    rgb = np.asarray(image.convert("RGB"))
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) if faithful else rgb.max(2)


def _class_id(folder: Path, name: str | int | None) -> int | None:
    """A mask class given by id or by name; names are looked up in classes.json ({"crack": 1}) beside the masks."""
    if name is None or isinstance(name, int) or name.isdigit():
        return None if name is None else int(name)
    table, ids = folder / CLASSES, class_ids(folder)
    if ids is None:
        raise FtlError(f"class {name!r} is asked for by name, but there is no {table}: add one, as {{{name!r}: 1}}")
    if name not in ids:
        raise FtlError(f"{table} has no class {name!r}: it has {', '.join(sorted(ids))}")
    return ids[name]


def class_ids(folder: Path) -> dict[str, int] | None:
    """Ids of the classes of index masks by name, as `classes.json` beside them has them; None where there is none.

    Raises `FtlError` for a damaged one.
    """
    table = folder / CLASSES
    if not table.is_file():
        return None
    try:
        return {str(key): int(value) for key, value in json.loads(table.read_text()).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise FtlError(f'{table} must hold names and ids, as {{"crack": 1}} ({error})') from error


def _by_stem(paths: Sequence[Path], problems: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            problems.append(f"{found[path.stem]} and {path.name} share the name {path.stem!r}: rename one of them")
        else:
            found[path.stem] = path
    return found


def _read_example(
    group: str, image_path: Path, mask_path: Path, mask_class: int | None, size: int, wrap: bool
) -> Example | list[str]:
    problems: list[str] = []
    image = grey = None
    try:
        image = read_image(image_path)
    except FtlError as error:
        problems.append(str(error))
    try:
        grey = read_mask(mask_path, mask_class, wrap)
    except FtlError as error:
        problems.append(str(error))
    if image is None or grey is None:
        return problems
    if image.shape[:2] != grey.shape:
        mask_size, image_size = ("{1} x {0}".format(*shape) for shape in (grey.shape, image.shape))
        return [f"{mask_path} is {mask_size} but {image_path} is {image_size}: draw the mask on the upright image"]
    packed = zlib.compress(grey.tobytes(), 1)
    return Example(group, image_path, mask_path, resize_image(image, size), grey.shape, packed)


def read_pairs(pairs: Sequence[tuple[str, Path, Path]], size: int) -> MaskSet:
    """Photographs and masks that are paired already, each with its group; photographs resized to `size` pixels.

    Raises `FtlError` that lists every file that is unreadable, oversized or of another size than its partner.
    """
    read = [_read_example(*pair, None, size, False) for pair in pairs]
    raise_together("some photographs and masks cannot be used", [problem for found in read if isinstance(found, list)
                                                                 for problem in found])  # fmt: skip
    return MaskSet(tuple(found for found in read if isinstance(found, Example)))


def pair_files(
    images: Path, masks: Path, classes: Sequence[str] | None = None
) -> tuple[list[tuple[str, Path, Path]], list[str]]:
    """Photographs and masks by class folder and file stem: each pair with its class, and a sentence for each problem.

    `classes`: the class folders to use, in this order; all by default, cracks first. Raises `FtlError` for a folder
    without images, and a class that there is not.
    """
    image_classes, mask_classes = class_folders(images), class_folders(masks)
    found = image_classes.keys() | mask_classes.keys()
    wanted = list(classes) if classes else sorted(found, key=lambda name: ("crack" not in name.lower(), name))
    problems: list[str] = []
    pairs: list[tuple[str, Path, Path]] = []
    for name in wanted:
        if name not in image_classes and name not in mask_classes:
            raise FtlError(f"there is no class {name!r} in {images}: it has {', '.join(map(repr, image_classes))}")
        image_of = _by_stem(image_classes.get(name, []), problems)
        mask_of = _by_stem(mask_classes.get(name, []), problems)
        missing = sorted(image_of.keys() - mask_of.keys())
        problems += [f"{image_of[stem]} has no mask in {masks / name}: draw it, or take it out" for stem in missing]
        orphans = sorted(mask_of.keys() - image_of.keys())
        problems += [f"{mask_of[stem]} has no image in {images / name}: add it, or take it out" for stem in orphans]
        pairs += [(name, image_of[stem], mask_of[stem]) for stem in image_of if stem in mask_of]
        for stem in [*missing, *orphans]:  # an unpaired file may be unreadable as well: say both at once
            try:
                open_upright((image_of | mask_of)[stem])
            except FtlError as error:
                problems.append(str(error))
    return pairs, problems


def load_masks(
    images: str | Path,
    masks: str | Path,
    *,
    classes: Sequence[str] | None = None,
    mask_class: str | int | None = None,
    size: int = 224,
    wrap: bool = False,
    group: str | None = None,
    report: Report = silent,
) -> MaskSet:
    """Pair photographs and masks by class folder and file stem (`Images/Crack/a.jpg`, `Segmented/Crack/a.png`).

    Args:
        images: a folder of class folders, or a flat one.
        masks: likewise, of the masks.
        classes: the class folders to use, in this order; all by default, cracks first.
        mask_class: for index masks, the id or the name (in `classes.json`) of the class to take.
        size: side in pixels of the network's input, to which images are resized.
        wrap: read small mask values as the original program does (see `read_mask`).
        group: a name for the one group that a flat folder makes.

    Raises:
        FtlError: one error that lists every image without mask, mask without image, shared stem, and file that is
            unreadable, oversized or of another size than its partner.
    """
    images, masks = Path(images), Path(masks)
    identity = _class_id(masks, mask_class)
    pairs, problems = pair_files(images, masks, classes)
    read: list[Example | list[str]] = []
    with ThreadPoolExecutor() as pool:
        for example in pool.map(
            lambda pair: _read_example(group or pair[0], pair[1], pair[2], identity, size, wrap), pairs
        ):
            read.append(example)
            report(len(read), len(pairs), "reading masks")
    examples = [example for example in read if isinstance(example, Example)]
    problems += [problem for found in read if not isinstance(found, Example) for problem in found]
    for name in {example.group for example in examples}:
        if not any(any(example.parts()[1]) for example in examples if example.group == name):
            problems.append(f"no mask of {name or masks} has anything inside: draw some, or pick another --mask-class")
    raise_together(f"{images} and {masks} do not fit together", problems)
    return MaskSet(tuple(examples))
