"""The hashes of a picture turned and mirrored: of the turned pixels, bit for bit.

The reference samples the two ends of a side differently, so the hash of a turned picture cannot
be had from the frequencies of the upright one: flipping their signs misses every fourth turned
picture. Here the weights are turned instead. Four small pictures (rows and columns forwards and
backwards) come from two passes over the pixels, and each also gives the hash of its transposed
picture. Where a bit could hang on a rounding, the pixels themselves are turned and hashed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import MIN_SIDE_PX, SIDE
from tutela.hashing.luma import raster
from tutela.hashing.model import DIHEDRAL, PDQ_BYTES, Pdq
from tutela.hashing.pdq import hash_of_small, pdq
from tutela.primitives.kernels import compiled

_GREY_AXES = 2
_hash_turns = compiled("tutela.hashing.kernels.pdq:hash_turns")

_ROWS = (
    "original", "flip_plus1",
    "flip_y", "rotate90",
    "flip_x", "rotate270",
    "rotate180", "flip_minus1",
)  # fmt: skip
"""Which turn each row of the kernel's answer is: 4 rows backwards, 2 columns, 1 transposed."""
_BACKWARDS, _MIRRORED, _TRANSPOSED = 4, 2, 1


def turned(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """The pixels (H x W or H x W x C) turned or mirrored, as a view; `name` is of `DIHEDRAL`.

    Degrees count against the clock, `flip_x` puts the bottom row on top, `flip_y` the right
    column to the left, `flip_plus1` transposes, `flip_minus1` transposes over the other diagonal.
    """
    row = _ROWS.index(name)
    seen = pixels[:: -1 if row & _BACKWARDS else 1, :: -1 if row & _MIRRORED else 1]
    return seen.swapaxes(0, 1) if row & _TRANSPOSED else seen


def dihedral(pixels: NDArray[np.uint8]) -> tuple[Pdq, ...]:
    """Eight hashes of pixels as `pdq.pdq` takes them, in the order of `DIHEDRAL`.

    Each equals `pdq` of the turned pixels.
    """
    return hashes_of_turned(pixels, DIHEDRAL)


def hashes_of_turned(pixels: NDArray[np.uint8], names: Sequence[str]) -> tuple[Pdq, ...]:
    """The same for some of `DIHEDRAL`."""
    seen = raster(pixels)
    rows = [_ROWS.index(name) for name in names]
    bits = np.empty((len(_ROWS), PDQ_BYTES), np.uint8)
    qualities = np.full(len(_ROWS), -1, np.int64)
    if min(seen.height, seen.width) >= MIN_SIDE_PX and (seen.height, seen.width) != (SIDE, SIDE):
        wanted = sum(1 << row for row in rows)
        _hash_turns(
            seen.flat, seen.stride, seen.height, seen.width, seen.channels, wanted, bits, qualities
        )
    return tuple(
        Pdq(bits[row].tobytes(), int(qualities[row]))
        if qualities[row] >= 0
        else pdq(_copied(turned(_cells(pixels), name), pixels))
        for name, row in zip(names, rows, strict=True)
    )


def _cells(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """One value a pixel, so that turning moves pixels and not bytes: four times as fast."""
    whole = np.ascontiguousarray(pixels)
    return whole if pixels.ndim == _GREY_AXES else whole.view(f"V{pixels.shape[-1]}")[..., 0]


def _copied(cells: NDArray[Any], pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cells as bytes again, one row after the other."""
    whole = np.ascontiguousarray(cells)
    return whole.view(np.uint8).reshape(*whole.shape, *pixels.shape[_GREY_AXES:])


def eight_of_turned(eight: tuple[Pdq, ...], name: str) -> tuple[Pdq, ...]:
    """The eight hashes of the turned picture, from the eight of the picture as it is."""
    return tuple(eight[place] for place in _COMPOSED[name])


def _composed(name: str) -> tuple[int, ...]:
    """For each turn of the turned picture, which single turn gives the same."""
    probe = np.arange(6, dtype=np.uint8).reshape(2, 3)
    single = [turned(probe, each) for each in DIHEDRAL]
    return tuple(
        next(
            place
            for place, found in enumerate(single)
            if np.array_equal(found, turned(turned(probe, name), each))
        )
        for each in DIHEDRAL
    )


_COMPOSED = {name: _composed(name) for name in DIHEDRAL}


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
    eight = tuple(found[_ROWS.index(name)] for name in DIHEDRAL)
    return eight[0], eight
