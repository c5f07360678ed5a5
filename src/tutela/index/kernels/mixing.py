"""Mixing: the 256 bits of a row in another order, and the chunks that are cut from it.

The order is part of the format of index files.
"""

from typing import Any

import numpy as np

from tutela.primitives.compiling import kernel


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
def chunk(a: Any, b: Any, c: Any, d: Any, first: int, width: int) -> Any:  # noqa: ANN401, PLR0917
    """Bits first to first + width of the mixed row."""
    place, shift = first >> 6, np.uint64(first & 63)
    low = a if place == 0 else b if place == 1 else c if place == 2 else d  # noqa: PLR2004
    high = b if place == 0 else c if place == 1 else d  # what lies beyond d is never asked
    value = low >> shift
    if (first & 63) + width > 64:  # noqa: PLR2004 - a word ends
        value |= high << (np.uint64(64) - shift)
    return np.uint32(value & np.uint64((1 << width) - 1))
