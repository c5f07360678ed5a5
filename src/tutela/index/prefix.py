"""Prefix index: exact search in few rows, by counting the first bits of 512 rows at once.

Bits stand in planes: plane b of a block holds bit b of its 512 rows. One query turns the
planes whose bit it has set, and adders made of and, or, xor (carry-save, as in Harley and
Seal's population count) add the planes up for all rows together. Rows whose first 96 bits
(more for a large radius) are already farther than the radius are done with; the others are
compared in full. Needs no population count of the processor, and builds in no time.
"""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import HASH_BITS, Found, Words, check_radius, room_for
from tutela.index.kernels.layout import BLOCK, BLOCK_WORDS, GROUP
from tutela.index.plan import read_only
from tutela.primitives.kernels import compiled

_fill_planes = compiled("tutela.index.kernels.prefix:fill_planes")
_sift = compiled("tutela.index.kernels.prefix:sift")
_ROOM = 1 << 12


class PrefixIndex:
    """All rows within a radius, exactly as `linear` finds them; made for up to some 16,000."""

    def __init__(self, words: Words) -> None:
        """Turn `words` uint64[N, 4] into planes; costs 64 bytes a row."""
        self.words = read_only(words)
        planes = np.zeros(-(-len(words) // BLOCK) * HASH_BITS * BLOCK_WORDS, np.uint64)
        _fill_planes(self.words, planes)
        self._planes = read_only(planes)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays."""
        return self.words.nbytes + self._planes.nbytes

    def rows_within(
        self, queries: Words, radius_bits: int, *, alive: NDArray[np.uint8] | None = None
    ) -> Found:
        """Every pair of query and row at most `radius_bits` apart, in no promised order.

        `alive`: bits of the rows that count (`np.packbits(…, bitorder="little")`).
        """
        check_radius(radius_bits)
        queries = read_only(queries)
        bits = read_only(np.empty(0, np.uint8) if alive is None else alive)
        room = _ROOM
        while True:
            out = room_for(room)
            found = _sift(
                self.words, self._planes, queries, _groups(radius_bits), radius_bits, bits, *out
            )
            if found <= room:
                return out[0][:found], out[1][:found], out[2][:found]
            room = found


def _groups(radius_bits: int) -> int:
    """How many planes / 32 are added up: so many that few unrelated rows remain."""
    for groups in range(3, HASH_BITS // GROUP):
        bits = groups * GROUP
        if bits / 2 - 3.3 * sqrt(bits) / 2 >= radius_bits:
            return groups
    return HASH_BITS // GROUP
