"""Sweeping: many queries at once, one table after the other, in the order of their keys.

A query alone reads some hundred buckets all over the memory. Sorted by their keys, queries
read the buckets of a table from one end to the other, and those with the same key share them.
When the queries are the rows themselves, rows that differ in their keys are compared from one
side only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutela.index.bits import Found, Numbers, Words, room_for
from tutela.index.columns import columns_of
from tutela.index.kernels.layout import (
    FOUND,
    HELD,
    MOST_QUERIES,
    PLACE,
    POSITION,
    STATE,
    WAITING,
    address,
)
from tutela.index.plan import Plan, read_only
from tutela.primitives.kernels import compiled

PAIRS = 1 << 17
"""Pairs in a block of results at most; more than the survivors that wait together."""
_NONE = 0
_put_in_order = compiled("tutela.index.kernels.sweep:put_in_order")
_sweep = compiled("tutela.index.kernels.sweep:sweep")
_look = compiled("tutela.index.kernels.sweep:look")
ALL_ALIVE = read_only(np.empty(0, np.uint8))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """One search of an index: `index` and `crowd` as `kernels.ring.probe` takes them.

    `words` are the rows. `crowd` None: each row is looked at for each query.
    """

    words: Words
    index: Numbers
    crowd: int | None
    plan: Plan
    radius_bits: int
    alive: NDArray[np.uint8] | None = None

    def pairs(self, queries: Words, *, themselves: bool = False) -> Iterator[Found]:
        """Every pair of query and row within the radius, `PAIRS` at a time at most.

        `themselves`: the queries are the rows, and pairs come once, with the lower row first.
        """
        for first in range(0, len(queries), MOST_QUERIES):
            # A copy, because the kernel is quick to take only what may be written to.
            asked = queries[first : first + MOST_QUERIES].copy()
            out = _Out(0 if themselves else first)
            base = first if themselves else -1
            given_up = np.full(len(asked), self.plan.layout.tables, np.int64)
            if self.crowd is None:
                given_up[:] = 0
            else:
                loads, columns = np.zeros(len(asked), np.int64), columns_of(asked)
                for table in range(self.plan.layout.tables):
                    yield from self._table(table, asked, columns, base, loads, given_up, out)
            for number in np.flatnonzero(given_up < self.plan.layout.tables).tolist():
                yield from self._look(number, asked, base, int(given_up[number]), out)
            if out.held:
                yield out.taken()

    def _table(  # noqa: PLR0917
        self,
        table: int,
        asked: Words,
        columns: Words,
        base: int,
        loads: Numbers,
        given_up: Numbers,
        out: "_Out",
    ) -> Iterator[Found]:
        """What one table reports; blocks that are full."""
        order, keys, marks = self._sorted(table, columns)
        waiting = np.empty((4, WAITING), np.int64)
        state = np.zeros(STATE, np.int64)
        state[PLACE] = -1
        alive = _NONE if self.alive is None else address(self.alive)
        assert self.crowd is not None  # noqa: S101 - nothing is swept without
        while True:
            state[FOUND] = out.held
            _sweep(
                self.index, asked, order, keys, marks, table, self.radius_bits, self.crowd, alive,
                base, loads, given_up, waiting, state, *out.arrays,
            )  # fmt: skip
            out.held = int(state[FOUND])
            if state[POSITION] == len(order) and not state[HELD]:
                return
            yield out.taken()

    def _sorted(
        self, table: int, columns: Words
    ) -> tuple[Numbers, NDArray[np.uint32], NDArray[np.uint16]]:
        """The queries' numbers, keys and following signatures, by key."""
        queries = columns.shape[1]
        order, packed = np.empty(queries, np.int64), np.empty((2, queries), np.uint64)
        keys, marks = np.empty(queries, np.uint32), np.empty(queries, np.uint16)
        cuts = self.plan.cuts
        cut = np.array([cuts[table, 0], self.plan.layout.keys[table], cuts[table + 1, 0]])
        _put_in_order(columns, cut, packed, order, keys, marks)
        return order, keys, marks

    def _look(
        self, number: int, asked: Words, base: int, given_up: int, out: "_Out"
    ) -> Iterator[Found]:
        """What the tables from `given_up` on would report for one query; blocks that are full."""
        alive = ALL_ALIVE if self.alive is None else read_only(self.alive)
        cuts = _NONE if self.crowd is None else address(self.plan.cuts)
        state, row = np.zeros(1, np.int64), 0
        while True:
            state[0] = out.held
            row = _look(
                self.words, read_only(asked), number, row, self.radius_bits, alive, base, cuts,
                self.plan.layout.tables, given_up, state, *out.arrays,
            )  # fmt: skip
            out.held = int(state[0])
            if row == len(self.words):
                return
            yield out.taken()


class _Out:
    """Room for a block of pairs, given away when it is full."""

    def __init__(self, first: int) -> None:
        """`first` is the number of the first query of those that are swept."""
        self._first = first
        self.arrays = room_for(PAIRS)
        self.held = 0

    def taken(self) -> Found:
        """The pairs so far; there is new room after this."""
        query, row, distance = self.arrays
        held, self.held = self.held, 0
        return query[:held] + self._first, row[:held].copy(), distance[:held].copy()
