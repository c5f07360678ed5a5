"""Ring index: exact search by buckets of chunks, and a look at the chunk's neighbour.

Why it misses nothing. Cut 256 bits into chunks in a ring and give each chunk i a
threshold tᵢ so that Σ(tᵢ + 1) = radius + 1. If a row is within the radius, its chunk
distances dᵢ satisfy Σ(dᵢ - (tᵢ + 1)) ≤ -1, so (cycle lemma) some start i has every prefix
sum around the ring negative. The first two prefix sums give two tests for that i:

    1. dᵢ ≤ tᵢ                      → the row stands in a bucket that table i probes
    2. dᵢ + dᵢ₊₁ ≤ tᵢ + tᵢ₊₁ + 1    → a 16-bit signature (of the next chunk) is near enough

Only rows that pass both are compared in full; a row that passes in several tables is reported
by the first of them.
Source: multi-index hashing (Norouzi, Punjani, Fleet 2014) and the pigeonring principle
(Qin, Xiao 2018).
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import WORDS, Found, Numbers, Words, check_radius, room_for
from tutela.index.columns import THREADS, columns_of
from tutela.index.kernels.layout import NEVER, PADDING, address
from tutela.index.linear import together
from tutela.index.plan import LAYOUTS, VERY_LARGE_ROWS, Layout, Plan, layout_for, plan, read_only
from tutela.index.sweeping import Sweep
from tutela.primitives.errors import BadInput
from tutela.primitives.kernels import compiled

MAX_RING_RADIUS = 47
"""Up to here two flipped bits a chunk are enough; above, probing costs more than looking."""
MANY_QUERIES = 500
"""From here on queries are sorted and taken table by table."""
ROOM = 1 << 14
"""Pairs that few queries have room for at first."""
LINEAR_SHARE = 8
"""A query whose buckets hold more than 1/8 of all rows is cheaper to answer by looking."""
MAX_ROWS = 1 << 32
_MIXED_BLOCK = 1 << 18

_extract = compiled("tutela.index.kernels.ring:extract")
_probe = compiled("tutela.index.kernels.ring:probe")
_sort_rows = compiled("tutela.index.kernels.bucketing:sort_rows")


class RingIndex:
    """All rows within a radius, exactly as `linear` finds them, by bucket tables.

    Never changes once built; rows are 0 to N - 1. Costs 128 bytes a row (32 hash, 16 x 6
    tables) and 4.2 MB or 11 bytes a row besides, whichever is less; very large ones cost 110
    bytes a row and 61 MB.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        words: Words,
        offsets: NDArray[np.uint32],
        marks: NDArray[np.uint16],
        rows: NDArray[np.uint32],
    ) -> None:
        """Use `build` or `of`."""
        self.words = read_only(words)
        self._layout = layout
        self._offsets = read_only(offsets)
        self._marks = read_only(marks)
        self._rows = read_only(rows)
        self._ready: dict[int, tuple[NDArray[np.int64], int, Plan]] = {}

    @classmethod
    def build(cls, words: Words, *, layout: Layout | None = None) -> "RingIndex":
        """Sort `words` uint64[N, 4] into the tables of a layout; N below 2³²."""
        words = read_only(_checked(words))
        size = len(words)
        if size >= MAX_ROWS:
            raise BadInput("One segment cannot hold so many rows", why=f"{size} of {MAX_ROWS - 1}")
        layout = layout or layout_for(size)
        places = layout.offset_places
        offsets = np.empty(places[-1], np.uint32)
        # Not `zeros`: numpy asks for huge pages only for `empty`, and search needs them.
        marks = np.empty((layout.tables, size + PADDING), np.uint16)
        marks[:, size:] = 0
        rows = np.empty((layout.tables, size), np.uint32)

        cut_out = _cutter(words)
        free: list[tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.uint64]]] = []

        def sort(table: int) -> None:
            after = (table + 1) % layout.tables
            cut = np.array([layout.firsts[table], layout.keys[table], layout.firsts[after]])
            # Room is used again, because new memory is slow to come.
            keys, signatures, packed = free.pop() if free else _sorting_room(size)
            cut_out(cut, keys, signatures)
            _sort_rows(
                keys,
                signatures,
                packed,
                layout.keys[table],
                offsets[places[table] : places[table + 1]],
                marks[table],
                rows[table],
            )
            free.append((keys, signatures, packed))

        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(sort, range(layout.tables)))
        return cls(
            layout, words=words, offsets=offsets, marks=marks.reshape(-1), rows=rows.reshape(-1)
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file must keep: `words`, `offsets`, `marks`, `rows`, to be given to `of`."""
        return {
            "words": self.words,
            "offsets": self._offsets,
            "marks": self._marks,
            "rows": self._rows,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> "RingIndex":
        """The index that had these `arrays`; they may be mapped from a file, and read-only.

        Raises `BadInput` when types or shapes do not fit together. What stands in them is
        trusted to be right, but wrong numbers are never followed out of the arrays.
        """
        kinds = {"words": np.uint64, "offsets": np.uint32, "marks": np.uint16, "rows": np.uint32}
        if not all(
            name in arrays and arrays[name].dtype == kind and arrays[name].flags.c_contiguous
            for name, kind in kinds.items()
        ):
            raise BadInput("These are not the arrays of a ring index", why="a type is wrong")
        words, offsets, marks, rows = (arrays[name] for name in kinds)
        sizes = {layout.offset_places[-1]: layout for layout in LAYOUTS}
        layout = sizes.get(offsets.size)
        if (
            layout is None
            or words.shape != (len(words), WORDS)
            or marks.shape != (layout.tables * (len(words) + PADDING),)
            or rows.shape != (layout.tables * len(words),)
        ):
            raise BadInput("These are not the arrays of a ring index", why="a shape is wrong")
        return cls(layout, words=words, offsets=offsets, marks=marks, rows=rows)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def tables(self) -> int:
        """How many tables the layout has."""
        return self._layout.tables

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def rows_within(
        self, queries: Words, radius_bits: int, *, alive: NDArray[np.uint8] | None = None
    ) -> Found:
        """Every pair of query and row at most `radius_bits` apart, in no promised order.

        `alive`: bits of the rows that count (`np.packbits(…, bitorder="little")`); without it
        all do. Radius above 47, and queries whose buckets are crowded, are answered by looking
        at each row.
        """
        check_radius(radius_bits)
        asked = _checked(queries)
        bits = None if alive is None else np.ascontiguousarray(alive, np.uint8)
        if bits is not None and bits.size * 8 < len(self):
            raise BadInput("These bits do not fit the rows", why=f"{bits.size * 8} bits")
        if not len(self) or not len(asked):
            return together([])
        if radius_bits > MAX_RING_RADIUS or len(asked) >= MANY_QUERIES:
            return together(list(self._sweep(radius_bits, bits).pairs(asked)))
        # A copy, because the kernel is quick to take only what may be written to.
        asked = asked.copy()
        crowded = np.zeros(len(asked) + 1, np.uint8)
        found = self._probe(asked, radius_bits, bits, crowded)
        if not crowded[-1]:
            return found
        calm = crowded[found[0]] == 0
        numbers = np.flatnonzero(crowded[:-1])
        looked = together(list(self._sweep(radius_bits, bits, look=True).pairs(asked[numbers])))
        return together(
            [
                (found[0][calm], found[1][calm], found[2][calm]),
                (numbers[looked[0]], looked[1], looked[2]),
            ]
        )

    def join(self, other: Words, radius_bits: int) -> Iterator[Found]:
        """Every pair of a row of `other` (first) and one of ours at most `radius_bits` apart.

        Comes in blocks of `sweeping.PAIRS` at most, so that memory stays bounded however many
        pairs there are, also for one row of `other`.
        """
        check_radius(radius_bits)
        other = _checked(other)
        if len(self) and len(other):
            yield from self._sweep(radius_bits).pairs(other)

    def pairs_within(self, radius_bits: int) -> Iterator[Found]:
        """Every pair of our rows at most `radius_bits` apart, the lower row first, in blocks."""
        check_radius(radius_bits)
        if len(self):
            yield from self._sweep(radius_bits).pairs(self.words, themselves=True)

    def _most(self, chosen: Plan) -> int:
        """No query has more rows in its buckets than this, by the largest bucket of each table."""
        places = self._layout.offset_places
        return sum(
            int(np.diff(self._offsets[places[table] : places[table + 1]]).max())
            * int(probes[7] - probes[6])
            for table, probes in enumerate(chosen.cuts[:-1])
        )

    def _sweep(
        self, radius_bits: int, alive: NDArray[np.uint8] | None = None, *, look: bool = False
    ) -> Sweep:
        """The way for many queries; `look`, or a large radius: by looking at each row."""
        look = look or radius_bits > MAX_RING_RADIUS
        index, crowd, chosen = self._prepared(0 if look else radius_bits)
        return Sweep(
            words=self.words,
            index=index,
            crowd=None if look else crowd,
            plan=chosen,
            radius_bits=radius_bits,
            alive=alive,
        )

    def _probe(
        self,
        queries: Words,
        radius_bits: int,
        alive: NDArray[np.uint8] | None,
        crowded: NDArray[np.uint8],
    ) -> Found:
        index, crowd, _ = self._prepared(radius_bits)
        bits = 0 if alive is None else address(alive)
        room = min(ROOM, 16 * len(queries))
        while True:
            out = room_for(room)
            found = _probe(index, queries, radius_bits, crowd, bits, crowded, *out)
            if found <= room:
                return out[0][:found], out[1][:found], out[2][:found]
            room = found

    def _prepared(self, radius_bits: int) -> tuple[NDArray[np.int64], int, Plan]:
        """What the kernel takes for this radius, and how many rows in buckets are too many.

        The plan is held, too: its arrays must stay where they are.
        """
        ready = self._ready.get(radius_bits)
        if ready is not None:
            return ready
        chosen = plan(self._layout, radius_bits, len(self).bit_length())
        arrays = self.arrays().values()
        parts = [
            *(address(array) for array in arrays),
            len(self),
            address(chosen.cuts),
            address(chosen.flips),
            chosen.flips.shape[1],
            self._layout.tables,
        ]
        crowd = int(len(self) // LINEAR_SHARE + 2 * chosen.expected(len(self)))
        if self._most(chosen) <= crowd:
            crowd = NEVER
        self._ready[radius_bits] = np.array(parts, np.int64), crowd, chosen
        return self._ready[radius_bits]


def _checked(words: Words) -> Words:
    """The rows, contiguous; raises `BadInput` unless they are uint64[N, 4]."""
    if words.ndim != 2 or words.shape[1] != WORDS or words.dtype != np.uint64:  # noqa: PLR2004
        raise BadInput(
            "These are not rows of words",
            why=f"expected uint64 in the shape (N, {WORDS}), got {words.dtype} in the "
            f"shape {words.shape}",
        )
    return np.ascontiguousarray(words)


def _cutter(words: Words) -> Callable[[Numbers, NDArray[np.uint32], NDArray[np.uint16]], None]:
    """Fills in keys and signatures of all rows for one table's cut (see `kernels.ring.extract`).

    The rows are mixed once for all tables. Very many are mixed again for each, a block at a
    time: there is no room for them twice.
    """
    size = len(words)
    if size < VERY_LARGE_ROWS:
        columns = columns_of(words)

        def at_once(cut: Numbers, keys: NDArray[np.uint32], marks: NDArray[np.uint16]) -> None:
            _extract(columns, cut, keys, marks)

        return at_once

    def in_blocks(cut: Numbers, keys: NDArray[np.uint32], marks: NDArray[np.uint16]) -> None:
        for first in range(0, size, _MIXED_BLOCK):
            block = slice(first, first + _MIXED_BLOCK)
            _extract(columns_of(words[block]), cut, keys[block], marks[block])

    return in_blocks


def _sorting_room(
    rows: int,
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.uint64]]:
    return np.empty(rows, np.uint32), np.empty(rows, np.uint16), np.empty(rows, np.uint64)
