"""From the 64 x 64 picture to bits: quality, frequencies, median (interfaces.md 4.1 steps 5-9).

Single precision, sums in the reference's order and no fused multiply-add, so what comes out
of an exact picture is exact. Every function that could come out differently for a picture
that is only nearly exact also says how far it is from doing so.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import SIDE
from tutela.primitives.compiling import kernel

Plane = NDArray[np.float32]
Line = NDArray[np.float32]
Keys = NDArray[np.int32]
Words = NDArray[np.uint32]

LOW = 16
"""Frequencies each way that the hash looks at."""

POINTS = LOW * LOW
_HALF = POINTS // 2
_GRADIENTS_PER_POINT = 90
_BEST = 100
_SIGN = 0x7FFFFFFF
_HIGHEST = 0x7F800000  # infinity as an ordered number


def _cosines() -> Plane:
    """Step 6: sqrt(2/64) cos(pi/128 (i+1)(2j+1)), 16 x 64, rounded once to float32."""
    scale = float(np.float32(math.sqrt(2.0 / SIDE)))
    step = math.pi / 2.0 / SIDE
    rows = [
        [scale * math.cos(step * (i + 1) * (2 * j + 1)) for j in range(SIDE)] for i in range(LOW)
    ]
    return np.array(rows, dtype=np.float32)


COSINES = _cosines()
_TURNED_COSINES = np.ascontiguousarray(COSINES.T)


@kernel()
def quality_of(small: Plane, slack: float) -> int:
    """Step 5: how much detail there is, 0 to 100; each gradient is cut to an integer first.

    With `slack` above zero the answer is -1 when a gradient that is off by up to that much
    (in hundredths of full scale) could lead to another quality.
    """
    low, high = np.int32(0), np.int32(0)
    shift = np.float32(slack)
    for i in range(SIDE):
        row, below = small[i], small[min(SIDE - 1, i + 1)]  # the last row meets itself: no change
        for j in range(SIDE):
            point = abs((row[j] - below[j]) * np.float32(_BEST) / np.float32(255))
            low += np.int32(max(point - shift, np.float32(0)))
            high += np.int32(point + shift)
        for j in range(SIDE - 1):
            point = abs((row[j] - row[j + 1]) * np.float32(_BEST) / np.float32(255))
            low += np.int32(max(point - shift, np.float32(0)))
            high += np.int32(point + shift)
    least = min(_BEST, int(low) // _GRADIENTS_PER_POINT)
    return least if least == min(_BEST, int(high) // _GRADIENTS_PER_POINT) else -1


@kernel()
def transform(small: Plane, frequencies: Line) -> None:
    """Step 6: the 16 x 16 lowest frequencies without the constant one, term after term.

    They stand in one line of 256, row after row, here and below.
    """
    half = np.empty(SIDE, np.float32)
    for i in range(LOW):
        half[:] = 0
        for k in range(SIDE):
            weight, row = COSINES[i, k], small[k]
            for j in range(SIDE):
                half[j] += weight * row[j]
        found = frequencies[LOW * i : LOW * (i + 1)]
        found[:] = 0
        for k in range(SIDE):
            weights, value = _TURNED_COSINES[k], half[k]
            for j in range(LOW):
                found[j] += value * weights[j]


@kernel()
def _put_in_order(frequencies: Line, keys: Keys) -> None:
    """Frequencies as whole numbers of the same order; both zeros are one."""
    raw = frequencies.view(np.int32)
    for n in range(POINTS):
        one = raw[n]
        one = one if one >= 0 else one ^ np.int32(_SIGN)
        keys[n] = one if one != np.int32(-1) else np.int32(0)


@kernel()
def _value(key: np.int32) -> np.float32:
    """The frequency that a number stands for."""
    one = np.empty(1, np.int32)
    one[0] = key if key >= 0 else key ^ np.int32(_SIGN)
    found: np.float32 = one.view(np.float32)[0]
    return found


@kernel()
def _middle(keys: Keys) -> tuple[np.int32, np.int32]:
    """Step 7: the lower median, and the next value up (equal to it when they tie)."""
    low, high = np.int64(-_HIGHEST), np.int64(_HIGHEST)
    # Halve the range of possible values until one has 128 values at or below it.
    while low < high:
        guess = np.int32((low + high) >> 1)
        below = np.int32(0)
        for n in range(POINTS):
            below += np.int32(keys[n] <= guess)
        if below == _HALF:
            under, over = np.int32(-_HIGHEST), np.int32(_HIGHEST)
            for n in range(POINTS):
                under = max(under, keys[n] if keys[n] <= guess else np.int32(-_HIGHEST))
                over = min(over, np.int32(_HIGHEST) if keys[n] <= guess else keys[n])
            return under, over
        if below > _HALF:
            high = np.int64(guess)
        else:
            low = np.int64(guess) + 1
    # Several values are the median: it is the value that the search has come down to.
    return np.int32(low), np.int32(low)


@kernel()
def _find_bits(keys: Keys, median: np.int32, rows: Words) -> None:
    """Step 8: one bit for each frequency above the median, a word for each of its 16 rows."""
    for i in range(LOW):
        word = np.uint32(0)
        for j in range(LOW):
            word |= np.uint32(keys[LOW * i + j] > median) << np.uint32(j)
        rows[i] = word


@kernel()
def _transpose(rows: Words) -> None:
    """Turn 16 words of 16 bits over their diagonal: halves, then quarters, change places."""
    step, mask = np.uint32(LOW // 2), np.uint32(0x00FF)
    while step:
        for i in range(LOW):
            if not i & step:
                other = i + np.int64(step)
                change = ((rows[i] >> step) ^ rows[other]) & mask
                rows[other] ^= change
                rows[i] ^= change << step
        step >>= np.uint32(1)
        mask ^= mask << step


@kernel()
def _write(rows: Words, bits: NDArray[np.uint8]) -> None:
    """32 bytes, last frequency first."""
    for i in range(LOW):
        bits[POINTS // 8 - 2 - 2 * i] = np.uint8(rows[i] >> np.uint32(8))
        bits[POINTS // 8 - 1 - 2 * i] = np.uint8(rows[i] & np.uint32(0xFF))


@kernel()
def write_hashes(frequencies: Line, bits: NDArray[np.uint8]) -> float:
    """Steps 7 and 8 into one row of 32 bytes; give the gap above the median.

    A second row gets the hash of the transposed picture: transposing leaves the median and every
    bit alone, and only changes their places (as long as the gap is wider than the roundings).
    """
    keys, rows = np.empty(POINTS, np.int32), np.empty(LOW, np.uint32)
    _put_in_order(frequencies, keys)
    median, above = _middle(keys)
    _find_bits(keys, median, rows)
    _write(rows, bits[0])
    if bits.shape[0] > 1:
        _transpose(rows)
        _write(rows, bits[1])
    return float(_value(above) - _value(median))
