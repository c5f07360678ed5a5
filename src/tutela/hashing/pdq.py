"""The PDQ hash of a picture, bit for bit what the reference `pdqhash` 0.2.8 computes.

Steps are those of interfaces.md 4.1 (source: facebook/ThreatExchange,
pdq/cpp/hashing/pdqhashing.cpp). The picture is brought to 64 x 64 in one linear step
(`bands`), which differs from the reference by roundings. Only when those could turn a bit or
the quality is it done again in the reference's own order (`boxes`).
"""

import math

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.bands import SIDE, fast_small
from tutela.hashing.boxes import exact_small
from tutela.hashing.luma import bright, raster
from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.hashing.spectrum import LOW, middle, quality_of, transform, write_bits
from tutela.primitives.kernels import kernel

MIN_SIDE_PX = 5
"""Step 1: below this the hash is all zeros and the quality 0."""

EXACT = 1 << 8
"""Set in a kernel's answer when the exact path was taken; the quality is below it."""

GAP = 0.01
SLACK = 0.002


@kernel()
def too_small(height: int, width: int) -> bool:
    """Step 1: whether a side is too short to be hashed."""
    return height < MIN_SIDE_PX or width < MIN_SIDE_PX


@kernel()
def as_it_is(
    flat: NDArray[np.uint8], stride: int, channels: int, small: NDArray[np.float32]
) -> None:
    """A picture of 64 x 64 pixels is not filtered."""
    for y in range(SIDE):
        bright(flat[y * stride : y * stride + SIDE * channels], SIDE, channels, small[y])


@kernel()
def growth(height: int, width: int) -> float:
    return max(1.0, math.sqrt(max(height, width) / 512.0))


@kernel("int64(Array(uint8, 1, 'C', readonly=True), int64, int64, int64, int64, uint8[::1])")
def _hash(
    flat: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    channels: int,
    bits: NDArray[np.uint8],
) -> int:
    """Write the hash to `bits`; give the quality, with `EXACT` if that path was taken."""
    if too_small(height, width):
        bits[:] = 0
        return 0
    small = np.empty((SIDE, SIDE), np.float32)
    frequencies = np.empty((LOW, LOW), np.float32)
    if height == SIDE and width == SIDE:
        as_it_is(flat, stride, channels, small)
    else:
        allowed = growth(height, width)
        fast_small(flat, stride, height, width, channels, small)
        transform(small, frequencies)
        median, above = middle(frequencies)
        quality = quality_of(small, SLACK * allowed)
        if quality >= 0 and above - median > GAP * allowed:
            write_bits(frequencies, median, bits)
            return quality
        exact_small(flat, stride, height, width, channels, small)
    transform(small, frequencies)
    median, _ = middle(frequencies)
    write_bits(frequencies, median, bits)
    return quality_of(small, 0.0) | EXACT


@kernel("int64(Array(float32, 2, 'C', readonly=True), uint8[::1])")
def _hash_small(small: NDArray[np.float32], bits: NDArray[np.uint8]) -> int:
    """Steps 5 to 8; give the quality."""
    frequencies = np.empty((LOW, LOW), np.float32)
    transform(small, frequencies)
    median, _ = middle(frequencies)
    write_bits(frequencies, median, bits)
    return quality_of(small, 0.0)


def pdq(pixels: NDArray[np.uint8]) -> Pdq:
    """Hash H x W x 3 (RGB), H x W x 4 (fourth byte passed over) or H x W grey bytes.

    At their own size, never scaled before. Any number of threads may do so at once.
    """
    seen = raster(pixels)
    bits = np.empty(PDQ_BYTES, np.uint8)
    quality = _hash(seen.flat, seen.stride, seen.height, seen.width, seen.channels, bits)
    return Pdq(bits.tobytes(), quality & (EXACT - 1))


def hash_of_small(small: NDArray[np.float32]) -> Pdq:
    """Steps 5 to 8 alone: the hash of a picture already brought to 64 x 64 brightnesses."""
    bits = np.empty(PDQ_BYTES, np.uint8)
    quality = _hash_small(small, bits)
    return Pdq(bits.tobytes(), quality)
