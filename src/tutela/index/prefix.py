"""Prefix index: exact search in few rows, by counting the first bits of 512 rows at once.

Bits stand in planes: plane b of a block holds bit b of its 512 rows. One query turns the
planes whose bit it has set, and adders made of and, or, xor (carry-save, as in Harley and
Seal's population count) add the planes up for all rows together. Rows whose first 96 bits
(more for a large radius) are already farther than the radius are done with; the others are
compared in full. Needs no population count of the processor, and builds in no time.
"""

from math import sqrt
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from tutela.index.bits import HASH_BITS, WORDS, Found, Words, check_radius
from tutela.index.mixing import mixed
from tutela.index.operations import lowest, machine, ones, spread
from tutela.index.plan import read_only
from tutela.index.ring_kernels import Bits, Distances, Numbers, is_alive
from tutela.primitives.kernels import kernel

BLOCK = 512
"""Rows counted together."""
GROUP = 32
"""Planes added up together."""
_WORD = 64
_BLOCK_WORDS = BLOCK // _WORD
_COUNTER_BITS = 9
_ROOM = 1 << 12

Planes = NDArray[np.uint64]


class PrefixIndex:
    """All rows within a radius, exactly as `linear` finds them; made for up to some 16,000."""

    def __init__(self, words: Words) -> None:
        """Turn `words` uint64[N, 4] into planes; costs 64 bytes a row."""
        self.words = read_only(words)
        planes = np.zeros(-(-len(words) // BLOCK) * HASH_BITS * _BLOCK_WORDS, np.uint64)
        _fill_planes(self.words, planes)
        self._planes = read_only(planes)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def nbytes(self) -> int:
        """Memory held by the arrays."""
        return self.words.nbytes + self._planes.nbytes

    def rows_within(
        self, queries: Words, radius_bits: int, *, alive: NDArray[np.uint8] | None = None
    ) -> Found:
        """Every pair of query and row at most `radius_bits` apart, in no promised order.

        `alive`: bits of the rows that count (`np.packbits(…, bitorder="little")`).
        """
        check_radius(radius_bits)
        queries = read_only(queries)
        bits = read_only(np.empty(0, np.uint8) if alive is None else alive)
        room = _ROOM
        while True:
            out = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint16)
            found = _sift(
                self.words, self._planes, queries, _groups(radius_bits), radius_bits, bits, *out
            )
            if found <= room:
                return out[0][:found], out[1][:found], out[2][:found]
            room = found


def _groups(radius_bits: int) -> int:
    """How many planes / 32 are added up: so many that few unrelated rows remain."""
    for groups in range(3, HASH_BITS // GROUP):
        bits = groups * GROUP
        if bits / 2 - 3.3 * sqrt(bits) / 2 >= radius_bits:
            return groups
    return HASH_BITS // GROUP


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
    word = ir.IntType(_WORD)
    less, same = ir.Constant(lanes, None), ir.Constant(lanes, [-1] * _BLOCK_WORDS)
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
        word = ir.IntType(_WORD)
        lanes = ir.VectorType(word, _BLOCK_WORDS)
        held, flips, result = (
            context.make_array(signature.args[number])(context, builder, args[number]).data
            for number in (0, 2, 5)
        )
        counters = [
            cgutils.alloca_once_value(builder, ir.Constant(lanes, None))  # type: ignore[no-untyped-call] # not typed there
            for _ in range(_COUNTER_BITS)
        ]
        with cgutils.for_range(builder, args[3]) as loop:
            first = builder.mul(loop.index, word(GROUP))
            group = []
            for number in range(GROUP):
                plane = builder.add(first, word(number))
                at = builder.add(args[1], builder.mul(plane, word(_BLOCK_WORDS)))
                address = builder.bitcast(builder.gep(held, [at]), lanes.as_pointer())
                flip = spread(builder, builder.load(builder.gep(flips, [plane])), lanes)
                group.append(builder.xor(builder.load(address, align=8), flip))
            _count_group(builder, group, counters)
        near = _at_most(builder, counters, args[4], lanes)
        builder.store(near, builder.bitcast(result, lanes.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(planes, types.int64, turned, types.int64, types.int64, out), code


@kernel("void(Array(uint64, 2, 'C', readonly=True), uint64[::1])")
def _fill_planes(words: Words, planes: Planes) -> None:
    """Set the bits of every row in its block's planes (which are all 0 before)."""
    square = np.empty((WORDS, _WORD), np.uint64)
    for first in range(0, len(words), _WORD):
        square[:] = np.uint64(0)
        for row in range(first, min(first + _WORD, len(words))):
            mix = mixed(words[row, 0], words[row, 1], words[row, 2], words[row, 3])
            for word in range(WORDS):
                square[word, row - first] = mix[word]
        base = (first // BLOCK) * HASH_BITS * _BLOCK_WORDS + (first % BLOCK) // _WORD
        for word in range(WORDS):
            _transpose(square[word])
            for bit in range(_WORD):
                planes[base + (word * _WORD + bit) * _BLOCK_WORDS] = square[word, bit]


@kernel()
def _transpose(square: Planes) -> None:
    """Row r's bit c becomes row c's bit r, in 64 words of 64 bits (by halves, six times)."""
    half = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while half:
        row = 0
        while row < _WORD:
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
def _sift(  # noqa: PLR0917
    words: Words,
    planes: Planes,
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
    turned, near = np.empty(HASH_BITS, np.uint64), np.empty(_BLOCK_WORDS, np.uint64)
    for query in range(len(queries)):
        p, q, r, s = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        mix = mixed(p, q, r, s)
        for word in range(WORDS):
            for bit in range(_WORD):
                turned[word * _WORD + bit] = -((mix[word] >> np.uint64(bit)) & np.uint64(1))
        for block in range(0, len(words), BLOCK):
            place = (block // BLOCK) * HASH_BITS * _BLOCK_WORDS
            _near_rows(planes, place, turned, groups, radius, near)
            for word in range(_BLOCK_WORDS):
                left = near[word]
                while left:
                    row = block + word * _WORD + lowest(left)
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
