"""Ring index: exact search by sixteen tables of 16-bit chunks, and a look at the neighbour.

Why it misses nothing. Cut 256 bits into 16 chunks in a ring and give each chunk i a
threshold tᵢ so that Σ(tᵢ + 1) = radius + 1. If a row is within the radius, its chunk
distances dᵢ satisfy Σ(dᵢ - (tᵢ + 1)) ≤ -1, so (cycle lemma) some start i has every prefix
sum around the ring negative. The first two prefix sums give two tests for that i:

    1. dᵢ ≤ tᵢ                      → the row stands in a bucket that table i probes
    2. dᵢ + dᵢ₊₁ ≤ tᵢ + tᵢ₊₁ + 1    → a 16-bit signature (the next chunk) is near enough

Only rows that pass both are compared in full; a row found by several tables counts once.
Source: multi-index hashing (Norouzi, Punjani, Fleet 2014) and the pigeonring principle
(Qin, Xiao 2018).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tutela.index import linear
from tutela.index.bits import (
    CHUNKS,
    Chunks,
    Found,
    Hashes,
    Numbers,
    Words,
    check_radius,
    chunks_of,
    hamming,
    hits_of,
    pack,
    pack_one,
)
from tutela.index.model import RADIUS_BITS, Hit
from tutela.primitives.errors import BadInput

CHUNK_BITS = 16
KEYS = 1 << CHUNK_BITS
MAX_RING_RADIUS = 47
"""Up to here two flipped bits a chunk are enough; above, probing costs more than looking."""
QUERY_BLOCK = 128
CANDIDATE_BLOCK = 1 << 18
"""Candidates looked at together: small enough for the processor's cache, large for numpy."""
LINEAR_SHARE = 8
"""A query whose buckets hold more than 1/8 of all rows is cheaper to answer by looking."""
MAX_ROWS = 1 << 32


class RingIndex:
    """All rows within a radius, exactly as `LinearIndex` finds them, by 16 bucket tables.

    Never changes once built. Costs 136 bytes a row (32 hash, 8 id, 16 x 6 tables) and
    4.2 MB besides.
    """

    def __init__(self, hashes: Hashes, ids: Numbers) -> None:
        """Build from `hashes` uint8[N, 32] and their `ids` int64[N]; N below 2³²."""
        self.words = pack(hashes)
        self.ids = linear.check_ids(ids, len(self.words))
        rows = len(self.words)
        if rows >= MAX_ROWS:
            raise BadInput("One segment cannot hold so many rows", why=f"{rows} of {MAX_ROWS - 1}")
        # Compressed sparse rows: bucket k of table t is rows[t, offsets[t, k]:offsets[t, k+1]].
        self._offsets = np.zeros((CHUNKS, KEYS + 1), np.uint32)
        self._rows = np.empty((CHUNKS, rows), np.uint32)
        self._next = np.empty((CHUNKS, rows), np.uint16)
        columns = np.ascontiguousarray(chunks_of(self.words).T)
        for table in range(CHUNKS):
            keys = columns[table]
            np.cumsum(np.bincount(keys, minlength=KEYS), out=self._offsets[table, 1:])
            # numpy's stable sort of 16-bit keys is a counting (radix) sort.
            self._rows[table] = np.argsort(keys, kind="stable")
            self._next[table] = columns[(table + 1) % CHUNKS][self._rows[table]]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def bytes_per_hash(self) -> float:
        """Memory held, divided by the number of rows."""
        held = (self.words, self.ids, self._offsets, self._rows, self._next)
        return sum(array.nbytes for array in held) / max(1, len(self))

    def search(self, query: bytes, radius_bits: int = RADIUS_BITS) -> list[Hit]:
        """Every entry within `radius_bits` of the 32-byte `query`, by (distance, entry)."""
        return self._search(pack_one(query), radius_bits)[0]

    def search_many(self, queries: Hashes, radius_bits: int = RADIUS_BITS) -> list[list[Hit]]:
        """The same for each row of `queries` uint8[Q, 32], in their order."""
        return self._search(pack(queries), radius_bits)

    def _search(self, queries: Words, radius_bits: int) -> list[list[Hit]]:
        query, row, distance = self.rows_within(queries, radius_bits)
        return hits_of(len(queries), [(query, self.ids[row], distance)])

    def rows_within(self, queries: Words, radius_bits: int) -> Found:
        """Every pair of query and row at most `radius_bits` apart; radius above 47 is linear."""
        check_radius(radius_bits)
        if radius_bits > MAX_RING_RADIUS:
            return linear.rows_within(self.words, queries, radius_bits)
        found: list[Found] = []
        for first in range(0, len(queries), QUERY_BLOCK):
            block = queries[first : first + QUERY_BLOCK]
            for query, row, distance in self._block(block, radius_bits):
                found.append((query + first, row, distance))
        return linear.together(found)

    def _block(self, queries: Words, radius_bits: int) -> list[Found]:
        """The pairs of one block of queries: choose the way for each query, then go it."""
        plan = _plan(radius_bits)
        chunks = chunks_of(queries)
        keys = (chunks[:, plan.table] ^ plan.mask).astype(np.int64)
        start = self._offsets[plan.table, keys].astype(np.int64)
        count = self._offsets[plan.table, keys + 1].astype(np.int64) - start
        load = count.sum(axis=1)
        crowded = load > len(self) // LINEAR_SHARE
        found: list[Found] = []
        for query in np.flatnonzero(crowded):
            _, row, distance = linear.rows_within(
                self.words, queries[query : query + 1], radius_bits
            )
            found.append((np.full(row.size, query), row, distance))
        calm = np.flatnonzero(~crowded)
        # Whole queries are grouped until a block of candidates is full.
        group = np.cumsum(load[calm]) // CANDIDATE_BLOCK
        for number in np.unique(group):
            chosen = calm[group == number]
            probes = _Probes(
                query=np.repeat(chosen, len(plan.table)),
                start=(start[chosen] + plan.table * len(self)).ravel(),
                count=count[chosen].ravel(),
                next_chunk=chunks[np.ix_(chosen, plan.next_table)].ravel(),
                allowance=np.tile(plan.allowance, chosen.size),
            )
            found.append(self._candidates(probes, queries, radius_bits))
        return found

    def _candidates(self, probes: "_Probes", queries: Words, radius_bits: int) -> Found:
        """Look into the probed buckets: signature first, whole hash for the few that remain."""
        full = np.flatnonzero(probes.count)
        count = probes.count[full]
        end = np.cumsum(count)
        total = int(end[-1]) if end.size else 0
        place = np.arange(total) + np.repeat(probes.start[full] - (end - count), count)
        apart = np.bitwise_count(
            self._next.reshape(-1)[place] ^ np.repeat(probes.next_chunk[full], count)
        )
        near = np.flatnonzero(apart <= np.repeat(probes.allowance[full], count))
        query = probes.query[full[np.searchsorted(end, near, side="right")]]
        row = self._rows.reshape(-1)[place[near]].astype(np.int64)
        # One pair may pass in several tables: count it once.
        pair = np.unique(query * np.int64(len(self)) + row)
        query, row = np.divmod(pair, max(1, len(self)))
        distance = hamming(self.words[row], queries[query])
        within = distance <= radius_bits
        return query[within], row[within], distance[within]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Probes:
    """Buckets to look into, one element each: whose query, where, and what the next chunk is."""

    query: Numbers
    start: Numbers
    count: Numbers
    next_chunk: Chunks
    allowance: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What one query probes at one radius: per probe a table, the bits to flip, what is left."""

    table: Numbers
    next_table: Numbers
    mask: Chunks
    allowance: NDArray[np.uint8]


def thresholds(radius_bits: int) -> tuple[int, ...]:
    """The sixteen tᵢ with Σ(tᵢ + 1) = radius + 1, as even as can be; -1 means "do not probe"."""
    each, rest = divmod(radius_bits + 1, CHUNKS)
    return tuple(each if table < rest else each - 1 for table in range(CHUNKS))


@lru_cache(maxsize=MAX_RING_RADIUS + 1)
def _plan(radius_bits: int) -> _Plan:
    """The probes of one radius; at 31 bits 16 tables x 17 keys."""
    limits = thresholds(radius_bits)
    probes = [
        (table, sum(1 << bit for bit in flipped), limit + limits[(table + 1) % CHUNKS] + 1 - flips)
        for table, limit in enumerate(limits)
        for flips in range(limit + 1)
        for flipped in combinations(range(CHUNK_BITS), flips)
    ]
    # A probe whose allowance is negative cannot pass the second test.
    table, mask, allowance = zip(*(p for p in probes if p[2] >= 0), strict=True)
    tables = np.array(table, np.int64)
    return _Plan(
        table=tables,
        next_table=(tables + 1) % CHUNKS,
        mask=np.array(mask, np.uint16),
        allowance=np.array(allowance, np.uint8),
    )
