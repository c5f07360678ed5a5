"""Kernels of the ring index: extracting chunks, counting sort, probing, comparing in full.

Vectors are written out as LLVM operations on 32 lanes of 16 bits, which every processor
can do and those with wide registers do at once. Positions are those of flat arrays; nothing
read from an index file is trusted to stay inside them.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from tutela.primitives.kernels import kernel

LANES = 32
PADDING = 64
"""Signatures after the last row of a table, so that a vector may be read at its very end."""
AHEAD = 16
"""How many probes ahead a bucket is asked from memory."""
WAITING = 1024
"""Survivors that wait together for their rows to come from memory."""
LINE = 32
"""Signatures in one line of the processor's cache."""

Keys = NDArray[np.uint32]
Signatures = NDArray[np.uint16]
Rows = NDArray[np.uint32]
Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]
Bits = NDArray[np.uint8]
Distances = NDArray[np.uint16]


@intrinsic
def fetch(typingctx: Any, array: Any, place: Any) -> Any:  # noqa: ANN401, ARG001 - numba's types
    """Ask memory for the line that holds `array[place]`; the address need not be valid."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        held = context.make_array(signature.args[0])(context, builder, args[0])
        address = builder.gep(held.data, [args[1]])
        line = builder.bitcast(address, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        asked = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [line.type, word, word, word]),
            "llvm.prefetch.p0i8",
        )
        builder.call(asked, [line, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), code


@intrinsic
def near(typingctx: Any, array: Any, place: Any, value: Any, limit: Any) -> Any:  # noqa: ANN401, ARG001
    """Which of `array[place : place + 32]` differ from `value` in at most `limit` bits.

    Answers a number whose bit b stands for lane b.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        held = context.make_array(signature.args[0])(context, builder, args[0])
        lane = ir.IntType(16)
        lanes = ir.VectorType(lane, LANES)
        address = builder.bitcast(builder.gep(held.data, [args[1]]), lanes.as_pointer())
        apart = builder.xor(builder.load(address, align=2), _spread(builder, args[2], lanes))
        count = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(lanes, [lanes]), f"llvm.ctpop.v{LANES}i16"
        )
        close = builder.icmp_unsigned(
            "<=", builder.call(count, [apart]), _spread(builder, args[3], lanes)
        )
        return builder.bitcast(close, ir.IntType(LANES))

    return types.uint32(array, types.int64, types.uint16, types.uint16), code


def _spread(builder: Any, value: Any, lanes: Any) -> Any:  # noqa: ANN401
    """The value in every lane."""
    first = builder.insert_element(ir.Constant(lanes, ir.Undefined), value, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None)
    return builder.shuffle_vector(first, ir.Constant(lanes, ir.Undefined), order)


@intrinsic
def lowest(typingctx: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """The number of the lowest bit that is set; `value` is not 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        place = builder.cttz(args[0], ir.IntType(1)(1))
        return place if place.type.width == 64 else builder.zext(place, ir.IntType(64))  # noqa: PLR2004

    return types.int64(value), code


@intrinsic
def ones(typingctx: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """How many bits are set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.ctpop(args[0])

    return types.int64(types.uint64), code


def _constants(count: int) -> tuple[int, ...]:
    """Fixed random 64-bit numbers (splitmix64 from 0): part of the format of index files."""
    numbers, state, full = [], 0, (1 << 64) - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & full
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & full
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & full
        numbers.append(mixed ^ (mixed >> 31))
    return tuple(numbers)


_EXCHANGED = np.array(_constants(12), np.uint64).reshape(3, 4)
_HALVES = (0x00000000FFFFFFFF, 0x00FF00FF00FF00FF, 0x3333333333333333)
_SWAPPED = np.array(
    [half & number for half, number in zip(_HALVES, _constants(15)[12:], strict=True)], np.uint64
)


@kernel()
def _turn(word: Any, by: int) -> Any:  # noqa: ANN401
    return (word << np.uint64(by)) | (word >> np.uint64(64 - by))


@kernel()
def _swap(word: Any, step: int, mask: Any) -> Any:  # noqa: ANN401
    moved = ((word >> np.uint64(step)) ^ word) & mask
    return word ^ moved ^ (moved << np.uint64(step))


@kernel()
def _round(a: Any, b: Any, c: Any, d: Any, number: int, turns: Any, step: int) -> Any:  # noqa: ANN401, PLR0917
    moved = (a ^ b) & _EXCHANGED[number, 0]
    a, b = _turn(a ^ moved, turns[0]), _turn(b ^ moved, turns[1])
    moved = (c ^ d) & _EXCHANGED[number, 1]
    c, d = _turn(c ^ moved, turns[2]), _turn(d ^ moved, turns[3])
    moved = (a ^ c) & _EXCHANGED[number, 2]
    a, c = a ^ moved, c ^ moved
    moved = (b ^ d) & _EXCHANGED[number, 3]
    b, d = b ^ moved, d ^ moved
    mask = _SWAPPED[number]
    return _swap(a, step, mask), _swap(b, step, mask), _swap(c, step, mask), _swap(d, step, mask)


@kernel()
def mixed(a: Any, b: Any, c: Any, d: Any) -> Any:  # noqa: ANN401
    """The 256 bits in another, fixed, random order, so that neighbours part.

    Bits of a picture's hash that stand side by side go together more often than chance; a
    bucket's key should not be made of them. Distances stay what they are.
    """
    a, b, c, d = _round(a, b, c, d, 0, (7, 19, 37, 53), 32)
    a, b, c, d = _round(a, b, c, d, 1, (11, 29, 41, 5), 8)
    return _round(a, b, c, d, 2, (3, 23, 31, 47), 2)


@kernel()
def _chunk(a: Any, b: Any, c: Any, d: Any, first: int, width: int) -> Any:  # noqa: ANN401, PLR0917
    """Bits first to first + width of the mixed row."""
    place, shift = first >> 6, np.uint64(first & 63)
    low = a if place == 0 else b if place == 1 else c if place == 2 else d  # noqa: PLR2004
    high = b if place == 0 else c if place == 1 else d  # what lies beyond d is never asked
    value = low >> shift
    if (first & 63) + width > 64:  # noqa: PLR2004 - a word ends
        value |= high << (np.uint64(64) - shift)
    return np.uint32(value & np.uint64((1 << width) - 1))


_WORDS = "Array(uint64, 2, 'C', readonly=True)"
_KEYS = "Array(uint32, 1, 'C', readonly=True)"
_MARKS = "Array(uint16, 1, 'C', readonly=True)"
_PLACES = "Array(int64, 1, 'C', readonly=True)"
_BITS = "Array(uint8, 1, 'C', readonly=True)"


@kernel(f"void({_WORDS}, int64[::1], uint32[::1], uint16[::1])")
def extract(words: Words, cut: Numbers, keys: Keys, marks: Signatures) -> None:
    """Key and signature of every row for one table; `cut`: first bit, width of both chunks."""
    for row in range(len(words)):
        a, b, c, d = mixed(words[row, 0], words[row, 1], words[row, 2], words[row, 3])
        keys[row] = _chunk(a, b, c, d, cut[0], cut[1])
        marks[row] = np.uint16(_chunk(a, b, c, d, cut[2], cut[3]))


@kernel("void(uint32[::1], uint16[::1], uint32[::1], uint16[::1], uint32[::1])")
def sort_rows(
    keys: Keys, marks: Signatures, offsets: Keys, sorted_marks: Signatures, rows: Rows
) -> None:
    """Counting sort of one table: `offsets` uint32[keys + 1] is filled, rows stand by key."""
    offsets[:] = 0
    last = len(offsets) - 1
    for row in range(len(keys)):
        key = np.int64(keys[row]) + 2
        if key <= last:
            offsets[key] += np.uint32(1)
    for key in range(1, last):
        offsets[key + 1] += offsets[key]
    # offsets[key + 1] is where the next row of `key` goes; at the end it is where key + 1 begins.
    for row in range(len(keys)):
        key = np.int64(keys[row]) + 1
        place = np.int64(offsets[key])
        offsets[key] += np.uint32(1)
        rows[place] = np.uint32(row)
        sorted_marks[place] = marks[row]


@kernel()
def _keys_of(words: Words, query: int, cuts: Numbers, keys: Keys) -> None:
    """The key of every table for one query."""
    a, b, c, d = mixed(words[query, 0], words[query, 1], words[query, 2], words[query, 3])
    for table in range(len(keys)):
        keys[table] = _chunk(a, b, c, d, cuts[table, 0], cuts[table, 1])


@kernel()
def _earlier(a: Any, b: Any, c: Any, d: Any, table: int, cuts: Numbers) -> bool:  # noqa: ANN401, PLR0917
    """Whether a table before this one reports the pair too; a to d: what differs in it."""
    a, b, c, d = mixed(a, b, c, d)
    own = ones(np.uint64(_chunk(a, b, c, d, cuts[0, 0], cuts[0, 1])))
    for before in range(table):
        after = _chunk(a, b, c, d, cuts[before + 1, 0], cuts[before + 1, 1])
        mark = ones(np.uint64(after & np.uint32(0xFFFF)))
        if own <= cuts[before, 2] and own + mark <= cuts[before, 3]:
            return True
        own = ones(np.uint64(after))
    return False


@kernel()
def is_alive(alive: Bits, row: int) -> bool:
    """Whether the row counts; without bits every row does."""
    return len(alive) == 0 or bool((alive[row >> 3] >> np.uint8(row & 7)) & np.uint8(1))


@kernel()
def _settle(  # noqa: PLR0917
    words: Words,
    rows: Rows,
    queries: Words,
    cuts: Numbers,
    radius: int,
    alive: Bits,
    waiting: Numbers,
    many: int,
    found: int,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Compare the waiting survivors in full; answers how many pairs are found by now.

    `waiting` int64[4, WAITING]: query, table, place in `rows`, and room for the row.
    """
    for number in range(many):
        fetch(rows, waiting[2, number])
    for number in range(many):
        row = np.int64(rows[waiting[2, number]])
        if row >= len(words):
            row = 0
        waiting[3, number] = row
        fetch(words, row * 4)
    for number in range(many):
        row = waiting[3, number]
        query = waiting[0, number]
        a = words[row, 0] ^ queries[query, 0]
        b = words[row, 1] ^ queries[query, 1]
        c = words[row, 2] ^ queries[query, 2]
        d = words[row, 3] ^ queries[query, 3]
        apart = ones(a) + ones(b) + ones(c) + ones(d)
        if apart > radius or _earlier(a, b, c, d, waiting[1, number], cuts):
            continue
        if not is_alive(alive, row):
            continue
        if found < len(out_query):
            out_query[found] = query
            out_row[found] = row
            out_distance[found] = np.uint16(apart)
        found += 1
    return found


@kernel(
    f"int64({_WORDS}, {_KEYS}, {_MARKS}, {_KEYS}, {_WORDS}, int64, int64, "
    "Array(int64, 2, 'C', readonly=True), Array(int64, 2, 'C', readonly=True), "
    f"int64, int64, {_BITS}, uint8[::1], int64[::1], int64[::1], uint16[::1])"
)
def probe(  # noqa: PLR0917, PLR0912, C901 - one pipeline over plain arrays
    words: Words,
    offsets: Keys,
    marks: Signatures,
    rows: Rows,
    queries: Words,
    first: int,
    last: int,
    cuts: Numbers,
    probes: Numbers,
    radius: int,
    crowd: int,
    alive: Bits,
    crowded: Bits,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Every pair of queries first to last and a row within the radius; answers how many.

    `cuts` int64[T + 1, 5]: first bit and width of each table's key, its two thresholds, where
    its offsets begin; the last line repeats the first. `probes` int64[4, P]: table, bits to
    flip, what is left for the signature, table of the signature's chunk. A query with more
    than `crowd` rows in its buckets is marked in `crowded` and skipped. Pairs beyond the room
    in the out arrays are only counted.
    """
    tables = len(cuts) - 1
    size = len(words)
    stride = size + PADDING
    many = probes.shape[1]
    keys, coming = np.empty(tables, np.uint32), np.empty(tables, np.uint32)
    start, end = np.empty(many, np.int64), np.empty(many, np.int64)
    waiting = np.empty((4, WAITING), np.int64)
    held = 0
    found = 0
    _keys_of(queries, first, cuts, coming)
    for number in range(many):
        table = probes[0, number]
        fetch(offsets, cuts[table, 4] + np.int64(coming[table] ^ np.uint32(probes[1, number])))
    for query in range(first, last):
        keys, coming = coming, keys
        load = 0
        for number in range(many):
            table = probes[0, number]
            place = cuts[table, 4] + np.int64(keys[table] ^ np.uint32(probes[1, number]))
            begins = min(np.int64(offsets[place]), size)
            ends = min(np.int64(offsets[place + 1]), size)
            start[number] = table * stride + begins
            end[number] = table * stride + ends
            load += ends - begins
        if query + 1 < last:
            _keys_of(queries, query + 1, cuts, coming)
        if load > crowd:
            crowded[query] = np.uint8(1)
            continue
        for number in range(min(AHEAD, many)):
            for place in range(start[number], end[number], LINE):
                fetch(marks, place)
        for number in range(many):
            if number + AHEAD < many:
                for place in range(start[number + AHEAD], end[number + AHEAD], LINE):
                    fetch(marks, place)
            table = probes[0, number]
            if query + 1 < last:
                place = cuts[table, 4] + np.int64(coming[table] ^ np.uint32(probes[1, number]))
                fetch(offsets, place)
            value = np.uint16(keys[probes[3, number]])
            limit = np.uint16(probes[2, number])
            for place in range(start[number], end[number], LANES):
                lanes = near(marks, place, value, limit)
                if place + LANES > end[number]:
                    lanes &= (np.uint32(1) << np.uint32(end[number] - place)) - np.uint32(1)
                if lanes == 0:
                    continue
                if held > WAITING - LANES:
                    found = _settle(
                        words, rows, queries, cuts, radius, alive, waiting, held, found,
                        out_query, out_row, out_distance,
                    )  # fmt: skip
                    held = 0
                while lanes != 0:
                    waiting[0, held] = query
                    waiting[1, held] = table
                    waiting[2, held] = place + lowest(lanes) - table * PADDING
                    held += 1
                    lanes &= lanes - np.uint32(1)
    return _settle(
        words, rows, queries, cuts, radius, alive, waiting, held, found,
        out_query, out_row, out_distance,
    )  # fmt: skip


@kernel(f"int64({_WORDS}, {_WORDS}, int64, int64, {_BITS}, int64[::1], int64[::1], uint16[::1])")
def look(  # noqa: PLR0917
    words: Words,
    queries: Words,
    number: int,
    radius: int,
    alive: Bits,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Every row within the radius of one query, by looking at each; answers how many."""
    found = 0
    p, q, r, s = queries[number, 0], queries[number, 1], queries[number, 2], queries[number, 3]
    for row in range(len(words)):
        apart = (
            ones(words[row, 0] ^ p)
            + ones(words[row, 1] ^ q)
            + ones(words[row, 2] ^ r)
            + ones(words[row, 3] ^ s)
        )
        if apart <= radius and is_alive(alive, row):
            if found < len(out_query):
                out_query[found] = number
                out_row[found] = row
                out_distance[found] = np.uint16(apart)
            found += 1
    return found
