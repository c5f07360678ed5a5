"""Kernels of the ring index: extracting chunks, probing, comparing in full.

Nothing read from an index file is trusted to stay inside its arrays.
"""

from typing import Any

import numpy as np

from tutela.index.kernels.layout import (
    CUTS,
    LINE,
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
from tutela.index.kernels.mixing import chunk, mixed
from tutela.index.kernels.operations import (
    LANES,
    address_of,
    both,
    fetch,
    lowest,
    near,
    ones,
    peek,
    peek_byte,
    peek_short,
    poke,
)
from tutela.primitives.compiling import kernel

WORDS_TYPE = "Array(uint64, 2, 'C', readonly=True)"


@kernel(f"void({WORDS_TYPE}, int64, int64, uint64[:, ::1])")
def mix(words: Words, first: int, last: int, columns: Words) -> None:
    """Rows first to last in their mixed order, one column a word: `columns` is uint64[4, N]."""
    for row in range(first, last):
        a, b, c, d = mixed(words[row, 0], words[row, 1], words[row, 2], words[row, 3])
        columns[0, row], columns[1, row], columns[2, row], columns[3, row] = a, b, c, d


@kernel()
def take(columns: Words, first: int, width: int, out: Any) -> None:  # noqa: ANN401
    """Bits first to first + width of every row."""
    low, shift = columns[first >> 6], np.uint64(first & 63)
    mask = np.uint64((1 << width) - 1)
    if (first & 63) + width <= 64:  # noqa: PLR2004 - a word
        for row in range(len(out)):
            out[row] = (low[row] >> shift) & mask
    else:
        high, rest = columns[(first >> 6) + 1], np.uint64(64) - shift
        for row in range(len(out)):
            out[row] = ((low[row] >> shift) | (high[row] << rest)) & mask


@kernel("void(Array(uint64, 2, 'C', readonly=True), int64[::1], uint32[::1], uint16[::1])")
def extract(columns: Words, cut: Numbers, keys: Keys, marks: Signatures) -> None:
    """Key and signature of every row for one table, from what `mix` has made.

    `cut`: first bit and width of the key, first bit of the next chunk.
    """
    take(columns, cut[0], cut[1], keys)
    take(columns, cut[2], SIGNATURE_BITS, marks)


@kernel()
def _chunks_of(query: int, cuts: int, tables: int, chunks: int) -> None:
    """Every chunk of the query at this address, and the first again."""
    a, b, c, d = mixed(
        np.uint64(peek(query, 0)),
        np.uint64(peek(query, 1)),
        np.uint64(peek(query, 2)),
        np.uint64(peek(query, 3)),
    )
    for table in range(tables + 1):
        first, width = peek(cuts, table * CUTS), peek(cuts, table * CUTS + 1)
        poke(chunks, table, np.int64(chunk(a, b, c, d, first, width)))


@kernel()
def first_table(a: Any, b: Any, c: Any, d: Any, table: int, cuts: int) -> int:  # noqa: ANN401, PLR0917
    """The first table up to this one whose two tests the pair passes; a to d: what differs."""
    a, b, c, d = mixed(a, b, c, d)
    value = np.uint64(chunk(a, b, c, d, peek(cuts, 0), peek(cuts, 1)))
    for number in range(table):
        cut = number * CUTS
        following = chunk(a, b, c, d, peek(cuts, cut + CUTS), peek(cuts, cut + CUTS + 1))
        own = ones(value & np.uint64(peek(cuts, cut + 2)))
        mark = ones(np.uint64(following) & np.uint64(0xFFFF))
        if own <= peek(cuts, cut + 3) and own + mark <= peek(cuts, cut + 4):
            return number
        value = np.uint64(following)
    return table


@kernel()
def _key(a: Any, b: Any, c: Any, d: Any, table: int, cuts: int) -> int:  # noqa: ANN401, PLR0917
    """The key of this row in one table."""
    a, b, c, d = mixed(a, b, c, d)
    cut = table * CUTS
    value = np.int64(chunk(a, b, c, d, peek(cuts, cut), peek(cuts, cut + 1)))
    return int(value & peek(cuts, cut + 2))


@kernel()
def asks(  # noqa: PLR0917
    a: Any, b: Any, c: Any, d: Any, table: int, cuts: int, words: int, query: int, row: int,  # noqa: ANN401
) -> bool:  # fmt: skip
    """Whether it is row `query` that reports its pair with `row` when rows ask for each other.

    It is the one with the lesser key, or the lower of rows with the same; a to d: what differs.
    """
    apart = _key(a, b, c, d, table, cuts)
    if apart == 0:
        return query < row
    mine = words + query * 32
    own = _key(
        np.uint64(peek(mine, 0)),
        np.uint64(peek(mine, 1)),
        np.uint64(peek(mine, 2)),
        np.uint64(peek(mine, 3)),
        table,
        cuts,
    )
    return own < own ^ apart


@kernel()
def is_alive(alive: Bits, row: int) -> bool:
    """Whether the row counts; without bits every row does."""
    return len(alive) == 0 or bool((alive[row >> 3] >> np.uint8(row & 7)) & np.uint8(1))


@kernel()
def settle(  # noqa: PLR0917
    index: Numbers,
    queries: int,
    radius: int,
    alive: int,
    base: int,
    waiting: Numbers,
    many: int,
    found: int,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Compare the waiting survivors in full; answers how many pairs are found by now.

    `waiting` int64[4, WAITING]: query, table, place in the table, and room for the row.
    `base` not below 0: the queries are our rows from there on, each pair is reported once, the
    lower row first.
    """
    words, rows, size, cuts = index[0], index[3], index[4], index[5]
    for number in range(many):
        row = peek_short(rows, waiting[1, number] * size + waiting[2, number])
        row = row if row < size else 0
        waiting[3, number] = row
        fetch(words, row * 32)
        fetch(queries, waiting[0, number] * 32)
    for number in range(many):
        row = waiting[3, number]
        mine, theirs = words + row * 32, queries + waiting[0, number] * 32
        a = np.uint64(peek(mine, 0) ^ peek(theirs, 0))
        b = np.uint64(peek(mine, 1) ^ peek(theirs, 1))
        c = np.uint64(peek(mine, 2) ^ peek(theirs, 2))
        d = np.uint64(peek(mine, 3) ^ peek(theirs, 3))
        apart = ones(a) + ones(b) + ones(c) + ones(d)
        if apart > radius:
            continue
        if alive != 0 and not (peek_byte(alive, row >> 3) >> (row & 7)) & 1:
            continue
        table = waiting[1, number]
        if first_table(a, b, c, d, table, cuts) != table:
            continue
        query = waiting[0, number]
        if base >= 0:
            query += base
            if not asks(a, b, c, d, table, cuts, words, query, row):
                continue
            query, row = min(query, row), max(query, row)
        if found < len(out_query):
            out_query[found] = query
            out_row[found] = row
            out_distance[found] = np.uint16(apart)
        found += 1
    return found


@kernel()
def ask_offsets(offsets: int, cut: int, key: int, flips: int) -> None:
    """Ask memory for the offsets of every bucket that one key probes; `cut`: see `plan.Plan`."""
    base = offsets + 4 * peek(cut, 5)
    for number in range(peek(cut, 6), peek(cut, 7)):
        fetch(base, (key ^ peek(flips, number)) * 4)


@kernel()
def ask_buckets(  # noqa: PLR0917
    offsets: int, shelf: int, size: int, cut: int, key: int, flips: int, least: int,
    ahead: bool,  # noqa: FBT001
) -> int:  # fmt: skip
    """How many rows the buckets of one key hold; with `ahead` memory is asked for them.

    `shelf`: where the signatures of the table begin. Keys below `least` are not probed.
    """
    base = offsets + 4 * peek(cut, 5)
    load = np.int64(0)
    for number in range(peek(cut, 6), peek(cut, 7)):
        probed = key ^ peek(flips, number)
        if probed < least:
            continue
        begins, ends = bucket(base, probed, size)
        load += ends - begins
        if ahead:
            fetch(shelf, begins * 2)
            fetch(shelf, ends * 2)
            for line in range(begins + LINE, ends - LINE, LINE):
                fetch(shelf, line * 2)
    return int(load)


@kernel()
def bucket(base: int, key: int, size: int) -> tuple[int, int]:
    """Where a bucket begins and ends, never outside the table."""
    pair = both(base, key)
    begins = min(int(np.int64(pair & np.uint64(0xFFFFFFFF))), size)
    return begins, min(int(np.int64(pair >> np.uint64(32))), size)


@kernel()
def scan(  # noqa: PLR0917
    offsets: int, shelf: int, size: int, cut: int, key: int, value: int, flips: int, limits: int,
    least: int, resume: int, begin: int, waiting: int, held: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Collect places in a table whose signature is near enough, from probe `resume` on.

    `value`: the query's signature. Answers how many wait, and the probe and place where it
    stopped: before the last probe's end when there may be no room for the next vector's
    survivors. That place is `begin` of the next call; -1 begins where the bucket does.
    """
    base, many, number = offsets + 4 * peek(cut, 5), peek(cut, 7), resume
    while number < many:
        probed = key ^ peek(flips, number)
        if probed >= least:
            place, end = bucket(base, probed, size)
            place = begin if begin >= 0 else place
            limit = peek(limits, number)
            while place < end:
                lanes = near(shelf, place, np.uint16(value), limit)
                if lanes != 0:
                    inside = np.uint32(min(end - place, LANES))
                    lanes &= (np.uint32(1) << inside) - np.uint32(1)
                    if held > WAITING - LANES:
                        return held, number, place
                    while lanes != 0:
                        poke(waiting, held, place + lowest(lanes))
                        held += 1
                        lanes &= lanes - np.uint32(1)
                place += LANES
        begin = -1
        number += 1
    return held, many, -1


@kernel()
def name_survivors(  # noqa: PLR0917
    waiting: Numbers, before: int, held: int, query: int, table: int, rows: int
) -> None:
    """Write down whose survivors these are, and ask memory for the numbers of their rows."""
    for survivor in range(before, held):
        waiting[0, survivor] = query
        waiting[1, survivor] = table
        fetch(rows, waiting[2, survivor] * 4)


@kernel(
    "int64(int64[::1], uint64[:, ::1], int64, int64, int64, uint8[::1], int64[::1], int64[::1], "
    "uint16[::1])"
)
def probe(  # noqa: C901, PLR0917 - calls between kernels are not all inlined
    index: Numbers,
    asked: Words,
    radius: int,
    crowd: int,
    alive: int,
    crowded: Bits,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Every pair of a query and a row within the radius; answers how many.

    `index` int64[9]: addresses of words, offsets, marks and rows; how many rows; addresses of
    `plan.Plan`'s cuts and flips; how many flips and tables. `alive` is an address too (0: all
    rows count). Addresses, because numba is slow to take arrays that must not be written to,
    and counts holders of arrays that are passed on.
    A query with more than `crowd` rows in its buckets is marked in `crowded`, whose last place
    says whether there is any, and given up; pairs already found for it are for the caller to
    drop. Pairs beyond the room in the out arrays are only counted. There is a query at least.
    """
    queries = address_of(asked)
    offsets, marks, rows, size = index[1], index[2], index[3], index[4]
    cuts, flips, many_flips, tables = index[5], index[6], index[7], index[8]
    limits = flips + 8 * many_flips
    chunks_held = np.empty(2 * (tables + 1), np.int64)
    waiting = np.empty((4, WAITING), np.int64)
    coming = chunks = address_of(chunks_held)
    places = address_of(waiting) + 8 * 2 * WAITING
    held = 0
    found = 0
    _chunks_of(queries, cuts, tables, coming)
    for table in range(tables):
        cut = cuts + 8 * CUTS * table
        ask_offsets(offsets, cut, peek(coming, table) & peek(cut, 2), flips)
    for query in range(len(asked)):
        own = coming
        coming = chunks + 8 * (tables + 1) * ((query + 1) & 1)
        if query + 1 < len(asked):
            _chunks_of(queries + 32 * (query + 1), cuts, tables, coming)
        load = 0
        for step in range(tables + 1):
            # Memory brings the buckets of one table while those of the one before are scanned.
            if step < tables:
                cut = cuts + 8 * CUTS * step
                key = peek(own, step) & peek(cut, 2)
                shelf = marks + 2 * step * (size + PADDING)
                load += ask_buckets(offsets, shelf, size, cut, key, flips, 0, True)  # noqa: FBT003
                if load > crowd:
                    crowded[query] = crowded[len(crowded) - 1] = np.uint8(1)
                    break
                if query + 1 < len(asked):
                    ask_offsets(offsets, cut, peek(coming, step) & peek(cut, 2), flips)
            if step == 0:
                continue
            table = step - 1
            cut = cuts + 8 * CUTS * table
            key = peek(own, table) & peek(cut, 2)
            shelf = marks + 2 * table * (size + PADDING)
            number, place, many = peek(cut, 6), -1, peek(cut, 7)
            while number < many:
                before = held
                held, number, place = scan(
                    offsets, shelf, size, cut, key, peek(own, step), flips, limits, 0, number,
                    place, places, held,
                )  # fmt: skip
                name_survivors(waiting, before, held, query, table, rows + 4 * table * size)
                if number < many:
                    found = settle(
                        index, queries, radius, alive, -1, waiting, held, found, out_query,
                        out_row, out_distance,
                    )  # fmt: skip
                    held = 0
    return settle(
        index, queries, radius, alive, -1, waiting, held, found, out_query, out_row, out_distance
    )
