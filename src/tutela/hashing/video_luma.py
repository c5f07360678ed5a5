"""Brightness of a video's frame, from the luma plane that its decoder gives.

A video stores brightness by itself, in most files from 16 to 235 ("limited") and not from 0 to
255. Stretched to 0..255 it is what vPDQ computes by way of RGB, save for rounding and for the
colour matrix (docs/reference/video.md says by how many bits).
"""

import numpy as np
from numpy.typing import NDArray

from tutela.primitives.kernels import compiled

Grey = NDArray[np.uint8]

_EIGHT = 8
_LOWEST, _SPAN = 16, 219
"""Of limited range in 8 bits (ITU-R BT.601 and BT.709)."""


_stretch8 = compiled("tutela.hashing.kernels.video_luma:stretch8")
_stretch16 = compiled("tutela.hashing.kernels.video_luma:stretch16")


def full_range(plane: Grey | NDArray[np.uint16], *, width: int, bits: int, limited: bool) -> Grey:
    """H x `width` bytes 0..255 of a plane of 8 to 16 bits a sample; rounds to the nearest.

    The rows of `plane` (C-contiguous) may be longer than the picture, as decoders make them.
    Limited: 16 becomes 0 and 235 becomes 255 (times 2^(bits - 8)), what lies beyond is cut.
    """
    if bits == _EIGHT and not limited:
        return np.ascontiguousarray(plane[:, :width], np.uint8)
    low = np.float32(_LOWEST << (bits - _EIGHT)) if limited else np.float32(0)
    span = _SPAN << (bits - _EIGHT) if limited else (1 << bits) - 1
    scale = np.float32(255) / np.float32(span)
    grey = np.empty((len(plane), width), np.uint8)
    if plane.dtype == np.uint8:
        _stretch8(plane, low, scale, grey)
    else:
        _stretch16(plane, low, scale, grey)
    return grey
