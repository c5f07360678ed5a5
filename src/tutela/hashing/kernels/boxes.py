"""From any size to 64 x 64 in the reference's own order of operations (interfaces.md 4.1).

Steps 3 and 4. The reference keeps one running sum per line in single precision: add the
entering pixel, subtract the leaving one, divide by the count. The order of those roundings
is part of the hash, so here every line keeps it and lines are computed side by side: all
columns at once going down, 16 rows at once going across. Every row is read once and little
more than one window of rows is kept.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.bands import centre, half_window, window
from tutela.hashing.kernels.lanes import LANES, slide, turn
from tutela.hashing.kernels.luma import bright
from tutela.hashing.kernels.sizes import SIDE
from tutela.primitives.compiling import kernel

Plane = NDArray[np.float32]
Values = NDArray[np.float32] | NDArray[np.float64]


@kernel()
def _turn(rows: Plane, first: int, columns: Plane) -> None:
    """`LANES` rows, `first` and after, to columns of `LANES` pixels."""
    for x in range(0, columns.shape[0], LANES):
        turn(rows, first, x, columns, x, 0)


@kernel()
def _turn_back(columns: Plane, rows: Plane, first: int) -> None:
    """Columns of `LANES` pixels to rows, `first` and after."""
    for x in range(0, columns.shape[0], LANES):
        turn(columns, x, 0, rows, first, x)


@kernel()
def means_across(columns: Values, means: Values) -> None:
    """The box means along `LANES` rows at once, phases 1 to 4 of the reference.

    In single precision as the reference; in double, as `drift` asks it, nearly the truth.
    """
    width = columns.shape[0]
    box, half = window(width), half_window(width)
    total = np.zeros(LANES, columns.dtype)
    for x in range(half - 1):  # phase 1: only enter
        entering = columns[x]
        for lane in range(LANES):
            total[lane] += entering[lane]
    for x in range(half - 1, box):  # phase 2: the window is cut off at the start
        entering, mean, count = columns[x], means[x - half + 1], np.float32(x + 1)
        for lane in range(LANES):
            total[lane] += entering[lane]
            mean[lane] = total[lane] / count
    slide(columns, total, box, means, half - 1)  # phase 3: one enters, then one leaves
    for step in range(half - 1):  # phase 4: the window is cut off at the end
        leaving, mean = columns[width - box + step], means[width - half + 1 + step]
        count = np.float32(box - 1 - step)
        for lane in range(LANES):
            total[lane] -= leaving[lane]
            mean[lane] = total[lane] / count


@kernel()
def _enter(total: Plane, row: Plane) -> None:
    for x in range(total.shape[0]):
        total[x] += row[x]


@kernel()
def _leave(total: Plane, row: Plane) -> None:
    for x in range(total.shape[0]):
        total[x] -= row[x]


@kernel()
def _slide(total: Plane, entering: Plane, leaving: Plane) -> None:
    for x in range(total.shape[0]):
        total[x] = (total[x] + entering[x]) - leaving[x]


@kernel()
def _mean(total: Plane, count: int, mean: Plane) -> None:
    number = np.float32(count)
    for x in range(total.shape[0]):
        mean[x] = total[x] / number


@kernel()
def _step_down(total: Plane, ring: Plane, y: int, height: int) -> int:
    """Move the windows of all columns to end at row y; give how many rows they hold.

    Row r lies in `ring[r % len(ring)]`. Rows past the end of the picture do not enter; a
    count of zero means that the first mean is not complete yet (phase 1).
    """
    box, depth = window(height), ring.shape[0]
    if y >= height:  # phase 4
        _leave(total, ring[(y - box) % depth])
        return box - 1 - (y - height)
    if y >= box:  # phase 3
        _slide(total, ring[y % depth], ring[(y - box) % depth])
        return box
    _enter(total, ring[y % depth])
    return y + 1 if y >= half_window(height) - 1 else 0  # phase 2, phase 1


@kernel()
def _keep_across(means: Plane, filled: int, narrow: Plane) -> None:
    """Step 4 along the rows: of each of the `filled` rows the 64 places that are kept."""
    for j in range(SIDE):
        mean = means[centre(j, means.shape[0])]
        for lane in range(filled):
            narrow[lane, j] = mean[lane]


@kernel()
def _keep_down(narrow: Plane, small: Plane) -> None:
    """The second pass down the 64 columns, and step 4: the 64 rows that are kept."""
    height = narrow.shape[0]
    half = half_window(height)
    total = np.zeros(SIDE, np.float32)
    kept = 0
    for y in range(height + half - 1):
        count = _step_down(total, narrow, y, height)
        while kept < SIDE and centre(kept, height) == y - half + 1:
            _mean(total, count, small[kept])
            kept += 1


@kernel()
def exact_small(  # noqa: PLR0917 - kernels take no keywords
    flat: NDArray[np.uint8], stride: int, height: int, width: int, channels: int, small: Plane
) -> None:
    """Fill the 64 x 64 picture as the reference does, to the last bit."""
    # An odd number of cache lines a row keeps 16 rows from falling on the same places.
    padded = (((width + LANES - 1) // LANES) | 1) * LANES
    rows = np.zeros((LANES, padded), np.float32)
    # A whole number of strips, so that a strip of rows lies together in the ring.
    depth = ((window(height) + LANES - 1) // LANES + 1) * LANES
    ring = np.empty((depth, padded), np.float32)
    columns = np.zeros((padded, LANES), np.float32)
    means = np.zeros((padded, LANES), np.float32)
    narrow = np.empty((height, SIDE), np.float32)
    total = np.zeros(width, np.float32)
    waiting = np.zeros((LANES, padded), np.float32)
    half = half_window(height)
    done = filled = 0
    for y in range(height + half - 1):
        if y % LANES == 0 and y < height:  # first pass along the next strip of rows
            for lane in range(min(LANES, height - y)):
                start = (y + lane) * stride
                bright(flat[start : start + width * channels], width, channels, rows[lane])
            _turn(rows, 0, columns)
            means_across(columns[:width], means)
            _turn_back(means, ring, y % depth)
        count = _step_down(total, ring, y, height)  # first pass down
        if count:
            _mean(total, count, waiting[filled])
            filled += 1
        if filled == LANES or done + filled == height:  # second pass along
            _turn(waiting, 0, columns)
            means_across(columns[:width], means)
            _keep_across(means[:width], filled, narrow[done:])
            done += filled
            filled = 0
    _keep_down(narrow, small)
