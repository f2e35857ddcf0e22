"""Where a browser finds an image's photograph, and what it asks while the image is open: paths below /files."""

from __future__ import annotations


def photograph_address(project_id: int, image_id: int, sha256: str, size: str = "thumbnail") -> str:
    """The path of a photograph; it names its content, so browsers keep it for good."""
    return f"/files/{project_id}/images/{image_id}/{sha256}/{size}.jpg"


def live_address(project_id: int, image_id: int) -> str:
    """The path that tells what others have drawn since, and who is here."""
    return f"/files/{project_id}/images/{image_id}/live"
