"""Searcher: the index the product uses. It takes and gives up entries while others search.

New entries go to a small brute-force part (the delta); when that is full it is frozen into a
ring segment, and segments merge geometrically, so N entries stand in about log N segments.
An entry taken out of a segment gets a tombstone. Readers search one immutable snapshot and
never wait; writers take turns and swap the snapshot when the new one is complete.
"""

import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tutela.index import linear
from tutela.index.bits import (
    HASH_BYTES,
    WORDS,
    Distances,
    Hashes,
    Numbers,
    Words,
    check_radius,
    hits_of,
    pack,
    pack_one,
)
from tutela.index.model import RADIUS_BITS, Hit, SetAside
from tutela.index.ring import RingIndex

DELTA_LIMIT = 16_384
"""Below about this many rows, looking at each is quicker than probing 16 tables."""
GROWTH = 2
"""A segment is merged with its neighbour unless the neighbour is this many times larger."""

_MIN_ID, _MAX_ID = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Segment:
    """Frozen rows in ring order of ids, and which of them still count."""

    ids: Numbers
    ring: RingIndex
    alive: NDArray[np.bool_]
    living: int

    def without(self, ids: Numbers) -> "_Segment":
        """The same segment with tombstones on `ids`; itself when it holds none of them."""
        place = np.searchsorted(self.ids, ids)
        inside = place < len(self.ring)
        place, ids = place[inside], ids[inside]
        place = place[(self.ids[place] == ids) & self.alive[place]]
        if not place.size:
            return self
        alive = self.alive.copy()
        alive[place] = False
        return _Segment(ids=self.ids, ring=self.ring, alive=alive, living=self.living - place.size)

    def rows(self) -> tuple[Numbers, Words]:
        """The living rows."""
        return self.ids[self.alive], self.ring.words[self.alive]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Snapshot:
    """Everything one search sees: frozen segments, largest first, and the delta.

    An id stands in at most one place alive, so the union of the parts is exact.
    """

    segments: tuple[_Segment, ...] = ()
    ids: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    words: Words = field(default_factory=lambda: np.empty((0, WORDS), np.uint64))

    def __len__(self) -> int:
        return len(self.ids) + sum(segment.living for segment in self.segments)

    def search(self, queries: Words, radius_bits: int) -> list[list[Hit]]:
        """Every living entry within the radius of each query, by (distance, entry)."""
        parts: list[tuple[Numbers, Numbers, Distances]] = []
        for segment in self.segments:
            query, row, distance = segment.ring.rows_within(queries, radius_bits)
            alive = segment.alive[row]
            parts.append((query[alive], segment.ids[row[alive]], distance[alive]))
        query, row, distance = linear.rows_within(self.words, queries, radius_bits)
        parts.append((query, self.ids[row], distance))
        return hits_of(len(queries), parts)

    def without(self, ids: Numbers) -> "_Snapshot":
        """The snapshot after `ids` are taken out; mostly dead segments are dropped or rebuilt."""
        segments = []
        for before in self.segments:
            after = before.without(ids)
            if after.living == 0:
                continue
            segments.append(_freeze(*after.rows()) if after.living * 2 < len(after.ring) else after)
        keep = ~np.isin(self.ids, ids)
        return _Snapshot(segments=tuple(segments), ids=self.ids[keep], words=self.words[keep])

    def frozen(self, *, delta_limit: int) -> "_Snapshot":
        """The snapshot with an over-full delta moved into a segment and segments merged."""
        if len(self.ids) <= delta_limit:
            return self
        ids, words = self.ids, self.words
        segments = sorted(self.segments, key=lambda segment: -segment.living)
        while segments and segments[-1].living < GROWTH * len(ids):
            more_ids, more_words = segments.pop().rows()
            ids, words = np.concatenate((ids, more_ids)), np.concatenate((words, more_words))
        return _Snapshot(segments=(*segments, _freeze(ids, words)))


class Searcher:
    """Exact search over a changing set of entries; safe for many readers and writers.

    Entries are whole numbers of the caller (64 bits) with one 32-byte hash each.
    """

    def __init__(self, *, delta_limit: int = DELTA_LIMIT) -> None:
        """Start empty; `delta_limit` rows are searched by looking at each."""
        self._delta_limit = delta_limit
        self._writing = threading.Lock()
        self._snapshot = _Snapshot()
        self._set_aside: dict[int | None, SetAside] = {}

    def __len__(self) -> int:
        return len(self._snapshot)

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Rows that were refused and have not come again in good order, the latest for each id."""
        return tuple(self._set_aside.values())

    @property
    def bytes_per_hash(self) -> float:
        """Memory held by the arrays, divided by the number of living entries."""
        snapshot = self._snapshot
        held = float(snapshot.ids.nbytes + snapshot.words.nbytes)
        for segment in snapshot.segments:
            held += segment.ids.nbytes + segment.ring.nbytes + segment.alive.nbytes
        return held / max(1, len(snapshot))

    def search(self, query: bytes, radius_bits: int = RADIUS_BITS) -> list[Hit]:
        """Every entry within `radius_bits` of the 32-byte `query`, by (distance, entry)."""
        check_radius(radius_bits)
        return self._snapshot.search(pack_one(query), radius_bits)[0]

    def search_many(self, queries: Hashes, radius_bits: int = RADIUS_BITS) -> list[list[Hit]]:
        """The same for each row of `queries` uint8[Q, 32], all against one snapshot."""
        check_radius(radius_bits)
        return self._snapshot.search(pack(queries), radius_bits)

    def add(self, entries: Iterable[tuple[int, bytes]]) -> list[SetAside]:
        """Take entries in; an id that is already here is replaced, the last of a batch counts.

        A row that is no (whole number, 32 bytes) is set aside and returned; the others go in,
        and what stood under its id before stays. All of a batch becomes visible at once, and
        nothing of it when the iterable itself fails half-way.
        """
        ids, rows, refused = _sort_out(entries)
        with self._writing:
            self._put(np.frombuffer(ids, np.int64), np.frombuffer(rows, np.uint8))
            self._note(settled=set(ids) if self._set_aside else set(), refused=refused)
        return refused

    def remove(self, ids: Iterable[int]) -> int:
        """Take entries out; unknown ids are ignored. Returns how many were here."""
        wanted = {number for number in ids if _MIN_ID <= number <= _MAX_ID}
        with self._writing:
            self._note(settled=wanted, refused=[])
            before = len(self._snapshot)
            self._snapshot = self._snapshot.without(np.array(sorted(wanted), np.int64))
            return before - len(self._snapshot)

    def _note(self, *, settled: set[int], refused: list[SetAside]) -> None:
        kept = {key: row for key, row in self._set_aside.items() if key not in settled}
        self._set_aside = kept | {row.entry: row for row in refused}

    def _put(self, ids: Numbers, rows: NDArray[np.uint8]) -> None:
        if not ids.size:
            return
        words = pack(rows.reshape(-1, HASH_BYTES))
        # The last row of an id counts: look at the batch backwards.
        ids, first = np.unique(ids[::-1], return_index=True)
        words = words[::-1][first]
        rest = self._snapshot.without(ids)
        self._snapshot = _Snapshot(
            segments=rest.segments,
            ids=np.concatenate((rest.ids, ids)),
            words=np.concatenate((rest.words, words)),
        ).frozen(delta_limit=self._delta_limit)


def _freeze(ids: Numbers, words: Words) -> _Segment:
    """A segment of these rows, sorted by id so that an id is found by bisection."""
    order = np.argsort(ids, kind="stable")
    ring = RingIndex.build(words[order])
    alive = np.ones(len(ids), np.bool_)
    return _Segment(ids=ids[order], ring=ring, alive=alive, living=len(ids))


def _sort_out(
    entries: Iterable[tuple[int, bytes]],
) -> tuple["array[int]", bytearray, list[SetAside]]:
    """Split a batch into flat ids and rows, and the rows that cannot be searched."""
    ids = array("q")
    rows = bytearray()
    refused: list[SetAside] = []
    for number, entry in enumerate(entries, start=1):
        why, known = _why_not(entry)
        if why:
            refused.append(SetAside(entry=known, why=f"row {number}: {why}"))
            continue
        ids.append(entry[0])
        rows += entry[1]
    return ids, rows, refused


def _why_not(entry: object) -> tuple[str, int | None]:
    """Why a row cannot be searched (empty: it can), and its id as far as it has one."""
    if not isinstance(entry, tuple | list) or len(entry) != 2:  # noqa: PLR2004 - a pair
        return "not a pair of id and hash", None
    number, row = entry
    if isinstance(number, bool) or not isinstance(number, int):
        return "the id is not a whole number", None
    if not _MIN_ID <= number <= _MAX_ID:
        return "the id does not fit 64 bits", None
    if not isinstance(row, bytes | bytearray | memoryview):
        return f"the hash is {type(row).__name__}, not bytes", number
    size = row.nbytes if isinstance(row, memoryview) else len(row)
    if size != HASH_BYTES:
        return f"the hash has {size} bytes, not {HASH_BYTES}", number
    return "", number
