"""Linear search: looks at every row. The oracle that every faster index must equal."""

import numpy as np

from tutela.index.bits import (
    Found,
    Hashes,
    Numbers,
    Words,
    check_radius,
    hamming,
    hits_of,
    pack,
    pack_one,
)
from tutela.index.model import RADIUS_BITS, Hit
from tutela.primitives.errors import BadInput

BLOCK_ROWS = 1 << 18
"""Rows looked at together, so that one search needs a few megabytes whatever N is."""


class LinearIndex:
    """All rows within a radius, by looking at each; N rows cost N x 32 bytes and N x 8 for ids."""

    def __init__(self, hashes: Hashes, ids: Numbers) -> None:
        """Take `hashes` uint8[N, 32] and their `ids` int64[N]."""
        self.words = pack(hashes)
        self.ids = check_ids(ids, len(self.words))

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, query: bytes, radius_bits: int = RADIUS_BITS) -> list[Hit]:
        """Every entry within `radius_bits` of the 32-byte `query`, by (distance, entry)."""
        return self._search(pack_one(query), radius_bits)[0]

    def search_many(self, queries: Hashes, radius_bits: int = RADIUS_BITS) -> list[list[Hit]]:
        """The same for each row of `queries` uint8[Q, 32], in their order."""
        return self._search(pack(queries), radius_bits)

    def _search(self, queries: Words, radius_bits: int) -> list[list[Hit]]:
        query, row, distance = rows_within(self.words, queries, radius_bits)
        return hits_of(len(queries), [(query, self.ids[row], distance)])


def rows_within(words: Words, queries: Words, radius_bits: int) -> Found:
    """Every pair of query and row at most `radius_bits` apart, by looking at each row."""
    check_radius(radius_bits)
    found: list[Found] = []
    for number in range(len(queries)):
        query = queries[number : number + 1]
        for first in range(0, len(words), BLOCK_ROWS):
            distance = hamming(words[first : first + BLOCK_ROWS], query)
            row = np.flatnonzero(distance <= radius_bits)
            if row.size:
                found.append((np.full(row.size, number), row + first, distance[row]))
    return together(found)


def together(found: list[Found]) -> Found:
    """Several finds as one."""
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint16)
    query, row, distance = zip(*found, strict=True)
    return np.concatenate(query), np.concatenate(row), np.concatenate(distance)


def check_ids(ids: Numbers, rows: int) -> Numbers:
    """The ids as int64[N]; raises `BadInput` when there is not exactly one for each row."""
    if ids.shape != (rows,) or not np.issubdtype(ids.dtype, np.integer):
        raise BadInput(
            "These ids do not fit the rows",
            why=f"expected {rows} whole numbers, got {ids.dtype} in the shape {ids.shape}",
        )
    return np.ascontiguousarray(ids, dtype=np.int64)
