"""Brightness of each pixel, rounded exactly as the reference rounds it.

`pdqhash` 0.2.8 weighs the channels with 0.299, 0.587 and 0.114 (ITU-R BT.601, interfaces.md
4.1 step 2) in double precision and rounds once to single precision. That is the nearest
single to N/1000 with N = 299 R + 587 G + 114 B, and N is small enough to be exact, so one
single-precision division gives the same bits (the tests go through all 2^24 colours).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutela.primitives.errors import BadInput

_GREY_AXES, _COLOUR_AXES = 2, 3
_CHANNELS = (3, 4)


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels as kernels take them: bytes in one line, and how to find a row in it.

    Row y begins at `flat[y * stride]` and has `width * channels` bytes; `channels` is 1
    (grey), 3 (RGB) or 4 (RGB and a byte that is passed over). Positional on purpose: these
    are a kernel's arguments in its order.
    """

    flat: NDArray[np.uint8]
    stride: int
    height: int
    width: int
    channels: int


def raster(pixels: NDArray[np.uint8]) -> Raster:
    """A view of H x W, H x W x 3 or H x W x 4 bytes; raise `BadInput` for anything else.

    Nothing is copied when the rows lie one after the other, read-only or not; other layouts
    are copied once.
    """
    axes = pixels.ndim
    channels = 1 if axes == _GREY_AXES else pixels.shape[-1] if axes == _COLOUR_AXES else 0
    if pixels.dtype != np.uint8 or not (axes == _GREY_AXES or channels in _CHANNELS):
        raise BadInput(
            "These are not pixels",
            why="expected bytes of shape height x width, or height x width x 3 or 4 (RGB first)",
        )
    height, width = pixels.shape[0], pixels.shape[1]
    # `reshape` is a view of contiguous rows and a copy of everything else.
    return Raster(frozen(pixels.reshape(-1)), width * channels, height, width, channels)


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """The same values, not to be written: kernels are compiled for that kind only."""
    seen = values.view()
    seen.flags.writeable = False
    return seen
