"""The hashes of a picture turned and mirrored: of the turned pixels, bit for bit.

The reference samples the two ends of a side differently, so the hash of a turned picture cannot
be had from the frequencies of the upright one: flipping their signs misses every fourth turned
picture. Here the weights are turned instead. Four small pictures (rows and columns forwards and
backwards) come from two passes over the pixels, and each also gives the hash of its transposed
picture. Where a bit could hang on a rounding, the pixels themselves are turned and hashed.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import MIN_SIDE_PX, SIDE
from tutela.hashing.luma import raster
from tutela.hashing.model import DIHEDRAL, PDQ_BYTES, Pdq
from tutela.hashing.pdq import hash_of_small, pdq
from tutela.primitives.kernels import compiled

_hash_turns = compiled("tutela.hashing.kernels.pdq:hash_turns")

_ROWS = (
    "original", "flip_plus1",
    "flip_y", "rotate90",
    "flip_x", "rotate270",
    "rotate180", "flip_minus1",
)  # fmt: skip
"""Which turn each row of the kernel's answer is."""
_PLACES = tuple(_ROWS.index(name) for name in DIHEDRAL)


def turned(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """The pixels (H x W or H x W x C) turned or mirrored, as a view; `name` is of `DIHEDRAL`.

    Degrees count against the clock, `flip_x` puts the bottom row on top, `flip_y` the right
    column to the left, `flip_plus1` transposes, `flip_minus1` transposes over the other diagonal.
    """
    place = _ROWS.index(name)
    seen = pixels[:: -1 if place >= len(_ROWS) // 2 else 1]
    seen = seen[:, :: -1 if place // 2 % 2 else 1]
    return seen.swapaxes(0, 1) if place % 2 else seen


def dihedral(pixels: NDArray[np.uint8]) -> tuple[Pdq, ...]:
    """Eight hashes of pixels as `pdq.pdq` takes them, in the order of `DIHEDRAL`.

    Each equals `pdq` of the turned pixels.
    """
    seen = raster(pixels)
    if min(seen.height, seen.width) < MIN_SIDE_PX or (seen.height, seen.width) == (SIDE, SIDE):
        return tuple(pdq(np.ascontiguousarray(turned(pixels, name))) for name in DIHEDRAL)
    bits = np.empty((len(_ROWS), PDQ_BYTES), np.uint8)
    qualities = np.empty(len(_ROWS) // 2, np.int64)
    _hash_turns(seen.flat, seen.stride, seen.height, seen.width, seen.channels, bits, qualities)
    return tuple(
        Pdq(bits[place].tobytes(), int(qualities[place // 2]))
        if qualities[place // 2] >= 0
        else pdq(np.ascontiguousarray(turned(pixels, name)))
        for name, place in zip(DIHEDRAL, _PLACES, strict=True)
    )


def all_of(pixels: NDArray[np.uint8]) -> tuple[Pdq, tuple[Pdq, ...]]:
    """The plain hash and the eight."""
    eight = dihedral(pixels)
    return eight[0], eight


def all_of_smalls(smalls: NDArray[np.float32]) -> tuple[Pdq, tuple[Pdq, ...]]:
    """Both from four pictures already brought to 64 x 64 brightnesses: 4 x 64 x 64.

    They are the picture, with its columns, its rows, and both in reverse order.
    """
    found = [
        hash_of_small(np.ascontiguousarray(each)) for small in smalls for each in (small, small.T)
    ]
    eight = tuple(found[place] for place in _PLACES)
    return eight[0], eight
