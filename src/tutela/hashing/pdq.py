"""The PDQ hash of a picture, bit for bit what the reference `pdqhash` 0.2.8 computes.

Steps are those of interfaces.md 4.1 (source: facebook/ThreatExchange,
pdq/cpp/hashing/pdqhashing.cpp). The picture is brought to 64 x 64 in one linear step
(`kernels.bands`), which differs from the reference by roundings. Only when those could turn a
bit or the quality is it done again in the reference's own order (`kernels.boxes`).
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import EXACT
from tutela.hashing.luma import Raster, frozen, raster
from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.primitives.kernels import compiled

_hash_picture = compiled("tutela.hashing.kernels.pdq:hash_picture")
_hash_small = compiled("tutela.hashing.kernels.pdq:hash_small")


def pdq(pixels: NDArray[np.uint8]) -> Pdq:
    """Hash H x W x 3 (RGB), H x W x 4 (fourth byte passed over) or H x W grey bytes.

    At their own size, never scaled before. Any number of threads may do so at once.
    """
    bits = np.empty((1, PDQ_BYTES), np.uint8)
    found = answer(raster(pixels), bits)
    return Pdq(bits.tobytes(), found & (EXACT - 1))


def answer(seen: Raster, bits: NDArray[np.uint8]) -> int:
    """Write the hash to 1 x 32 bytes; give the quality, with `EXACT` set if that path was taken."""
    return _hash_picture(seen.flat, seen.stride, seen.height, seen.width, seen.channels, bits)


def hash_of_small(small: NDArray[np.float32]) -> Pdq:
    """Steps 5 to 8 alone: the hash of a picture already brought to 64 x 64 brightnesses."""
    bits = np.empty((1, PDQ_BYTES), np.uint8)
    quality = _hash_small(frozen(small), bits)
    return Pdq(bits.tobytes(), quality)
