"""The weighted sums of `hashing.scaled`: its matrices, and a picture brought down by them."""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels import bands
from tutela.hashing.kernels.bands import window
from tutela.hashing.kernels.sizes import BLOCK, SIDE
from tutela.primitives.compiling import kernel


@kernel(
    "void(uint8[:,::1], int64[::1], float32[:,::1], int64[::1], float32[:,::1], float32[:,::1])"
)
def shrink(  # noqa: PLR0917 - kernels take no keywords
    grey: NDArray[np.uint8],
    down: NDArray[np.int64],
    down_weights: NDArray[np.float32],
    across: NDArray[np.int64],
    across_weights: NDArray[np.float32],
    small: NDArray[np.float32],
) -> None:
    """Down the columns, then along the rows; lanes run over what no sum runs over."""
    columns = grey.shape[1]
    narrow = np.empty((columns, SIDE), np.float32)
    line = np.empty(columns, np.float32)
    for i in range(SIDE):
        _add_rows(grey[down[i] : down[i] + down_weights.shape[1]], down_weights[i], line)
        for x in range(columns):
            narrow[x, i] = line[x]
    lanes = np.empty(SIDE, np.float32)
    for j in range(SIDE):
        lanes[:] = 0.0
        for tap in range(across_weights.shape[1]):
            weight = across_weights[j, tap]
            column = narrow[across[j] + tap]
            for i in range(SIDE):
                lanes[i] += weight * column[i]
        for i in range(SIDE):
            small[i, j] = lanes[i]


@kernel()
def _add_rows(
    rows: NDArray[np.uint8], weights: NDArray[np.float32], total: NDArray[np.float32]
) -> None:
    """Weighted sum of rows, two at a time so that `total` is read and written half as often."""
    total[:] = 0.0
    taps = weights.shape[0]
    for tap in range(0, taps - 1, 2):
        one, other = rows[tap], rows[tap + 1]
        w0, w1 = weights[tap], weights[tap + 1]
        for x in range(total.shape[0]):
            total[x] += w0 * np.float32(one[x]) + w1 * np.float32(other[x])
    if taps % 2:
        one, w0 = rows[taps - 1], weights[taps - 1]
        for x in range(total.shape[0]):
            total[x] += w0 * np.float32(one[x])


@kernel("void(int64, int64, float64[:,::1], int64[::1], float32[:,::1], int64)")
def fill(  # noqa: PLR0917 - kernels take no keywords
    length: int,
    samples: int,
    unscale: NDArray[np.float64],
    first: NDArray[np.int64],
    band: NDArray[np.float32],
    backwards: int,
) -> None:
    """R(n), and in it for each pixel the samples of its block; `backwards` 1: from the other end.

    A last block that sticks out over the edge gives fewer samples than k; the last one given
    stands for the missing ones, which encoders fill in that way too.
    """
    k = unscale.shape[1]
    shares = np.zeros((SIDE, 2 * window(length)), np.float32)
    starts = np.zeros(SIDE, np.int64)
    counts = np.zeros(SIDE, np.int64)
    bands.weights(length, starts, counts, shares)
    if backwards:
        starts, shares = bands.turned_over(length, starts, counts, shares)
    row = np.zeros(band.shape[1], np.float64)
    for i in range(SIDE):
        first[i] = min(starts[i] // BLOCK * k, samples - band.shape[1])
        row[:] = 0.0
        for place in range(counts[i]):
            pixel = starts[i] + place
            for sample in range(k):
                at = min(pixel // BLOCK * k + sample, samples - 1) - first[i]
                row[at] += shares[i, place] * unscale[pixel % BLOCK, sample]
        for at in range(band.shape[1]):
            band[i, at] = np.float32(row[at])
