"""The project's images and classes that masks are meant for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from studio.accounts.rights import changing
from studio.errors import StudioError
from studio.formats.exported_images import safe_stem
from studio.formats.format import Label
from studio.images.archives import shown
from studio.images.file_names import tidy_name
from studio.images.library import find_images
from studio.projects.classes import add_class, classes_of
from studio.store.tables import Image


class Targets:
    """The project's images and classes by what files call them."""

    def __init__(self, project_id: int, user_id: int, class_number: int) -> None:
        self._project_id, self._user_id, self._class_number = project_id, user_id, class_number
        self._by_name: dict[str, list[Image]] = defaultdict(list)
        self._by_stem: dict[str, list[Image]] = defaultdict(list)
        self._by_safe_stem: dict[str, list[Image]] = defaultdict(list)
        self._by_content: dict[str, list[Image]] = defaultdict(list)
        for image in find_images(project_id):
            self._by_name[image.name].append(image)
            self._by_stem[PurePosixPath(image.name).stem].append(image)
            self._by_safe_stem[safe_stem(image.name)].append(image)
            self._by_content[image.sha256].append(image)

    def image(self, name: str | None, stem: str, size: Sequence[int] | None, sha256: str) -> Image:
        """The image that is meant, of the masks' (height, width): by its content if that is known, else by its name.

        Raises `StudioError`.
        """
        stem = tidy_name(stem)
        images = (
            self._by_content.get(sha256)
            or self._by_name.get(tidy_name(name or ""))
            or self._by_stem.get(stem)
            or self._by_safe_stem.get(stem, [])
        )
        if not images:
            raise StudioError(f"there is no image {shown(stem)} for this mask: upload it first, under the same name")
        if len(images) > 1:
            raise StudioError(f"there are {len(images)} images named {shown(stem)}: which one is meant cannot be told")
        image = images[0]
        height, width = size or (image.height, image.width)
        if (height, width) != (image.height, image.width):
            raise StudioError(
                f"the mask has {width} x {height} pixels, its image {shown(image.name)} {image.width} x "
                f"{image.height}: export the mask at the image's size"
            )
        return image

    def number(self, label: Label) -> int:
        """A class's number; a name that the project lacks is made a class. Raises `StudioError`."""
        if label is None:
            return self._class_number
        classes = classes_of(self._project_id)
        if isinstance(label, str):
            name = " ".join(label.split()).lower()
            known = next((own.number for own in classes if own.name.lower() == name), None)
            if known is not None:
                return known
            with changing(self._user_id, self._project_id) as db:
                return add_class(db, self._project_id, self._user_id, label).number
        if label not in {own.number for own in classes}:
            has = ", ".join(f"{own.number} {own.name}" for own in classes)
            raise StudioError(f"it holds class {label}, and the project has {has}: add it on the Projects page")
        return label
