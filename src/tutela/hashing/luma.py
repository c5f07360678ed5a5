"""Brightness of each pixel, rounded exactly as the reference rounds it.

`pdqhash` 0.2.8 weighs the channels in double precision, adds them left to right and rounds
once to single precision. The weights are those of ITU-R BT.601 (interfaces.md 4.1 step 2).
"""

import numpy as np
from numpy.typing import NDArray

from tutela.primitives.errors import BadInput

_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_STRIP_ROWS = 64  # what the processor's cache holds in double precision
_GREY_AXES, _COLOUR_AXES, _CHANNELS = 2, 3, 3


def shape_of(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width of H x W or H x W x 3 bytes; raise `BadInput` for anything else."""
    grey = pixels.ndim == _GREY_AXES
    colour = pixels.ndim == _COLOUR_AXES and pixels.shape[2] == _CHANNELS
    if pixels.dtype != np.uint8 or not (grey or colour):
        raise BadInput(
            "These are not pixels",
            why="expected bytes of shape height x width, or height x width x 3 (RGB)",
        )
    return int(pixels.shape[0]), int(pixels.shape[1])


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness 0 to 255 as H x W float32, from H x W grey or H x W x 3 RGB bytes.

    A grey byte stays itself: the three weights sum to one, and the rounding to single
    precision swallows what double precision leaves over.
    """
    shape_of(pixels)
    if pixels.ndim == _GREY_AXES:
        return pixels.astype(np.float32)
    bright = np.empty(pixels.shape[:2], dtype=np.float32)
    for top in range(0, len(pixels), _STRIP_ROWS):
        strip = pixels[top : top + _STRIP_ROWS]
        total = strip[:, :, 0] * _RED  # float64: a byte array times a Python float
        total += strip[:, :, 1] * _GREEN
        total += strip[:, :, 2] * _BLUE
        bright[top : top + _STRIP_ROWS] = total  # rounds once
    return bright
