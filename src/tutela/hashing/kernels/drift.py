"""How far the reference's running sums stray in this very picture, measured on a few lines.

The reference adds the entering and subtracts the leaving pixel in single precision. Both
round, and where the sum lies near a power of two they round to different grids, so what is left
over stays in the sum. In pictures with grain that is a random walk; in one of few colours that
repeat it is a march, up to a hundred times as far. Nothing short of doing the sums tells which,
so they are done on 16 rows and 4 x 4 columns, in single and in double precision.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.bands import centre, half_window, window
from tutela.hashing.kernels.boxes import means_across
from tutela.hashing.kernels.lanes import LANES
from tutela.hashing.kernels.sizes import BLUE, GREEN, RED, SIDE, WHOLE
from tutela.hashing.kernels.spectrum import COSINES, LOW
from tutela.primitives.compiling import kernel

Seen = tuple[int, int, int, int, int]
"""A way to read pixels, turned and mirrored ones included: where the first begins, how many bytes
to the next one down and across, how many there are down and across."""

_BESIDE = 4
_MIX = 2654435761
"""Knuth's multiplier: spreads small numbers (TAOCP vol. 3, 6.4)."""


@kernel()
def place(number: int, length: int) -> int:
    """The line to look at in part `number` of 16 along a side: anywhere, but always the same.

    An even distance would meet a pattern that repeats at the same point each time.
    """
    start, stop = number * length // LANES, (number + 1) * length // LANES
    return min(length - 1, start + (number * _MIX >> 7) % max(1, stop - start))


@kernel()
def _thousandths(flat: NDArray[np.uint8], at: int, channels: int) -> int:
    """The brightness of the pixel that begins `at`, in thousandths: exact."""
    if channels == 1:
        return WHOLE * int(flat[at])
    return RED * int(flat[at]) + GREEN * int(flat[at + 1]) + BLUE * int(flat[at + 2])


@kernel()
def _rows(flat: NDArray[np.uint8], seen: Seen, channels: int) -> NDArray[np.float32]:
    """Brightness of 16 rows, as columns of 16."""
    origin, down, across, height, width = seen
    lines = np.empty((width, LANES), np.float32)
    for lane in range(LANES):
        start = origin + place(lane, height) * down
        for x in range(width):
            whole = _thousandths(flat, start + x * across, channels)
            lines[x, lane] = np.float32(whole) / np.float32(WHOLE)
    return lines


@kernel()
def _columns(flat: NDArray[np.uint8], seen: Seen, channels: int) -> NDArray[np.float32]:
    """16 columns of what the first pass along the rows gives, as rows of 16.

    Four in each of four places: neighbours share their window, and reading is what costs.
    """
    origin, down, across, height, width = seen
    lines = np.empty((height, LANES), np.float32)
    before, after = half_window(width) - window(width), half_window(width)
    for y in range(height):
        row = origin + y * down
        for lane in range(0, LANES, _BESIDE):
            middle = min(place(lane, width), width - _BESIDE)
            low, high = max(0, middle + before), min(width, middle + after)
            total = 0
            for x in range(low, high):
                total += _thousandths(flat, row + x * across, channels)
            for step in range(_BESIDE):
                lines[y, lane + step] = np.float32(total / np.float64(WHOLE * (high - low)))
                if middle + step + after < width:
                    total += _thousandths(flat, row + high * across, channels)
                    high += 1
                if low < middle + step + 1 + before:
                    total -= _thousandths(flat, row + low * across, channels)
                    low += 1
    return lines


@kernel()
def strayed(lines: NDArray[np.float32]) -> tuple[float, float]:
    """Run both box passes along `lines`; give how far they stray from the truth at the 64 places.

    First the root mean square over the lanes of the frequency with the largest one, then the
    largest of all differences.
    """
    length = lines.shape[0]
    once, twice = np.empty_like(lines), np.empty_like(lines)
    means_across(lines, once)
    means_across(once, twice)
    true0 = lines.astype(np.float64)
    true1, true2 = np.empty_like(true0), np.empty_like(true0)
    means_across(true0, true1)
    means_across(true1, true2)
    off = np.empty((SIDE, LANES), np.float64)
    furthest = 0.0
    for j in range(SIDE):
        at = centre(j, length)
        for lane in range(LANES):
            off[j, lane] = twice[at, lane] - true2[at, lane]
            furthest = max(furthest, abs(off[j, lane]))
    most = 0.0
    waves = np.empty(LANES, np.float64)
    for i in range(LOW):
        waves[:] = 0
        for j in range(SIDE):
            for lane in range(LANES):
                waves[lane] += COSINES[i, j] * off[j, lane]
        power = 0.0
        for lane in range(LANES):
            power += waves[lane] * waves[lane]
        most = max(most, power)
    return math.sqrt(most / LANES), furthest


@kernel()
def drift(flat: NDArray[np.uint8], seen: Seen, channels: int) -> tuple[float, float]:
    """How far a frequency, and a pixel of 64 x 64, of the reference may be from the truth.

    A frequency is a sum over 64 lines with weights whose squares add up to one, so it is off by
    no more than 8 times the root mean square of the lines (Cauchy-Schwarz), however they
    conspire. The lines looked at stand for the others.
    """
    across, far_across = strayed(_rows(flat, seen, channels))
    down, far_down = strayed(_columns(flat, seen, channels))
    return math.sqrt(SIDE) * (across + down), far_across + far_down
