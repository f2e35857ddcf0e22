"""Where a browser finds an image's photograph, and what it asks while the image is open: paths below /files."""

from __future__ import annotations


def photograph_address(project_id: int, image_id: int, sha256: str, size: str = "thumbnail") -> str:
    """The path of a photograph; it names its content, so browsers keep it for good."""
    return f"/files/{project_id}/images/{image_id}/{sha256}/{size}.jpg"


def mask_address(project_id: int, image_id: int, version: str, size: str = "thumbnail") -> str:
    """The path of the mask as it lies over a photograph of that size; `version` names all that it shows."""
    return f"/files/{project_id}/images/{image_id}/mask-{size}.png?v={version}"


def present_address(project_id: int) -> str:
    """The path that tells who has which images open; `?images=` lists them."""
    return f"/files/{project_id}/present"


def live_address(project_id: int, image_id: int) -> str:
    """The path that tells what others have drawn since, and who is here."""
    return f"/files/{project_id}/images/{image_id}/live"
