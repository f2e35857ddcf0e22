"""A photograph with what a network found in it: heat where the class is, outlines around its tiles."""

from __future__ import annotations

import cv2
import numpy as np

from ftl.data.tiles import Tile
from ftl.evaluation.overlays import heat_over
from studio.inspection.examine import Finding

_FOUND, _SHADOW = (249, 115, 22), (20, 12, 6)


def heat_map(finding: Finding, width: int, height: int) -> np.ndarray:
    """The heat of a photograph (height, width), 0..1, fainter the less probable the class is.

    It is that of the tiles where there are some, and where they overlap that of the hottest.
    """
    if not finding.tiles:
        return finding.looked_for * _grown(finding.heat, width, height)
    heat = np.zeros((height, width), np.float32)
    for tile, own, chance in zip(finding.tiles, finding.tile_heats, finding.chances, strict=True):
        part = heat[tile.top : tile.bottom, tile.left : tile.right]
        grown = _grown(own, tile.right - tile.left, tile.bottom - tile.top)
        np.maximum(part, chance * grown, out=part)
    return heat


def _grown(heat: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def picture(photo: np.ndarray, finding: Finding, *, heat: bool, longest: int = 1000) -> np.ndarray:
    """The photograph at most `longest` pixels long, with its heat if asked for, and the tiles found outlined."""
    scale = min(1.0, longest / max(photo.shape[:2]))
    width, height = (max(1, round(scale * length)) for length in (photo.shape[1], photo.shape[0]))
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    drawn = heat_over(small, heat_map(_scaled(finding, scale, width, height), width, height)) if heat else small.copy()
    for tile, chance in _scaled(finding, scale, width, height).found:
        _outline(drawn, tile, f"{100 * chance:.0f}%")
    return drawn


def _scaled(finding: Finding, scale: float, width: int, height: int) -> Finding:
    def fit(tile: Tile) -> Tile:
        left, top, right, bottom = (round(scale * one) for one in tile)
        left, top = min(left, width - 1), min(top, height - 1)
        return Tile(left, top, min(max(right, left + 1), width), min(max(bottom, top + 1), height))

    return finding._replace(tiles=tuple(fit(tile) for tile in finding.tiles))


def _outline(drawn: np.ndarray, tile: Tile, text: str) -> None:
    corners = (tile.left + 2, tile.top + 2), (tile.right - 3, tile.bottom - 3)
    cv2.rectangle(drawn, *corners, _SHADOW, 4, cv2.LINE_AA)
    cv2.rectangle(drawn, *corners, _FOUND, 2, cv2.LINE_AA)
    size = min(0.5, (tile.right - tile.left) / 110)
    place = (tile.left + 7, tile.top + 7 + int(24 * size))
    for colour, thickness in ((_SHADOW, 3), ((255, 255, 255), 1)):
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA)
