"""Where a browser finds an image, its photograph, and what it asks while the image is open: paths below /files."""

from __future__ import annotations


def photograph_address(project_id: int, image_id: int, sha256: str, size: str = "thumbnail") -> str:
    """The path of a photograph; it names its content, so browsers keep it for good."""
    return f"{image_address(project_id, image_id)}/{sha256}/{size}.jpg"


def image_address(project_id: int, image_id: int) -> str:
    """What the paths of all that belongs to an image begin with."""
    return f"/files/{project_id}/images/{image_id}"


def mask_address(project_id: int, image_id: int, version: str, size: str = "thumbnail") -> str:
    """The path of the mask as it lies over a photograph of that size; `version` names all that it shows."""
    return f"{image_address(project_id, image_id)}/mask-{size}.png?v={version}"


def present_address(project_id: int) -> str:
    """The path that tells who has which images open; `?images=` lists them."""
    return f"/files/{project_id}/present"
