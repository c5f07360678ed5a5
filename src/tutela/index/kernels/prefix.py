"""Kernels of the prefix index: bits into planes, planes counted, rows compared in full."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from tutela.index.kernels.layout import (
    BLOCK,
    BLOCK_WORDS,
    COUNTER_BITS,
    GROUP,
    HASH_BITS,
    WORD,
    WORDS,
    Bits,
    Distances,
    Numbers,
    Words,
)
from tutela.index.kernels.mixing import mixed
from tutela.index.kernels.operations import lowest, ones, spread
from tutela.index.kernels.ring import is_alive
from tutela.primitives.compiling import kernel, machine


def _add(builder: Any, a: Any, b: Any, c: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Sum and carry of three planes."""
    half = builder.xor(a, b)
    # Where a and b agree they decide the carry, else c does: one ternary operation.
    carry = builder.or_(builder.and_(half, c), builder.and_(builder.not_(half), a))
    return builder.xor(half, c), carry


def _count_group(builder: Any, planes: list[Any], counters: list[Any]) -> None:  # noqa: ANN401
    """Add 32 planes to the counters (one vector a binary digit, lowest first)."""
    for digit, counter in enumerate(counters):
        value = builder.load(counter)
        carried = []
        while len(planes) > 1:
            value, carry = _add(builder, value, planes.pop(), planes.pop())
            carried.append(carry)
        if planes:
            last = planes.pop()
            if digit + 1 < len(counters):
                carried.append(builder.and_(value, last))
            value = builder.xor(value, last)
        builder.store(value, counter)
        planes = carried


def _at_most(builder: Any, counters: list[Any], radius: Any, lanes: Any) -> Any:  # noqa: ANN401
    """Which counters are at most the radius, compared digit by digit from the highest."""
    word = ir.IntType(WORD)
    less, same = ir.Constant(lanes, None), ir.Constant(lanes, [-1] * BLOCK_WORDS)
    for digit in range(len(counters) - 1, -1, -1):
        set_here = builder.and_(builder.lshr(radius, word(digit)), word(1))
        full = spread(builder, builder.sub(word(0), set_here), lanes)
        apart = builder.xor(builder.load(counters[digit]), full)
        less = builder.or_(less, builder.and_(same, builder.and_(apart, full)))
        same = builder.and_(same, builder.not_(apart))
    return builder.or_(less, same)


@machine
def _near_rows(  # noqa: PLR0917
    typingctx: Any,  # noqa: ANN401, ARG001 - numba's types
    planes: Any,  # noqa: ANN401
    place: Any,  # noqa: ANN401, ARG001
    turned: Any,  # noqa: ANN401
    groups: Any,  # noqa: ANN401, ARG001
    radius: Any,  # noqa: ANN401, ARG001
    out: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Set `out` uint64[8]: the rows of the block at `place` whose first bits are near enough.

    `turned` uint64[256]: all ones where the query's bit is set, else 0.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        word = ir.IntType(WORD)
        lanes = ir.VectorType(word, BLOCK_WORDS)
        held, flips, result = (
            context.make_array(signature.args[number])(context, builder, args[number]).data
            for number in (0, 2, 5)
        )
        counters = [
            cgutils.alloca_once_value(builder, ir.Constant(lanes, None))  # type: ignore[no-untyped-call] # not typed there
            for _ in range(COUNTER_BITS)
        ]
        with cgutils.for_range(builder, args[3]) as loop:
            first = builder.mul(loop.index, word(GROUP))
            group = []
            for number in range(GROUP):
                plane = builder.add(first, word(number))
                at = builder.add(args[1], builder.mul(plane, word(BLOCK_WORDS)))
                address = builder.bitcast(builder.gep(held, [at]), lanes.as_pointer())
                flip = spread(builder, builder.load(builder.gep(flips, [plane])), lanes)
                group.append(builder.xor(builder.load(address, align=8), flip))
            _count_group(builder, group, counters)
        near = _at_most(builder, counters, args[4], lanes)
        builder.store(near, builder.bitcast(result, lanes.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(planes, types.int64, turned, types.int64, types.int64, out), code


@kernel("void(Array(uint64, 2, 'C', readonly=True), uint64[::1])")
def fill_planes(words: Words, planes: Words) -> None:
    """Set the bits of every row in its block's planes (which are all 0 before)."""
    square = np.empty((WORDS, WORD), np.uint64)
    for first in range(0, len(words), WORD):
        square[:] = np.uint64(0)
        for row in range(first, min(first + WORD, len(words))):
            mix = mixed(words[row, 0], words[row, 1], words[row, 2], words[row, 3])
            for word in range(WORDS):
                square[word, row - first] = mix[word]
        base = (first // BLOCK) * HASH_BITS * BLOCK_WORDS + (first % BLOCK) // WORD
        for word in range(WORDS):
            _transpose(square[word])
            for bit in range(WORD):
                planes[base + (word * WORD + bit) * BLOCK_WORDS] = square[word, bit]


@kernel()
def _transpose(square: Words) -> None:
    """Row r's bit c becomes row c's bit r, in 64 words of 64 bits (by halves, six times)."""
    half = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while half:
        row = 0
        while row < WORD:
            moved = ((square[row] >> np.uint64(half)) ^ square[row + half]) & mask
            square[row] ^= moved << np.uint64(half)
            square[row + half] ^= moved
            row = (row + half + 1) & ~half
        half >>= 1
        mask ^= mask << np.uint64(half)


@kernel(
    "int64(Array(uint64, 2, 'C', readonly=True), Array(uint64, 1, 'C', readonly=True), "
    "Array(uint64, 2, 'C', readonly=True), int64, int64, Array(uint8, 1, 'C', readonly=True), "
    "int64[::1], int64[::1], uint16[::1])"
)
def sift(  # noqa: PLR0917
    words: Words,
    planes: Words,
    queries: Words,
    groups: int,
    radius: int,
    alive: Bits,
    out_query: Numbers,
    out_row: Numbers,
    out_distance: Distances,
) -> int:
    """Every pair within the radius; answers how many, also those the out arrays cannot hold."""
    found = 0
    turned, near = np.empty(HASH_BITS, np.uint64), np.empty(BLOCK_WORDS, np.uint64)
    for query in range(len(queries)):
        p, q, r, s = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        mix = mixed(p, q, r, s)
        for word in range(WORDS):
            for bit in range(WORD):
                turned[word * WORD + bit] = -((mix[word] >> np.uint64(bit)) & np.uint64(1))
        for block in range(0, len(words), BLOCK):
            place = (block // BLOCK) * HASH_BITS * BLOCK_WORDS
            _near_rows(planes, place, turned, groups, radius, near)
            for word in range(BLOCK_WORDS):
                left = near[word]
                while left:
                    row = block + word * WORD + lowest(left)
                    left &= left - np.uint64(1)
                    if row >= len(words):
                        break
                    apart = (
                        ones(words[row, 0] ^ p)
                        + ones(words[row, 1] ^ q)
                        + ones(words[row, 2] ^ r)
                        + ones(words[row, 3] ^ s)
                    )
                    if apart <= radius and is_alive(alive, row):
                        if found < len(out_query):
                            out_query[found] = query
                            out_row[found] = row
                            out_distance[found] = np.uint16(apart)
                        found += 1
    return found
