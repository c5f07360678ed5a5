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

# Of the four ways to change signs: whether those of every other row and of every other column
# change, and where in `DIHEDRAL` the hash stands, of the frequencies as they are and transposed.
_ROWS = np.array([False, False, True, True])
_COLUMNS = np.array([False, True, False, True])
_PLAIN = np.array([0, 5, 4, 2])
_TRANSPOSED = np.array([6, 1, 3, 7])


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
def _ordered(raw: np.int32) -> np.int32:
    """The bits of a float as a whole number of the same order."""
    return raw if raw >= 0 else raw ^ np.int32(_SIGN)


@kernel()
def middle(frequencies: Line) -> tuple[np.float32, np.float32]:
    """Step 7: the lower median, and the next value up (equal to it when they tie)."""
    raw = frequencies.view(np.int32)
    keys = np.empty(POINTS, np.int32)
    for n in range(POINTS):
        keys[n] = _ordered(raw[n])
    low, high = np.int64(-_HIGHEST), np.int64(_HIGHEST)
    # Halve the range of possible values until one has 128 values at or below it.
    while low < high:
        guess = np.int32((low + high) >> 1)
        below = np.int32(0)
        for n in range(POINTS):
            below += np.int32(keys[n] <= guess)
        if below == _HALF:
            under, over = np.float32(-np.inf), np.float32(np.inf)
            for n in range(POINTS):
                if keys[n] <= guess:
                    under = max(under, frequencies[n])
                else:
                    over = min(over, frequencies[n])
            return under, over
        if below > _HALF:
            high = np.int64(guess)
        else:
            low = np.int64(guess) + 1
    # Several values are the median: it is the value that the search has come down to.
    tied = frequencies[0]
    for n in range(POINTS):
        if keys[n] == np.int32(low):
            tied = frequencies[n]
    return tied, tied


@kernel()
def write_bits(frequencies: Line, median: np.float32, bits: NDArray[np.uint8]) -> None:
    """Step 8: one bit for each frequency above the median, 32 bytes, last frequency first."""
    for place in range(POINTS // 8):
        byte = np.uint32(0)
        for n in range(8):
            byte |= np.uint32(frequencies[8 * place + n] > median) << np.uint32(n)
        bits[POINTS // 8 - 1 - place] = np.uint8(byte)


@kernel()
def write_eight(frequencies: Line, bits: NDArray[np.uint8]) -> float:
    """Step 9: the eight hashes, 8 x 32 bytes; give the smallest gap above a median.

    The order is `model.DIHEDRAL`. Transposing leaves the median alone, so two hashes share it.
    """
    signed, transposed = np.empty(POINTS, np.float32), np.empty(POINTS, np.float32)
    least = np.float32(np.inf)
    for turn in range(len(_PLAIN)):
        for i in range(LOW):
            for j in range(LOW):
                value = frequencies[LOW * i + j]
                if (_ROWS[turn] and i % 2 == 0) != (_COLUMNS[turn] and j % 2 == 0):
                    value = -value
                signed[LOW * i + j] = value
                transposed[LOW * j + i] = value
        median, above = middle(signed)
        least = min(least, above - median)
        write_bits(signed, median, bits[_PLAIN[turn]])
        write_bits(transposed, median, bits[_TRANSPOSED[turn]])
    return float(least)


@kernel()
def write_hashes(frequencies: Line, bits: NDArray[np.uint8]) -> float:
    """Steps 7 and 8 into 1 x 32 bytes, step 9 into 8 x 32; give the smallest gap."""
    if bits.shape[0] > 1:
        return write_eight(frequencies, bits)
    median, above = middle(frequencies)
    write_bits(frequencies, median, bits[0])
    return float(above - median)
