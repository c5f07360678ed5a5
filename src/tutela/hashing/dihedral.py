"""The hashes of a picture turned and mirrored, from one transform (interfaces.md 4.1 step 9).

Turning or mirroring a picture only transposes its frequencies and flips signs, so eight
hashes cost one pass over the pixels. The order is `model.DIHEDRAL`.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import EXACT, SIDE
from tutela.hashing.luma import raster
from tutela.hashing.model import DIHEDRAL, PDQ_BYTES, Pdq
from tutela.hashing.pdq import answer, answer_of_small, pdq


def dihedral(pixels: NDArray[np.uint8]) -> tuple[Pdq, ...]:
    """Eight hashes of pixels as `pdq.pdq` takes them, in the order of `DIHEDRAL`.

    The first equals `pdq`, save for a picture of exactly 64 x 64: there the reference
    filters (with a window of one pixel, which only rounds) in this function and not in the
    other, so a coefficient at the median may fall to the other side.
    """
    bits = np.empty((len(DIHEDRAL), PDQ_BYTES), np.uint8)
    return _eight(bits, answer(raster(pixels), bits) & (EXACT - 1))


def all_of(pixels: NDArray[np.uint8]) -> tuple[Pdq, tuple[Pdq, ...]]:
    """The plain hash and the eight, from one reading wherever the two agree (see above)."""
    turned = dihedral(pixels)
    return (pdq(pixels) if pixels.shape[:2] == (SIDE, SIDE) else turned[0]), turned


def all_of_small(small: NDArray[np.float32]) -> tuple[Pdq, tuple[Pdq, ...]]:
    """Both for a picture already brought to 64 x 64 brightnesses."""
    bits = np.empty((len(DIHEDRAL), PDQ_BYTES), np.uint8)
    turned = _eight(bits, answer_of_small(small, bits))
    return turned[0], turned


def _eight(bits: NDArray[np.uint8], quality: int) -> tuple[Pdq, ...]:
    raw = bits.tobytes()
    return tuple(Pdq(raw[at : at + PDQ_BYTES], quality) for at in range(0, len(raw), PDQ_BYTES))
