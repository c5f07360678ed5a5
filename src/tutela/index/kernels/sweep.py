"""Kernels of the sweep: one table for many queries in the order of their keys, and looking."""

import numpy as np

from tutela.index.kernels.layout import (
    CUTS,
    GROUP_END,
    LOADS,
    PADDING,
    TURN,
    WAITING,
    Bits,
    Distances,
    Keys,
    Numbers,
    Signatures,
    Words,
)
from tutela.index.kernels.operations import address_of, ones, peek
from tutela.index.kernels.ring import (
    WORDS_TYPE,
    asks,
    find_buckets,
    first_table,
    is_alive,
    scan,
    settle,
)
from tutela.primitives.compiling import kernel


@kernel()
def _group_end(keys: Keys, begin: int) -> int:
    """Where the next key begins."""
    end = begin + 1
    while end < len(keys) and keys[end] == keys[begin]:
        end += 1
    return end


@kernel(
    "void(int64[::1], uint64[:, ::1], int64[::1], uint32[::1], uint16[::1], int64, int64, int64, "
    "int64, int64, int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], uint16[::1])"
)
def sweep(  # noqa: C901, PLR0912, PLR0917 - calls between kernels are not all inlined
    index: Numbers,
    asked: Words,
    order: Numbers,
    keys: Keys,
    marks: Signatures,
    table: int,
    radius: int,
    crowd: int,
    alive: int,
    base: int,
    loads: Numbers,
    given_up: Numbers,
    waiting: Numbers,
    held_buckets: Numbers,
    state: Numbers,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> None:
    """Pairs that one table reports for all queries, taken in the order of their keys.

    `index`, `alive`, `crowd` as `ring.probe` takes them; `order`, `keys`, `marks`: the
    queries' numbers, keys and following signatures by key. Stops when the out arrays (longer
    than `WAITING`) may not hold what comes next; called again with the same `waiting` int64[4,
    WAITING], `held_buckets` int64[2, 2P] and `state` it goes on. Done when all positions are
    and nothing is held. `base`: see `ring.settle`.
    `loads` counts rows in buckets; a query with more than `crowd` is given up from this table
    on, which is then written to `given_up`.
    """
    offsets, shelf, size, cuts, flips = index[1], index[2], index[4], index[5], index[6]
    many_flips, tables = index[7], index[8]
    queries = address_of(asked)
    begin = peek(cuts, table * CUTS + 6)
    many = peek(cuts, table * CUTS + 7) - begin
    limits = flips + 8 * (many_flips + begin)
    buckets, half = address_of(held_buckets), 16 * many_flips
    places = address_of(waiting) + 8 * 2 * WAITING
    every = base < 0
    position, number, place, held, found = state[0], state[1], state[2], state[3], state[4]
    group_end, turn = state[GROUP_END], state[TURN]
    if group_end == 0 and len(order):
        state[LOADS] = find_buckets(
            offsets, shelf, size, table, cuts, int(np.int64(keys[0])), flips, buckets, every
        )
        turn = 1
    while position < len(order):
        if position == group_end:
            # Memory brings the buckets of the next key while those of this one are scanned.
            turn ^= 1
            group_end = _group_end(keys, position)
            if group_end < len(order):
                state[LOADS + (turn ^ 1)] = find_buckets(
                    offsets, shelf, size, table, cuts, int(np.int64(keys[group_end])), flips,
                    buckets + half * (turn ^ 1), every,
                )  # fmt: skip
        query = order[position]
        if number == 0 and place < 0:
            if given_up[query] == tables:
                loads[query] += state[LOADS + turn]
                if loads[query] > crowd:
                    given_up[query] = table
            if given_up[query] < tables:
                position += 1
                continue
        before = held
        held, number, place = scan(
            shelf, buckets + half * turn, limits, number, place, many,
            int(np.int64(marks[position])), places, held,
        )  # fmt: skip
        for survivor in range(before, held):
            waiting[0, survivor] = query
            waiting[1, survivor] = table
            waiting[2, survivor] -= table * PADDING
        if number < many:
            if found + held > len(out_query):
                break
            found = settle(
                index, queries, radius, alive, base, waiting, held, found, out_query, out_row,
                out_distance,
            )  # fmt: skip
            held = 0
        else:
            number, place = 0, -1
            position += 1
    if position == len(order) and found + held <= len(out_query):
        found = settle(
            index, queries, radius, alive, base, waiting, held, found, out_query, out_row,
            out_distance,
        )  # fmt: skip
        held = 0
    state[0], state[1], state[2], state[3], state[4] = position, number, place, held, found
    state[GROUP_END], state[TURN] = group_end, turn


@kernel(
    f"int64({WORDS_TYPE}, {WORDS_TYPE}, int64, int64, int64, Array(uint8, 1, 'C', readonly=True), "
    "int64, int64, int64, int64, int64[::1], int64[::1], int64[::1], uint16[::1])"
)
def look(  # noqa: PLR0917
    words: Words,
    queries: Words,
    number: int,
    begin: int,
    radius: int,
    alive: Bits,
    base: int,
    cuts: int,
    tables: int,
    given_up: int,
    state: Numbers,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Rows from `begin` on within the radius of one query, by looking at each.

    Answers where it stopped, because the out arrays were full, or the number of rows;
    `state[0]` counts what the arrays hold. With `cuts` (an address, see `plan.Plan.cuts`; or 0)
    only pairs that no table before `given_up` reports. `base`: see `ring.settle`.
    """
    found = state[0]
    p, q, r, s = queries[number, 0], queries[number, 1], queries[number, 2], queries[number, 3]
    query = number if base < 0 else base + number
    for row in range(begin, len(words)):
        a, b, c, d = words[row, 0] ^ p, words[row, 1] ^ q, words[row, 2] ^ r, words[row, 3] ^ s
        apart = ones(a) + ones(b) + ones(c) + ones(d)
        if apart > radius or not is_alive(alive, row):
            continue
        low, high = query, row
        if cuts != 0:
            table = first_table(a, b, c, d, tables - 1, cuts)
            if table < given_up:
                continue
            if base >= 0:
                if not asks(a, b, c, d, table, cuts, address_of(words), query, row):
                    continue
                low, high = min(query, row), max(query, row)
        elif base >= 0 and row <= query:
            continue
        if found == len(out_query):
            state[0] = found
            return row
        out_query[found], out_row[found], out_distance[found] = low, high, np.uint16(apart)
        found += 1
    state[0] = found
    return len(words)
