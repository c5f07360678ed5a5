"""Plan of a ring search: how 256 bits are cut into tables, and what one radius probes.

A layout cuts the (mixed) bits into chunks, one table each. At a radius each table gets a
threshold tᵢ with Σ(tᵢ + 1) = radius + 1; any such choice misses nothing (see `ring`), so they
are chosen to look at few rows.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb, inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import HASH_BITS
from tutela.index.kernels.layout import SIGNATURE_BITS

_T = TypeVar("_T", bound=np.generic)
PROBE_COST = 40
"""What finding one bucket costs, in rows looked at inside it."""
BUCKET_ROWS = 6
"""Rows a bucket has at least, on average, as long as the chunk has bits to spare for that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Chunks around the ring: their widths in bits, which add up to 256, and their keys' widths.

    A key is the lowest bits of its chunk: fewer than all make larger buckets and a smaller
    table of offsets; what holds for the chunk's distance holds for a part of it all the more.
    """

    widths: tuple[int, ...]
    keys: tuple[int, ...]

    def __post_init__(self) -> None:
        fits = all(key <= width for key, width in zip(self.keys, self.widths, strict=True))
        if sum(self.widths) != HASH_BITS or min(self.widths) < SIGNATURE_BITS or not fits:
            raise ValueError("a layout cuts 256 bits into chunks of 16 or more, keys inside them")

    @property
    def tables(self) -> int:
        """How many chunks, and therefore tables."""
        return len(self.widths)

    @property
    def firsts(self) -> tuple[int, ...]:
        """Where each chunk begins."""
        return tuple(sum(self.widths[:table]) for table in range(self.tables))

    @property
    def offset_places(self) -> tuple[int, ...]:
        """Where the offsets of each table begin, and the length of all."""
        sizes = [(1 << key) + 1 for key in self.keys]
        return tuple(sum(sizes[:table]) for table in range(self.tables + 1))


_LEAST_KEY, _CHUNK = 4, 16
SMALL = tuple(Layout(widths=(_CHUNK,) * 16, keys=(key,) * 16) for key in range(_LEAST_KEY, _CHUNK))
USUAL = Layout(widths=(_CHUNK,) * 16, keys=(_CHUNK,) * 16)
_FINE = (21,) * 6 + (19,) * 4 + (18,) * 3
VERY_LARGE = Layout(widths=_FINE, keys=_FINE)
LAYOUTS = (*SMALL, USUAL, VERY_LARGE)
VERY_LARGE_ROWS = 40_000_000
"""From here on fewer and finer tables are quicker and smaller."""


def layout_for(rows: int) -> Layout:
    """The layout for this many rows."""
    if rows >= VERY_LARGE_ROWS:
        return VERY_LARGE
    key = (rows // BUCKET_ROWS).bit_length() - 1
    return LAYOUTS[min(max(key, _LEAST_KEY), _CHUNK) - _LEAST_KEY]


@dataclass(frozen=True)
class Plan:
    """What every query probes at one radius, in the form the kernels take."""

    layout: Layout
    thresholds: tuple[int, ...]

    def __post_init__(self) -> None:
        # Counted once; a search must not wait for it.
        _ = self.cuts, self.flips

    @cached_property
    def _probes(self) -> list[list[tuple[int, int]]]:
        """For each table the bits to flip, and what that leaves for the signature."""
        after = (*self.thresholds[1:], self.thresholds[0])
        return [
            [
                (sum(1 << bit for bit in flipped), limit + following + 1 - flips)
                for flips in range(limit + 1)
                for flipped in combinations(range(key), flips)
                # With nothing left for the signature the second test cannot be passed.
                if limit + following + 1 >= flips
            ]
            for key, limit, following in zip(self.layout.keys, self.thresholds, after, strict=True)
        ]

    @cached_property
    def cuts(self) -> NDArray[np.int64]:
        """int64[T + 1, 8], one line a table and the first again.

        First bit and width of the chunk, mask of the key, threshold of the key, threshold of
        key and signature together, where its offsets begin, where its flips begin and end.
        """
        ends = np.cumsum([0, *map(len, self._probes)]).tolist()
        after = (*self.thresholds[1:], self.thresholds[0])
        lines = [
            (
                self.layout.firsts[table],
                self.layout.widths[table],
                (1 << self.layout.keys[table]) - 1,
                limit,
                limit + after[table] + 1,
                self.layout.offset_places[table],
                ends[table],
                ends[table + 1],
            )
            for table, limit in enumerate(self.thresholds)
        ]
        return read_only(np.array([*lines, lines[0]], np.int64))

    @cached_property
    def flips(self) -> NDArray[np.int64]:
        """int64[2, P]: bits to flip in the key, and what is left for the signature."""
        probes = [probe for table in self._probes for probe in table]
        return read_only(np.array(probes, np.int64).reshape(-1, 2).T)

    def expected(self, rows: int) -> int:
        """How many rows the buckets of one query hold if rows are spread evenly."""
        return sum(
            len(probes) * rows >> key
            for probes, key in zip(self._probes, self.layout.keys, strict=True)
        )


def thresholds(layout: Layout, radius_bits: int, rows: int) -> tuple[int, ...]:
    """The tᵢ with Σ(tᵢ + 1) = radius + 1 that look at fewest rows; -1 means "do not probe".

    Every step takes the cheapest next flip; costs of one table only rise, so that is the best.
    """
    limits = [-1] * layout.tables
    for _ in range(radius_bits + 1):
        costs = [
            comb(key, limit + 1) * (PROBE_COST + rows / (1 << key)) if limit < key else inf
            for key, limit in zip(layout.keys, limits, strict=True)
        ]
        limits[costs.index(min(costs))] += 1
    return tuple(limits)


@lru_cache(maxsize=256)
def plan(layout: Layout, radius_bits: int, magnitude: int) -> Plan:
    """The plan for about 2^magnitude rows."""
    return Plan(layout, thresholds(layout, radius_bits, 1 << magnitude))


def read_only(array: NDArray[_T]) -> NDArray[_T]:
    """The array as kernels take it: contiguous, and not to be written to."""
    array = np.ascontiguousarray(array)
    view = array.view()
    view.flags.writeable = False
    return view
