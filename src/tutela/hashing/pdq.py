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
from tutela.hashing.luma import Raster, bright, frozen, raster
from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.hashing.spectrum import LOW, quality_of, transform, write_hashes
from tutela.primitives.kernels import kernel

MIN_SIDE_PX = 5
"""Step 1: below this the hash is all zeros and the quality 0."""

EXACT = 1 << 8
"""Set in a kernel's answer when the exact path was taken; the quality is below it."""

# How far the fast path may be from the reference before the exact one is asked. Both differ by
# the reference's running sums: a step rounds to 2^-24 of a sum of up to `window` pixels, and
# such steps add up like a random walk, so the mean of a box is off by about
# 255 * 2^-24 * sqrt(2 n / 3) after n pixels, 0.0004 at 1,024 (0.0008 at 4,096). A frequency is a
# sum of 4,096 such values with weights whose squares sum to one, so it is off by as much,
# two or three times that for the lowest ones. This is an estimate and no proof: roundings that
# repeat with the picture do not walk, they march. One drawn picture of 4,032 x 3,024 (pale
# slow steps under a grain of period 9) had a frequency off by 0.13, far from its median. In 325
# awkward pictures up to 1,024 px the 16 frequencies nearest to the median were off by 0.0037 at
# most, and the largest gap at which a bit turned was 0.0014; in 9 of 2 to 17 MP by 0.0042.
GAP = 0.01
"""Two neighbouring frequencies this far apart keep their order, up to `_FULL_SIDE_PX`."""

SLACK = 0.002
"""A gradient, in hundredths of full scale, is taken to be off by less; largest seen: 0.0017."""

_FULL_SIDE_PX = 1024


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
    """By how much `GAP` and `SLACK` widen for a long side: roundings walk with its root."""
    return max(1.0, math.sqrt(max(height, width) / _FULL_SIDE_PX))


@kernel("int64(Array(uint8, 1, 'C', readonly=True), int64, int64, int64, int64, uint8[:, ::1])")
def _hash(  # noqa: PLR0917 - kernels take no keywords
    flat: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    channels: int,
    bits: NDArray[np.uint8],
) -> int:
    """See `answer`."""
    if too_small(height, width):
        bits[:] = 0
        return 0
    small = np.empty((SIDE, SIDE), np.float32)
    frequencies = np.empty((LOW, LOW), np.float32)
    if height == SIDE and width == SIDE and bits.shape[0] == 1:
        as_it_is(flat, stride, channels, small)
    else:
        allowed = growth(height, width)
        fast_small(flat, stride, height, width, channels, small)
        quality = quality_of(small, SLACK * allowed)
        if quality >= 0:
            transform(small, frequencies)
            if write_hashes(frequencies, bits) > GAP * allowed:
                return quality
        exact_small(flat, stride, height, width, channels, small)
    transform(small, frequencies)
    write_hashes(frequencies, bits)
    return quality_of(small, 0.0) | EXACT


@kernel("int64(Array(float32, 2, 'C', readonly=True), uint8[:, ::1])")
def _hash_small(small: NDArray[np.float32], bits: NDArray[np.uint8]) -> int:
    """Steps 5 to 9; give the quality."""
    frequencies = np.empty((LOW, LOW), np.float32)
    transform(small, frequencies)
    write_hashes(frequencies, bits)
    return quality_of(small, 0.0)


def pdq(pixels: NDArray[np.uint8]) -> Pdq:
    """Hash H x W x 3 (RGB), H x W x 4 (fourth byte passed over) or H x W grey bytes.

    At their own size, never scaled before. Any number of threads may do so at once.
    """
    bits = np.empty((1, PDQ_BYTES), np.uint8)
    found = answer(raster(pixels), bits)
    return Pdq(bits.tobytes(), found & (EXACT - 1))


def answer(seen: Raster, bits: NDArray[np.uint8]) -> int:
    """Write the hash to 1 x 32 bytes, or the eight turned and mirrored ones to 8 x 32.

    Gives the quality, with `EXACT` set if that path was taken. At exactly 64 x 64 pixels the
    reference does not filter for one hash, and does for eight.
    """
    return _hash(seen.flat, seen.stride, seen.height, seen.width, seen.channels, bits)


def hash_of_small(small: NDArray[np.float32]) -> Pdq:
    """Steps 5 to 8 alone: the hash of a picture already brought to 64 x 64 brightnesses."""
    bits = np.empty((1, PDQ_BYTES), np.uint8)
    quality = answer_of_small(small, bits)
    return Pdq(bits.tobytes(), quality)


def answer_of_small(small: NDArray[np.float32], bits: NDArray[np.uint8]) -> int:
    """As `answer`, for a picture already brought to 64 x 64 brightnesses; give the quality."""
    return _hash_small(frozen(small), bits)
