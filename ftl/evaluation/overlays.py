"""Overlays on photographs: a heat map, and the outline of a mask. RGB uint8 arrays in and out."""

from __future__ import annotations

import cv2
import numpy as np

OUTLINE = (56, 189, 248)
_HEAT: np.ndarray = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]


def heat_over(photo: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A photograph (height, width, 3), in grey, under heat 0..1 of any size: glowing at 1. RGB uint8."""
    height, width = photo.shape[:2]
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None]  # else red bricks would seem to glow
    grown = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    glow = _HEAT[(55 + 200 * grown).astype(np.uint8)]  # the darkest colours would only look like shadow
    strength = (0.8 * np.sqrt(grown))[..., None]
    return (grey * (1 - strength) + glow * strength).astype(np.uint8)


def outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy of RGB uint8 (height, width, 3) with the outline of a mask (height, width), inside where above 127."""
    drawn = picture.copy()
    edges, _ = cv2.findContours((mask > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, edges, -1, OUTLINE, 1)
    return drawn
