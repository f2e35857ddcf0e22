"""Files that hold masks, of every form that is taken. What is read is not drawn until its image is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from studio.errors import StudioError
from studio.formats.companion_files import Sidecars
from studio.formats.cvat_reader import read_cvat
from studio.formats.json_reader import read_json
from studio.formats.picture_reader import read_picture
from studio.formats.read_masks import Found
from studio.formats.yolo_reader import read_yolo
from studio.images.file_names import tidy_name

_PICTURES = (".png", ".bmp", ".tif", ".tiff")
_LOSSY = (".jpg", ".jpeg", ".webp")
_OF_MASKS = ("segmented", "segmentationclass", "masks")
_OF_PHOTOGRAPHS = ("images", "jpegimages")
_OF_OBJECTS = "segmentationobject"  # VOC's second kind of mask, which tells objects apart and no classes


def read_masks(name: str, file: Path, beside: Sidecars) -> Iterator[Found]:
    """The masks of an uploaded file of that name; `beside`: what the files that came with it tell.

    Raises `StudioError` for one that cannot be read.
    """
    path = _path(name)
    suffix = path.suffix.lower()
    if suffix == ".json":
        yield from read_json(path, file)
    elif suffix == ".xml":
        yield from read_cvat(file)
    elif suffix == ".txt" and beside.names is not None:
        yield from read_yolo(path, file, beside.names)
    elif suffix in _PICTURES:
        yield read_picture(path, file, beside)
    else:
        raise StudioError(
            "masks are .png files, .json in COCO's or Labelme's form, .xml in CVAT's, or YOLO's .txt together with "
            "their data.yaml or classes.txt"
        )


def is_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture, which may be a mask or a photograph."""
    return _path(name).suffix.lower() in (*_PICTURES, *_LOSSY)


def is_named(name: str, photographs: Collection[str]) -> bool:
    """Whether a file, with its folders, is one of the photographs of these names, and no mask of the same name."""
    path = _path(name)
    of_masks = any(one.lower() in _OF_MASKS for one in path.parts[:-1])
    return is_picture(name) and tidy_name(path.name) in photographs and not of_masks


def no_mask(name: str, beside: Sidecars) -> bool:
    """Whether a file, with its folders, is a photograph that came along with masks, or VOC's masks of objects."""
    folders = [one.lower() for one in _path(name).parts[:-1]]
    if not is_picture(name) or any(one in _OF_MASKS for one in folders):
        return False
    lossy = _path(name).suffix.lower() in _LOSSY
    apart = any(one in (*_OF_PHOTOGRAPHS, _OF_OBJECTS) for one in folders)
    return lossy or apart or is_named(name, beside.photographs)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))
