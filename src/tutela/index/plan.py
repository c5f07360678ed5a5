"""Plan of a ring search: how 256 bits are cut into tables, and what one radius probes.

A layout cuts the (mixed) bits into chunks, one table each. At a radius each table gets a
threshold tᵢ with Σ(tᵢ + 1) = radius + 1; any such choice misses nothing (see `ring`), so they
are chosen to look at few rows.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import HASH_BITS

_T = TypeVar("_T", bound=np.generic)
SIGNATURE_BITS = 16
PROBE_COST = 40
"""What finding one bucket costs, in rows looked at inside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Widths in bits of the chunks around the ring; they add up to 256."""

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if sum(self.widths) != HASH_BITS or min(self.widths) < SIGNATURE_BITS:
            raise ValueError("a layout cuts 256 bits into chunks of 16 or more")

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
        sizes = [(1 << width) + 1 for width in self.widths]
        return tuple(sum(sizes[:table]) for table in range(self.tables + 1))


USUAL = Layout(widths=(16,) * 16)
VERY_LARGE = Layout(widths=(21,) * 6 + (19,) * 4 + (18,) * 3)
LAYOUTS = (USUAL, VERY_LARGE)
VERY_LARGE_ROWS = 40_000_000
"""From here on fewer and finer tables are quicker and smaller."""


def layout_for(rows: int) -> Layout:
    """The layout for this many rows."""
    return VERY_LARGE if rows >= VERY_LARGE_ROWS else USUAL


@dataclass(frozen=True)
class Plan:
    """What every query probes at one radius, in the form the kernels take."""

    layout: Layout
    thresholds: tuple[int, ...]

    @cached_property
    def cuts(self) -> NDArray[np.int64]:
        """int64[T + 1, 5]: first bit, width, both thresholds, place of offsets; first line again.

        The second threshold holds for the chunk and its neighbour's signature together.
        """
        lines = [
            (first, width, limit, limit + after + 1, place)
            for first, width, limit, after, place in zip(
                self.layout.firsts,
                self.layout.widths,
                self.thresholds,
                (*self.thresholds[1:], self.thresholds[0]),
                self.layout.offset_places[:-1],
                strict=True,
            )
        ]
        return read_only(np.array([*lines, lines[0]], np.int64))

    @cached_property
    def probes(self) -> NDArray[np.int64]:
        """int64[4, P]: table, bits to flip, what is left for the signature, table of that."""
        limits, tables = self.thresholds, self.layout.tables
        probes = [
            (table, sum(1 << bit for bit in flipped), left, (table + 1) % tables)
            for table, limit in enumerate(limits)
            for flips in range(limit + 1)
            for flipped in combinations(range(self.layout.widths[table]), flips)
            # A probe with nothing left for the signature cannot pass the second test.
            if (left := limit + limits[(table + 1) % tables] + 1 - flips) >= 0
        ]
        return read_only(np.ascontiguousarray(np.array(probes, np.int64).reshape(-1, 4).T))


def thresholds(layout: Layout, radius_bits: int, rows: int) -> tuple[int, ...]:
    """The tᵢ with Σ(tᵢ + 1) = radius + 1 that look at fewest rows; -1 means "do not probe".

    Every step takes the cheapest next flip; costs of one table only rise, so that is the best.
    """
    limits = [-1] * layout.tables
    for _ in range(radius_bits + 1):
        costs = [
            comb(width, limit + 1) * (PROBE_COST + rows / (1 << width))
            for width, limit in zip(layout.widths, limits, strict=True)
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
