"""Overlays on photographs: a heat map, outlines of masks, a mask beside the true one. RGB uint8 arrays in and out."""

from __future__ import annotations

import cv2
import numpy as np

OUTLINE = (56, 189, 248)
TRUE, MISSED, WRONG = (45, 212, 191), (250, 204, 21), (236, 72, 153)
"""Colours of what is drawn and true, true but not drawn, and drawn but not true: also told apart by the colour-blind.
"""

_HEAT: np.ndarray = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]


def heat_over(photo: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A photograph (height, width, 3), in grey, under heat 0..1 of any size: glowing at 1. RGB uint8."""
    height, width = photo.shape[:2]
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None]  # else red bricks would seem to glow
    grown = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    glow = _HEAT[(55 + 200 * grown).astype(np.uint8)]  # the darkest colours would only look like shadow
    strength = (0.8 * np.sqrt(grown))[..., None]
    return (grey * (1 - strength) + glow * strength).astype(np.uint8)


def outlined(
    picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int] = OUTLINE, thickness: int = 1
) -> np.ndarray:
    """A copy of RGB uint8 (height, width, 3) with the outline of a mask (height, width), inside where above 127."""
    drawn = picture.copy()
    edges, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, edges, -1, colour, thickness)
    return drawn


def compared(photo: np.ndarray, drawn: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """A photograph (height, width, 3), in grey, with a drawn mask beside the true one, in `TRUE`, `MISSED` and `WRONG`.

    `drawn`, `truth`: class numbers (height, width) of any size, 0 outside. What is drawn as another class is wrong. Of
    larger masks each pixel has the colour of most of its part, and thin lines stay visible.
    """
    height, width = photo.shape[:2]
    parts = {
        TRUE: (drawn > 0) & (drawn == truth),
        MISSED: (truth > 0) & (drawn == 0),
        WRONG: (drawn > 0) & (drawn != truth),
    }
    shares = np.stack([_shares(part, width, height) for part in parts.values()])
    kind = np.where(shares.sum(0) >= _VISIBLE, shares.argmax(0), len(parts))
    picture = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    for number, colour in enumerate(parts):
        picture = tinted(picture, kind == number, colour)
    return picture


_VISIBLE = 0.2
"""The share of a pixel that must be inside a larger mask to be drawn."""


def fitted(photo: np.ndarray, longest: int) -> np.ndarray:
    """A photograph `longest` pixels long, as masks over it are shown; a small one is enlarged three times at most."""
    scale = min(3.0, longest / max(photo.shape[:2]))
    size = [max(1, round(scale * side)) for side in photo.shape[1::-1]]
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _shares(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    way = cv2.INTER_AREA if mask.shape[1] > width else cv2.INTER_NEAREST
    return cv2.resize(mask.astype(np.float32), (width, height), interpolation=way)


def resized_mask(mask: np.ndarray, width: int, height: int) -> np.ndarray:
    """A mask, bool of any size, as bool (height, width); where it gets smaller thin lines stay visible."""
    return _shares(mask, width, height) >= _VISIBLE


def tinted(picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A copy of RGB uint8 (height, width, 3), a mask (height, width) filled with a colour and outlined in it."""
    tinted = picture.copy()
    tinted[mask] = (0.3 * picture[mask] + 0.7 * np.array(colour)).astype(np.uint8)
    return outlined(tinted, mask.astype(np.uint8) * 255, colour, thickness_for(picture))


def thickness_for(picture: np.ndarray) -> int:
    """Pixels of an outline that is still seen where a large picture is shown small."""
    return 1 + max(picture.shape[:2]) // 700
