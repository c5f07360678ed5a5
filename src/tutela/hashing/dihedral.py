"""The hashes of a picture turned and mirrored, from one transform (interfaces.md 4.1 step 9).

Turning or mirroring a picture only transposes its frequencies and flips signs, so eight
hashes cost one pass over the pixels. The order is `model.DIHEDRAL`.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.bands import SIDE, Luma, ReadRows, downscale
from tutela.hashing.luma import shape_of
from tutela.hashing.model import DIHEDRAL, PDQ_BYTES, Pdq
from tutela.hashing.pdq import bits_of, pdq_of_rows, quality_of, rows_of, too_small, transform


def dihedral(pixels: NDArray[np.uint8]) -> tuple[Pdq, ...]:
    """Eight hashes of H x W x 3 RGB bytes or H x W grey bytes, in the order of `DIHEDRAL`."""
    height, width = shape_of(pixels)
    return dihedral_of_rows(rows_of(pixels), height, width)


def dihedral_of_rows(read: ReadRows, height: int, width: int) -> tuple[Pdq, ...]:
    """Eight hashes of a picture that is read in blocks of rows.

    The first equals `pdq_of_rows`, save for a picture of exactly 64 x 64: there the
    reference filters (with a window of one pixel, which only rounds) in this function and
    not in the other, so a coefficient at the median may fall to the other side.
    """
    if too_small(height, width):
        return (Pdq(bytes(PDQ_BYTES), 0),) * len(DIHEDRAL)
    small = downscale(read, height, width)
    quality = quality_of(small)
    return tuple(Pdq(bits_of(turned), quality) for turned in _turned(transform(small)))


def all_of_rows(read: ReadRows, height: int, width: int) -> tuple[Pdq, tuple[Pdq, ...]]:
    """The plain hash and the eight, from one reading wherever the two agree (see above)."""
    turned = dihedral_of_rows(read, height, width)
    if height == width == SIDE:
        return pdq_of_rows(read, height, width), turned
    return turned[0], turned


def _turned(b: Luma) -> tuple[Luma, ...]:
    """The frequencies of the eight pictures; a sign is a whole row or column (or both)."""
    sign = np.where(np.arange(len(b)) % 2, np.float32(1), np.float32(-1))
    rows, columns = sign[:, np.newaxis], sign[np.newaxis, :]
    both = rows * columns
    return (
        b,
        (b * columns).T,  # rotate90
        b * both,  # rotate180
        (b * rows).T,  # rotate270
        b * rows,  # flip_x
        b * columns,  # flip_y
        b.T,  # flip_plus1
        (b * both).T,  # flip_minus1
    )
