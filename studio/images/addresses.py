"""Where a browser finds an image, its photograph, and what it asks while the image is open: paths below /files."""

from __future__ import annotations


def photograph_address(project_id: int, image_id: int, sha256: str, size: str = "thumbnail") -> str:
    """The path of a photograph; it names its content, so browsers keep it for good."""
    return f"{image_address(project_id, image_id)}/{sha256}/{size}.jpg"


def image_address(project_id: int, image_id: int) -> str:
    """What the paths of all that belongs to an image begin with."""
    return f"/files/{project_id}/images/{image_id}"
