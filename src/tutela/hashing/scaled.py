"""The PDQ hash of a full-size picture, from a JPEG decoded at k/8 of its size.

A decoder that scales by k/8 uses the first k x k frequencies of every 8 x 8 block and drops
the others. The same frequencies also give back a full-size picture; that step and the whole
way down to 64 x 64 are linear, so both are one matrix for each side:

    R(n) . blockdiag(IDCT8[:, :k] . DCTk . sqrt(8/k))

with R(n) the two box passes and the decimation of `bands`. What comes out is the hash of the
picture itself without its highest frequencies, not the hash of a small picture. Sums keep
their written order, so every machine gives the same bits.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tutela.hashing import bands
from tutela.hashing.bands import SIDE, window
from tutela.hashing.dihedral import all_of_small
from tutela.hashing.model import Pdq
from tutela.hashing.pdq import hash_of_small
from tutela.primitives.errors import BadInput
from tutela.primitives.kernels import kernel

BLOCK = 8
"""Pixels along a side of a JPEG block, so a scaled decode is a whole number of eighths."""

MIN_SIDE_PX = 256
"""The scaled picture keeps at least this many pixels on its short side."""

_KEPT_WEIGHTS = 128  # sides times scales in memory, each at most a few hundred kilobytes

Weights = tuple[NDArray[np.int64], NDArray[np.float32]]
"""For each of the 64 places: the first sample it needs, and the weights from there on."""


def eighths_for(height: int, width: int) -> int | None:
    """The smallest k that keeps `MIN_SIDE_PX`, 1 to 8; None when even the picture has less."""
    k = BLOCK * (MIN_SIDE_PX - 1) // min(height, width) + 1  # then short * k / 8 > 255
    return k if k <= BLOCK else None


def scaled_side(length: int, k: int) -> int:
    """Samples along a side of `length` pixels after decoding at k/8: rounded up."""
    return -(-length * k // BLOCK)


def pdq_of_scaled(grey: NDArray[np.uint8], height: int, width: int, k: int) -> Pdq:
    """Hash a height x width picture from its brightness (rows x columns bytes) decoded at k/8."""
    return hash_of_small(small_of_scaled(grey, height, width, k))


def all_of_scaled(
    grey: NDArray[np.uint8], height: int, width: int, k: int
) -> tuple[Pdq, tuple[Pdq, ...]]:
    """The plain hash and the eight of `model.DIHEDRAL`, from the same picture."""
    return all_of_small(small_of_scaled(grey, height, width, k))


def small_of_scaled(
    grey: NDArray[np.uint8], height: int, width: int, k: int
) -> NDArray[np.float32]:
    """The 64 x 64 picture of the height x width original; raise `BadInput` for other shapes."""
    expected = (scaled_side(height, k), scaled_side(width, k))
    if grey.dtype != np.uint8 or grey.shape != expected or not 1 <= k <= BLOCK:
        raise BadInput(
            "These are not the pixels of a scaled picture",
            why=f"expected {expected[0]} x {expected[1]} bytes of brightness",
        )
    small = np.zeros((SIDE, SIDE), dtype=np.float32)
    across, across_weights = weights(width, k)
    down, down_weights = weights(height, k)
    _shrink(
        np.require(grey, requirements=("C", "W")), down, down_weights, across, across_weights, small
    )
    return small


@kernel(
    "void(uint8[:,::1], int64[::1], float32[:,::1], int64[::1], float32[:,::1], float32[:,::1])"
)
def _shrink(  # noqa: PLR0917 - kernels take no keywords
    grey: NDArray[np.uint8],
    down: NDArray[np.int64],
    down_weights: NDArray[np.float32],
    across: NDArray[np.int64],
    across_weights: NDArray[np.float32],
    small: NDArray[np.float32],
) -> None:
    """Down the columns, then along the rows; lanes run over what no sum runs over."""
    columns = grey.shape[1]
    narrow = np.empty((columns, SIDE), np.float32)
    line = np.empty(columns, np.float32)
    for i in range(SIDE):
        _add_rows(grey[down[i] : down[i] + down_weights.shape[1]], down_weights[i], line)
        for x in range(columns):
            narrow[x, i] = line[x]
    lanes = np.empty(SIDE, np.float32)
    for j in range(SIDE):
        lanes[:] = 0.0
        for tap in range(across_weights.shape[1]):
            weight = across_weights[j, tap]
            column = narrow[across[j] + tap]
            for i in range(SIDE):
                lanes[i] += weight * column[i]
        for i in range(SIDE):
            small[i, j] = lanes[i]


@kernel()
def _add_rows(
    rows: NDArray[np.uint8], weights: NDArray[np.float32], total: NDArray[np.float32]
) -> None:
    """Weighted sum of rows, two at a time so that `total` is read and written half as often."""
    total[:] = 0.0
    taps = weights.shape[0]
    for tap in range(0, taps - 1, 2):
        one, other = rows[tap], rows[tap + 1]
        w0, w1 = weights[tap], weights[tap + 1]
        for x in range(total.shape[0]):
            total[x] += w0 * np.float32(one[x]) + w1 * np.float32(other[x])
    if taps % 2:
        one, w0 = rows[taps - 1], weights[taps - 1]
        for x in range(total.shape[0]):
            total[x] += w0 * np.float32(one[x])


@lru_cache(maxsize=_KEPT_WEIGHTS)
def weights(length: int, k: int) -> Weights:
    """The matrix of one side as a band: first sample and weights for each of the 64 places."""
    samples = scaled_side(length, k)
    reach = 2 * window(length)  # pixels that one place may be made of
    taps = min(samples, (reach + 2 * (BLOCK - 1)) // BLOCK * k)
    first = np.zeros(SIDE, dtype=np.int64)
    band = np.zeros((SIDE, taps), dtype=np.float32)
    _fill(length, samples, _unscale(k), first, band)
    return first, band


@kernel("void(int64, int64, float64[:,::1], int64[::1], float32[:,::1])")
def _fill(
    length: int,
    samples: int,
    unscale: NDArray[np.float64],
    first: NDArray[np.int64],
    band: NDArray[np.float32],
) -> None:
    """R(n), and in it for each pixel the samples of its block.

    A last block that sticks out over the edge gives fewer samples than k; the last one given
    stands for the missing ones, which encoders fill in that way too.
    """
    k = unscale.shape[1]
    shares = np.zeros((SIDE, 2 * window(length)), np.float32)
    starts = np.zeros(SIDE, np.int64)
    counts = np.zeros(SIDE, np.int64)
    bands.weights(length, starts, counts, shares)
    row = np.zeros(band.shape[1], np.float64)
    for i in range(SIDE):
        first[i] = min(starts[i] // BLOCK * k, samples - band.shape[1])
        row[:] = 0.0
        for place in range(counts[i]):
            pixel = starts[i] + place
            for sample in range(k):
                at = min(pixel // BLOCK * k + sample, samples - 1) - first[i]
                row[at] += shares[i, place] * unscale[pixel % BLOCK, sample]
        for at in range(band.shape[1]):
            band[i, at] = np.float32(row[at])


def _unscale(k: int) -> NDArray[np.float64]:
    """8 x k: k samples of a scaled block to the eight pixels with the same frequencies."""
    both = (_cosines(BLOCK)[:k].T @ _cosines(k)) * math.sqrt(BLOCK / k)
    return np.ascontiguousarray(both)


def _cosines(size: int) -> NDArray[np.float64]:
    """The orthonormal discrete cosine transform (type II) of that size, a row a frequency."""
    frequency, sample = np.mgrid[0:size, 0:size]
    rows: NDArray[np.float64] = np.cos(math.pi / size * (sample + 0.5) * frequency)
    rows *= math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows
