"""From any size to 64 x 64: two box filters each way, then every n/64th pixel.

Interfaces.md 4.1 steps 3 and 4. The reference keeps one running sum in single precision
(add the entering pixel, subtract the leaving one, divide), so the order of its roundings
is part of the hash. Here the same sums run down the rows for all columns at once, and
along a row on a transposed block, so each lane keeps that order.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]
ReadRows = Callable[[int, int], Luma]
"""`read(top, bottom)` gives the brightness of those rows, float32, bottom excluded."""

SIDE = 64
_BLOCK_ROWS = 1024
"""Rows in memory at a time: enough lanes to keep numpy busy, few enough for a bound."""


def window(length: int) -> int:
    """Width of the box along a side of `length` pixels: two passes cover length/64."""
    return (length + 2 * SIDE - 1) // (2 * SIDE)


def centres(length: int) -> NDArray[np.intp]:
    """The 64 pixels that are kept along a side of `length` pixels."""
    return np.array([int(((i + 0.5) * length) / SIDE) for i in range(SIDE)], dtype=np.intp)


class Sweep:
    """Running mean down the rows of a matrix that arrives in blocks.

    `push` takes the next rows (float32, all columns are independent lanes) and gives the
    means that have become final, in order. Output row o is the mean of input rows
    max(0, o+half-window) to min(length, o+half), edges shortened, never padded.
    """

    def __init__(self, length: int, *, lanes: int) -> None:
        self._length = length
        self._window = window(length)
        self._half = (self._window + 2) // 2
        self._read = 0
        self._written = 0
        self._sum = np.zeros(lanes, dtype=np.float32)
        self._tail = np.empty((0, lanes), dtype=np.float32)

    def push(self, rows: Luma, *, keep: NDArray[np.intp] | None = None) -> Luma:
        """Final means after these rows; with `keep`, only those output rows, in its order.

        With `keep` the whole matrix must come in one push.
        """
        data = np.concatenate((self._tail, rows)) if len(self._tail) else rows
        first = self._read - len(self._tail)
        end = self._read + len(rows)
        last = end == self._length
        out = np.empty((self._ready(end) - self._written, rows.shape[1]), dtype=np.float32)
        places = iter(out)
        total = self._sum
        spare = np.empty_like(total)
        add, subtract = np.add, np.subtract

        # Phase 1: fill the right half of the window, nothing to write yet.
        fill = min(end, self._half - 1)
        for row in data[self._read - first : max(fill - first, 0)]:
            total = add(total, row)
        # Phase 2: write while the window is still cut off at the start.
        begin = max(self._read, self._half - 1)
        for row in data[begin - first : max(min(end, self._window) - first, 0)]:
            total = add(total, row, out=next(places))
        # Phase 3: full window; one row enters, then one leaves, in this order.
        begin = max(self._read, self._window)
        if begin < end:
            entering = data[begin - first : end - first]
            leaving = data[begin - self._window - first :]
            for row, old, place in zip(entering, leaving, places, strict=False):
                add(total, row, out=spare)
                total = subtract(spare, old, out=place)
        # Phase 4: nothing enters any more, the window is cut off at the end.
        if last:
            begin = self._length - self._window - first
            for old, place in zip(data[begin : begin + self._half - 1], places, strict=True):
                total = subtract(total, old, out=place)

        counts = self._counts(self._written, self._written + len(out))
        if keep is not None:
            out, counts = out[keep], counts[keep]
        else:
            self._sum = total.copy()  # `total` lies in `out`, which is divided below
        self._written += len(counts)
        self._read = end
        self._tail = data[max(0, len(data) - self._window) :].copy()
        out /= counts[:, np.newaxis]
        return out

    def _ready(self, end: int) -> int:
        """How many output rows are final once `end` input rows were read."""
        return self._length if end == self._length else max(0, end - self._half + 1)

    def _counts(self, start: int, stop: int) -> Luma:
        """How many input rows each of these output rows averages."""
        o = np.arange(start, stop)
        right = np.minimum(self._length, o + self._half)
        left = np.maximum(0, o + self._half - self._window)
        return (right - left).astype(np.float32)


def downscale(read: ReadRows, height: int, width: int) -> Luma:
    """The 64 x 64 float32 picture that quality and hash are taken from.

    Reads each row once, top to bottom, about a thousand at a time, so memory stays
    bounded whatever the height. The second pass computes only what survives decimation.
    """
    columns = Sweep(height, lanes=width)
    kept_columns = centres(width)
    narrow = np.empty((height, SIDE), dtype=np.float32)
    filled = 0
    for top in range(0, height, _BLOCK_ROWS):
        block = read(top, min(height, top + _BLOCK_ROWS))
        # Pass 1: along the rows, then down the columns.
        once = Sweep(width, lanes=len(block)).push(np.ascontiguousarray(block.T))
        final = columns.push(np.ascontiguousarray(once.T))
        if not len(final):
            continue
        # Pass 2 along the rows, at the 64 columns that will be kept.
        lanes = Sweep(width, lanes=len(final))
        twice = lanes.push(np.ascontiguousarray(final.T), keep=kept_columns)
        narrow[filled : filled + len(final)] = twice.T
        filled += len(final)
    # Pass 2 down the columns, at the 64 rows that will be kept.
    return Sweep(height, lanes=SIDE).push(narrow, keep=centres(height))
