"""From pixels to bits: the fast path, and the exact one where a rounding could matter."""

import math

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.bands import fast_small, fast_smalls
from tutela.hashing.kernels.boxes import exact_small
from tutela.hashing.kernels.drift import Seen, drift
from tutela.hashing.kernels.luma import bright
from tutela.hashing.kernels.sizes import EXACT, MIN_SIDE_PX, SIDE
from tutela.hashing.kernels.spectrum import POINTS, quality_of, transform, write_hashes
from tutela.primitives.compiling import kernel

# The fast path settles a hash when no bit hangs on roundings. The reference's are those of its
# running sums. Worst case (every step rounds the same way) is far above what ever happens and
# would settle nothing; so there are two bounds, both from searches and not from a proof. `FAR`
# costs nothing. What lies below it is held against `drift`, measured in this very picture.
FAR = 1.25e-4
"""Frequencies apart by this many times the longer side in pixels are told apart by both paths.

Below `_SHORT_SIDE_PX` by as much as there: what is left is the rounding of the transform.

The most that a frequency was ever off in our searches: 6.1e-5 of it, half of this.
"""

FAR_SLACK = 1e-5
"""The same for gradients, in hundredths of full scale; at least that of `_FULL_SIDE_PX`."""

# Of longer sides only: `drift` is measured where it costs far less than the exact path.
GAP = 0.02
"""What two neighbouring frequencies must be apart on top of twice the measured drift."""

SLACK = 0.0025
"""By how much a gradient may be off on top of twice the measured drift, in hundredths."""

_SHORT_SIDE_PX, _FULL_SIDE_PX = 256, 1024
_HUNDREDTH = 100 / 255


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
def settled(
    flat: NDArray[np.uint8], seen: Seen, channels: int, small: NDArray[np.float32], gap: float
) -> int:
    """The quality, if neither it nor a bit hangs on the reference's roundings; otherwise -1."""
    longest = max(seen[3], seen[4])
    quality = quality_of(small, FAR_SLACK * max(longest, _FULL_SIDE_PX))
    if quality >= 0 and gap > FAR * max(longest, _SHORT_SIDE_PX):
        return quality
    walk = math.sqrt(max(1.0, longest / _FULL_SIDE_PX))  # what walks goes as far as its root
    if longest <= _FULL_SIDE_PX or gap <= GAP * walk:  # the exact path costs little more
        return -1
    frequency, pixel = drift(flat, seen, channels)
    if gap <= GAP * walk + 2 * frequency:
        return -1
    return quality_of(small, SLACK * walk + 2 * pixel * _HUNDREDTH)


@kernel("int64(Array(uint8, 1, 'C', readonly=True), int64, int64, int64, int64, uint8[:, ::1])")
def hash_picture(  # noqa: PLR0917 - kernels take no keywords
    flat: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    channels: int,
    bits: NDArray[np.uint8],
) -> int:
    """See `pdq.answer`."""
    if too_small(height, width):
        bits[:] = 0
        return 0
    small = np.empty((SIDE, SIDE), np.float32)
    frequencies = np.empty(POINTS, np.float32)
    if height == SIDE and width == SIDE:
        as_it_is(flat, stride, channels, small)
    else:
        fast_small(flat, stride, height, width, channels, small)
        transform(small, frequencies)
        gap = write_hashes(frequencies, bits)
        seen = (0, stride, channels, height, width)
        quality = settled(flat, seen, channels, small, gap)
        if quality >= 0:
            return quality
        exact_small(flat, stride, height, width, channels, small)
    transform(small, frequencies)
    write_hashes(frequencies, bits)
    return quality_of(small, 0.0) | EXACT


@kernel("int64(Array(float32, 2, 'C', readonly=True), uint8[:, ::1])")
def hash_small(small: NDArray[np.float32], bits: NDArray[np.uint8]) -> int:
    """Steps 5 to 9; give the quality."""
    frequencies = np.empty(POINTS, np.float32)
    transform(small, frequencies)
    write_hashes(frequencies, bits)
    return quality_of(small, 0.0)


@kernel()
def _seen_as(row: int, stride: int, height: int, width: int, channels: int) -> Seen:
    """How the pixels of row `row` of `hash_turns` are read where they lie."""
    origin, down, across = 0, stride, channels
    if row & 4:  # rows backwards
        origin, down = origin + (height - 1) * stride, -down
    if row & 2:  # columns backwards
        origin, across = origin + (width - 1) * channels, -across
    if row & 1:  # transposed
        return origin, across, down, width, height
    return origin, down, across, height, width


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), int64, int64, int64, int64, int64,"
    " uint8[:, ::1], int64[::1])"
)
def hash_turns(  # noqa: PLR0917 - kernels take no keywords
    flat: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    channels: int,
    wanted: int,
    bits: NDArray[np.uint8],
    qualities: NDArray[np.int64],
) -> None:
    """See `dihedral`: 8 x 32 bytes, and eight qualities, -1 where a bit hangs on roundings.

    Row r is the picture with its rows (r & 4) and columns (r & 2) in reverse order, then
    transposed (r & 1). Only those with their bit in `wanted` are settled.
    """
    smalls = np.empty((4, SIDE, SIDE), np.float32)
    frequencies = np.empty(POINTS, np.float32)
    fast_smalls(flat, stride, height, width, channels, smalls)
    for n in range(4):
        if not (wanted >> (2 * n)) & 3:
            continue
        transform(smalls[n], frequencies)
        gap = write_hashes(frequencies, bits[2 * n : 2 * n + 2])
        for row in range(2 * n, 2 * n + 2):
            if (wanted >> row) & 1:
                seen = _seen_as(row, stride, height, width, channels)
                qualities[row] = settled(flat, seen, channels, smalls[n], gap)
