"""Kernels of the sweep: one table for many queries in the order of their keys, and looking."""

import numpy as np

from tutela.index.kernels.layout import (
    CUTS,
    MOST_QUERIES,
    NEAR_BYTES,
    NEVER,
    PADDING,
    SIGNATURE_BITS,
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
    ask_buckets,
    ask_offsets,
    asks,
    first_table,
    is_alive,
    name_survivors,
    scan,
    settle,
    take,
)
from tutela.primitives.compiling import kernel

_DIGIT = 8
_KEY_PLACE = SIGNATURE_BITS + (MOST_QUERIES - 1).bit_length()
"""Where the key begins in a number that holds key, query and signature."""


@kernel(
    "void(Array(uint64, 2, 'C', readonly=True), int64[::1], uint64[:, ::1], int64[::1], "
    "uint32[::1], uint16[::1])"
)
def put_in_order(  # noqa: PLR0917
    columns: Words, cut: Numbers, packed: Words, order: Numbers, keys: Keys, marks: Signatures
) -> None:
    """The queries' numbers, keys and following signatures, sorted by the keys of one table.

    `columns` and `cut` as `ring.extract` takes them; `packed` uint64[2, N] is room for the work.
    """
    take(columns, cut[0], cut[1], packed[0])
    take(columns, cut[2], SIGNATURE_BITS, packed[1])
    for query in range(len(order)):
        low = np.uint64(query) << np.uint64(SIGNATURE_BITS) | packed[1, query]
        packed[0, query] = packed[0, query] << np.uint64(_KEY_PLACE) | low
    counts = np.empty(1 << _DIGIT, np.int64)
    side = 0
    for digit in range(_KEY_PLACE, _KEY_PLACE + cut[1], _DIGIT):
        counts[:] = 0
        for query in range(len(order)):
            counts[np.int64(packed[side, query] >> np.uint64(digit)) & (len(counts) - 1)] += 1
        place = np.int64(0)
        for value in range(len(counts)):
            counts[value], place = place, place + counts[value]
        for query in range(len(order)):
            held = packed[side, query]
            bucket = np.int64(held >> np.uint64(digit)) & (len(counts) - 1)
            packed[side ^ 1, counts[bucket]] = held
            counts[bucket] += 1
        side ^= 1
    for query in range(len(order)):
        held = packed[side, query]
        keys[query] = np.uint32(held >> np.uint64(_KEY_PLACE))
        order[query] = np.int64(held >> np.uint64(SIGNATURE_BITS)) & (MOST_QUERIES - 1)
        marks[query] = np.uint16(held & np.uint64((1 << SIGNATURE_BITS) - 1))


@kernel(
    "void(int64[::1], uint64[:, ::1], int64[::1], uint32[::1], uint16[::1], int64, int64, int64, "
    "int64, int64, int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], "
    "uint16[::1])"
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
    state: Numbers,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> None:
    """Pairs that one table reports for all queries, taken in the order of their keys.

    `index`, `alive`, `crowd` as `ring.probe` takes them; `order`, `keys`, `marks`: the
    queries' numbers, keys and following signatures by key. Stops when the out arrays (longer
    than `WAITING`) may not hold what comes next; called again with the same `waiting` int64[4,
    WAITING] and `state` it goes on. Done when all positions are and nothing is held. `base`:
    see `ring.settle`.
    `loads` counts rows in buckets; a query with more than `crowd` is given up from this table
    on, which is then written to `given_up`. `crowd` `NEVER`: no query can have too many.
    """
    offsets, size, cuts, flips, tables = index[1], index[4], index[5], index[6], index[8]
    shelf, rows = index[2] + 2 * table * (size + PADDING), index[3] + 4 * table * size
    cut, limits = cuts + 8 * CUTS * table, flips + 8 * index[7]
    first, many = peek(cut, 6), peek(cut, 7)
    queries, last = address_of(asked), len(order) - 1
    places = address_of(waiting) + 8 * 2 * WAITING
    position, number, place, held, found = state[0], state[1], state[2], state[3], state[4]
    ahead = 2 * size + 4 * (peek(cut, 2) + 1) > NEAR_BYTES
    counted = crowd < NEVER
    load, coming = -1, -1
    while position <= last:
        key = int(np.int64(keys[position]))
        least = key if base >= 0 else 0
        if load < 0 and (ahead or counted):
            load = ask_buckets(offsets, shelf, size, cut, key, flips, least, ahead)
        if place < 0:
            # Memory brings the buckets of the next key while those of this one are scanned.
            coming = load
            following = int(np.int64(keys[min(position + 1, last)]))
            if ahead and position + 2 <= last and keys[position + 2] != following:
                ask_offsets(offsets, cut, int(np.int64(keys[position + 2])), flips)
            if following != key and (ahead or counted):
                coming = ask_buckets(
                    offsets, shelf, size, cut, following, flips,
                    following if base >= 0 else 0, ahead,
                )  # fmt: skip
        query = order[position]
        if place < 0:
            if counted and given_up[query] == tables:
                loads[query] += load
                if loads[query] > crowd:
                    given_up[query] = table
            if given_up[query] < tables:
                position += 1
                load = coming
                continue
            number = first
        before = held
        held, number, place = scan(
            offsets, shelf, size, cut, key, int(np.int64(marks[position])), flips, limits, least,
            number, place, places, held,
        )  # fmt: skip
        name_survivors(waiting, before, held, query, table, rows)
        if number < many:
            if found + held > len(out_query):
                break
            found = settle(
                index, queries, radius, alive, base, waiting, held, found, out_query, out_row,
                out_distance,
            )  # fmt: skip
            held = 0
        else:
            place = -1
            position += 1
            load = coming
    if position > last and found + held <= len(out_query):
        found = settle(
            index, queries, radius, alive, base, waiting, held, found, out_query, out_row,
            out_distance,
        )  # fmt: skip
        held = 0
    state[0], state[1], state[2], state[3], state[4] = position, number, place, held, found


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
