"""The hashes of a picture turned and mirrored, from one transform (interfaces.md 4.1 step 9).

Turning or mirroring a picture only transposes its frequencies and flips signs, so eight
hashes cost one pass over the pixels; and transposing leaves the median alone, so they cost
four medians. The order is `model.DIHEDRAL`.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.bands import SIDE, fast_small
from tutela.hashing.boxes import exact_small
from tutela.hashing.luma import raster
from tutela.hashing.model import DIHEDRAL, PDQ_BYTES, Pdq
from tutela.hashing.pdq import EXACT, GAP, SLACK, growth, pdq, too_small
from tutela.hashing.spectrum import LOW, middle, quality_of, transform, write_bits
from tutela.primitives.kernels import kernel

# Whether the signs of every other row and of every other column change, and where in
# `DIHEDRAL` the two hashes of those frequencies stand: as they are, and transposed.
_ROWS = np.array([False, False, True, True])
_COLUMNS = np.array([False, True, False, True])
_PLAIN = np.array([0, 5, 4, 2])
_TRANSPOSED = np.array([6, 1, 3, 7])


@kernel()
def _write_eight(
    frequencies: NDArray[np.float32], least_gap: float, bits: NDArray[np.uint8]
) -> bool:
    """Write the eight hashes; give whether every median has more than that gap above it."""
    signed = np.empty((LOW, LOW), np.float32)
    transposed = np.empty((LOW, LOW), np.float32)
    clear = True
    for turn in range(len(_PLAIN)):
        for i in range(LOW):
            for j in range(LOW):
                value = frequencies[i, j]
                if (_ROWS[turn] and i % 2 == 0) != (_COLUMNS[turn] and j % 2 == 0):
                    value = -value
                signed[i, j] = value
                transposed[j, i] = value
        median, above = middle(signed)
        clear &= above - median > least_gap
        write_bits(signed, median, bits[_PLAIN[turn]])
        write_bits(transposed, median, bits[_TRANSPOSED[turn]])
    return clear


@kernel("int64(Array(uint8, 1, 'C', readonly=True), int64, int64, int64, int64, uint8[:, ::1])")
def _hashes(
    flat: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    channels: int,
    bits: NDArray[np.uint8],
) -> int:
    """Write eight hashes; give the quality, with `EXACT` if that path was taken."""
    if too_small(height, width):
        bits[:] = 0
        return 0
    small = np.empty((SIDE, SIDE), np.float32)
    frequencies = np.empty((LOW, LOW), np.float32)
    allowed = growth(height, width)
    fast_small(flat, stride, height, width, channels, small)
    transform(small, frequencies)
    quality = quality_of(small, SLACK * allowed)
    if quality >= 0 and _write_eight(frequencies, GAP * allowed, bits):
        return quality
    exact_small(flat, stride, height, width, channels, small)
    transform(small, frequencies)
    _write_eight(frequencies, 0.0, bits)
    return quality_of(small, 0.0) | EXACT


@kernel("int64(Array(float32, 2, 'C', readonly=True), uint8[:, ::1])")
def _hashes_small(small: NDArray[np.float32], bits: NDArray[np.uint8]) -> int:
    """Write eight hashes of a small picture; give the quality."""
    frequencies = np.empty((LOW, LOW), np.float32)
    transform(small, frequencies)
    _write_eight(frequencies, 0.0, bits)
    return quality_of(small, 0.0)


def _eight(bits: NDArray[np.uint8], quality: int) -> tuple[Pdq, ...]:
    raw = bits.tobytes()
    return tuple(Pdq(raw[at : at + PDQ_BYTES], quality) for at in range(0, len(raw), PDQ_BYTES))


def dihedral(pixels: NDArray[np.uint8]) -> tuple[Pdq, ...]:
    """Eight hashes of pixels as `pdq.pdq` takes them, in the order of `DIHEDRAL`.

    The first equals `pdq`, save for a picture of exactly 64 x 64: there the reference
    filters (with a window of one pixel, which only rounds) in this function and not in the
    other, so a coefficient at the median may fall to the other side.
    """
    seen = raster(pixels)
    bits = np.empty((len(DIHEDRAL), PDQ_BYTES), np.uint8)
    quality = _hashes(seen.flat, seen.stride, seen.height, seen.width, seen.channels, bits)
    return _eight(bits, quality & (EXACT - 1))


def all_of(pixels: NDArray[np.uint8]) -> tuple[Pdq, tuple[Pdq, ...]]:
    """The plain hash and the eight, from one reading wherever the two agree (see above)."""
    turned = dihedral(pixels)
    return (pdq(pixels) if pixels.shape[:2] == (SIDE, SIDE) else turned[0]), turned


def all_of_small(small: NDArray[np.float32]) -> tuple[Pdq, tuple[Pdq, ...]]:
    """Both for a picture already brought to 64 x 64 brightnesses."""
    bits = np.empty((len(DIHEDRAL), PDQ_BYTES), np.uint8)
    turned = _eight(bits, _hashes_small(small, bits))
    return turned[0], turned
