"""Brightness of a video's frame, stretched to 0..255; see `hashing.video_luma`."""

import numpy as np
from numpy.typing import NDArray

from tutela.primitives.compiling import kernel

Grey = NDArray[np.uint8]


@kernel("void(uint8[:,::1], float32, float32, uint8[:,::1])")
def stretch8(
    plane: Grey, low: np.float32, scale: np.float32, grey: Grey
) -> None:  # pragma: no cover - compiled
    """(plane - low) * scale, rounded and cut to 0..255."""
    height, width = grey.shape
    half, top, bottom = np.float32(0.5), np.float32(255), np.float32(0)
    for row in range(height):
        for column in range(width):
            value = (np.float32(plane[row, column]) - low) * scale
            grey[row, column] = np.uint8(min(max(value, bottom), top) + half)


@kernel("void(uint16[:,::1], float32, float32, uint8[:,::1])")
def stretch16(
    plane: NDArray[np.uint16], low: np.float32, scale: np.float32, grey: Grey
) -> None:  # pragma: no cover - compiled
    """The same for samples of more than 8 bits."""
    height, width = grey.shape
    half, top, bottom = np.float32(0.5), np.float32(255), np.float32(0)
    for row in range(height):
        for column in range(width):
            value = (np.float32(plane[row, column]) - low) * scale
            grey[row, column] = np.uint8(min(max(value, bottom), top) + half)
