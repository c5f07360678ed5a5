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

from tutela.hashing.dihedral import all_of_smalls
from tutela.hashing.kernels.sizes import BLOCK, SIDE
from tutela.hashing.model import Pdq
from tutela.hashing.pdq import hash_of_small
from tutela.hashing.plain import window
from tutela.primitives.errors import BadInput
from tutela.primitives.kernels import compiled

MIN_SIDE_PX = 256
"""The scaled picture keeps at least this many pixels on its short side, if it has them."""
LEAST_SIDE_PX = 128
"""A picture with less is hashed exactly: there the rounding of its colours moves many bits."""

_KEPT_WEIGHTS = 128  # sides times scales in memory, each at most a few hundred kilobytes

Weights = tuple[NDArray[np.int64], NDArray[np.float32]]
"""For each of the 64 places: the first sample it needs, and the weights from there on."""


_shrink = compiled("tutela.hashing.kernels.scaled:shrink")
_fill = compiled("tutela.hashing.kernels.scaled:fill")


def eighths_for(height: int, width: int) -> int | None:
    """The smallest k that keeps `MIN_SIDE_PX`, 1 to 8; None for less than `LEAST_SIDE_PX`."""
    short = min(height, width)
    if short < LEAST_SIDE_PX:
        return None
    return min(BLOCK * (MIN_SIDE_PX - 1) // short + 1, BLOCK)  # then short * k / 8 > 255


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
    _check(grey, height, width, k)
    smalls = np.zeros((4, SIDE, SIDE), dtype=np.float32)
    for place, small in enumerate(smalls):
        down = weights(height, k, backwards=place >= len(smalls) // 2)
        _fill_small(grey, down, weights(width, k, backwards=bool(place % 2)), small)
    return all_of_smalls(smalls)


def small_of_scaled(
    grey: NDArray[np.uint8], height: int, width: int, k: int
) -> NDArray[np.float32]:
    """The 64 x 64 picture of the height x width original; raise `BadInput` for other shapes."""
    _check(grey, height, width, k)
    small = np.zeros((SIDE, SIDE), dtype=np.float32)
    _fill_small(grey, weights(height, k), weights(width, k), small)
    return small


def _check(grey: NDArray[np.uint8], height: int, width: int, k: int) -> None:
    expected = (scaled_side(height, k), scaled_side(width, k))
    if grey.dtype != np.uint8 or grey.shape != expected or not 1 <= k <= BLOCK:
        raise BadInput(
            "These are not the pixels of a scaled picture",
            why=f"expected {expected[0]} x {expected[1]} bytes of brightness",
        )


def _fill_small(
    grey: NDArray[np.uint8], down: Weights, across: Weights, small: NDArray[np.float32]
) -> None:
    _shrink(np.require(grey, requirements=("C", "W")), *down, *across, small)


@lru_cache(maxsize=_KEPT_WEIGHTS)
def weights(length: int, k: int, *, backwards: bool = False) -> Weights:
    """The matrix of one side as a band: first sample and weights for each of the 64 places.

    `backwards` reads the side from its other end.
    """
    samples = scaled_side(length, k)
    reach = 2 * window(length)  # pixels that one place may be made of
    taps = min(samples, (reach + 2 * (BLOCK - 1)) // BLOCK * k)
    first = np.zeros(SIDE, dtype=np.int64)
    band = np.zeros((SIDE, taps), dtype=np.float32)
    _fill(length, samples, _unscale(k), first, band, int(backwards))
    return first, band


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
