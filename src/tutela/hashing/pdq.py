"""The PDQ hash of a picture, bit for bit what the reference `pdqhash` 0.2.8 computes.

Steps are those of interfaces.md 4.1 (source: facebook/ThreatExchange,
pdq/cpp/hashing/pdqhashing.cpp). Single precision throughout, sums in the reference's
order and no fused multiply-add, so equality is exact and not "within a few bits".
"""

import math

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.bands import SIDE, Luma, ReadRows, downscale
from tutela.hashing.luma import luma, shape_of
from tutela.hashing.model import PDQ_BYTES, Pdq

MIN_SIDE_PX = 5
"""Step 1: below this the hash is all zeros and the quality 0."""

_COEFFICIENTS = 16
_GRADIENTS_PER_POINT = 90
_BEST = 100
_LOWER_MEDIAN = 127


def _cosines() -> Luma:
    """Step 6: sqrt(2/64) cos(pi/128 (i+1)(2j+1)), 16 x 64, rounded once to float32."""
    scale = float(np.float32(math.sqrt(2.0 / SIDE)))
    step = math.pi / 2.0 / SIDE
    rows = [
        [scale * math.cos(step * (i + 1) * (2 * j + 1)) for j in range(SIDE)]
        for i in range(_COEFFICIENTS)
    ]
    return np.array(rows, dtype=np.float32)


_D = _cosines()


def pdq(pixels: NDArray[np.uint8]) -> Pdq:
    """Hash H x W x 3 RGB bytes or H x W grey bytes at their own size (never pre-scaled)."""
    height, width = shape_of(pixels)
    return pdq_of_rows(rows_of(pixels), height, width)


def rows_of(pixels: NDArray[np.uint8]) -> ReadRows:
    """Let `downscale` read an array block by block."""
    return lambda top, bottom: luma(pixels[top:bottom])


def pdq_of_rows(read: ReadRows, height: int, width: int) -> Pdq:
    """Hash a picture that is read in blocks of rows; see `bands.ReadRows`."""
    if too_small(height, width):
        return Pdq(bytes(PDQ_BYTES), 0)  # step 1
    small = small_picture(read, height, width)
    return Pdq(bits_of(transform(small)), quality_of(small))


def too_small(height: int, width: int) -> bool:
    """Step 1: whether a side is too short to be hashed."""
    return height < MIN_SIDE_PX or width < MIN_SIDE_PX


def small_picture(read: ReadRows, height: int, width: int) -> Luma:
    """Steps 3 and 4; a picture of 64 x 64 is taken as it is."""
    if height == width == SIDE:
        return read(0, SIDE)
    return downscale(read, height, width)


def quality_of(small: Luma) -> int:
    """Step 5: how much detail there is, 0 to 100; each gradient is cut to an integer first."""
    total = 0
    for axis in (0, 1):
        change = -np.diff(small, axis=axis)  # u - v; negation is exact
        points = change * np.float32(_BEST) / np.float32(255)
        total += int(np.abs(points.astype(np.int32)).sum())
    return min(_BEST, total // _GRADIENTS_PER_POINT)


def transform(small: Luma) -> Luma:
    """Step 6: the 16 x 16 lowest frequencies without the constant one, float32."""
    # `accumulate` adds strictly one term after the other, as the reference does; `sum`
    # may pair terms and round differently.
    terms = _D.T[:, :, np.newaxis] * small[:, np.newaxis, :]
    half = np.add.accumulate(terms, axis=0)[-1]
    terms = half.T[:, :, np.newaxis] * _D.T[:, np.newaxis, :]
    result: Luma = np.add.accumulate(terms, axis=0)[-1]
    return result


def bits_of(frequencies: Luma) -> bytes:
    """Steps 7 and 8: one bit for each coefficient above the lower median, last one first."""
    flat = frequencies.ravel()
    median = np.partition(flat, _LOWER_MEDIAN)[_LOWER_MEDIAN]
    return np.packbits((flat > median)[::-1]).tobytes()
