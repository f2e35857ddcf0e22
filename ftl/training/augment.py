"""What a photograph of a surface may look like as well: mirrored, turned, brighter, darker."""

from __future__ import annotations

import numpy as np

_BRIGHTER, _STRONGER = 25.0, 0.2  # grey levels, share of the contrast: what exposure and weather do to a wall


def augment(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """RGB uint8 images (N, S, S, 3), each in one of its eight orientations, with another brightness and contrast."""
    made = np.empty_like(images)
    for one, image in zip(made, images, strict=True):
        turned = np.rot90(image, int(rng.integers(4)))
        values = (turned[:, ::-1] if rng.integers(2) else turned).astype(np.float32)
        contrast, brightness = 1 + _STRONGER * rng.uniform(-1, 1), _BRIGHTER * rng.uniform(-1, 1)
        values -= 128.0
        values *= contrast
        values += 128.0 + brightness
        one[:] = values.clip(0, 255)
    return made
