"""From any size to 64 x 64 in one linear step: 64 weighted sums down, 64 across.

Interfaces.md 4.1 steps 3 and 4 without their roundings. Two box filters and every n/64th
pixel are, along one side, 64 weighted sums of about n/64 neighbours each. Down comes first,
on the raw bytes, so every byte is read about once; brightness is part of the weights across.
What this gives differs from the reference by its roundings only; `pdq` says when that
cannot matter, and takes `boxes` when it can.
"""

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.kernels.sizes import BLUE, GREEN, RED, SIDE, WHOLE
from tutela.primitives.compiling import kernel

Plane = NDArray[np.float32]

_BLOCK = 4
"""Rows added at a time: the running sums are read and written once for all of them."""


@kernel()
def window(length: int) -> int:
    """Width of the box along a side of `length` pixels: two passes cover length/64."""
    return (length + 2 * SIDE - 1) // (2 * SIDE)


@kernel()
def half_window(length: int) -> int:
    """How many pixels of the box lie at and after its centre."""
    return (window(length) + 2) // 2


@kernel()
def centre(i: int, length: int) -> int:
    """The pixel that is kept in place i of 64 along a side of `length` pixels."""
    return int(((i + 0.5) * length) / SIDE)


@kernel()
def weights(length: int, first: NDArray[np.int64], counts: NDArray[np.int64], band: Plane) -> None:
    """The 64 weighted sums along a side of `length` pixels.

    Sum i is that of `band[i, t]` times pixel `first[i] + t` for t below `counts[i]`; `band`
    is 64 x (2 window) and at least one wide. A box that reaches over an edge is the mean of
    what is inside, so the sums near the edges have other weights.
    """
    before = half_window(length) - window(length)
    after = half_window(length)
    steps = np.empty(2 * window(length) + 1, np.float64)
    for i in range(SIDE):
        kept = centre(i, length)
        low, high = max(0, kept + before), min(length, kept + after)
        start = max(0, low + before)
        stop = min(length, high - 1 + after)
        # Each mean of the second pass spreads its share evenly over a stretch: note where
        # stretches begin and end, then add up once.
        steps[:] = 0.0
        for middle in range(low, high):
            left, right = max(0, middle + before), min(length, middle + after)
            share = 1.0 / ((high - low) * (right - left))
            steps[left - start] += share
            steps[right - start] -= share
        level = 0.0
        for place in range(stop - start):
            level += steps[place]
            band[i, place] = np.float32(level)
        first[i] = start
        counts[i] = stop - start


@kernel(fast_math=True)
def _add_down(flat: NDArray[np.uint8], start: int, stride: int, band: Plane, total: Plane) -> None:
    """Weighted sum of rows, byte by byte: as many rows as there are weights in `band`."""
    length = total.shape[0]
    total[:] = 0
    done = 0
    while done + _BLOCK <= band.shape[0]:
        at = start + done * stride
        row0 = flat[at : at + length]
        row1 = flat[at + stride : at + stride + length]
        row2 = flat[at + 2 * stride : at + 2 * stride + length]
        row3 = flat[at + 3 * stride : at + 3 * stride + length]
        w0, w1, w2, w3 = band[done], band[done + 1], band[done + 2], band[done + 3]
        for x in range(length):
            total[x] += (w0 * np.float32(row0[x]) + w1 * np.float32(row1[x])) + (
                w2 * np.float32(row2[x]) + w3 * np.float32(row3[x])
            )
        done += _BLOCK
    while done < band.shape[0]:
        row0 = flat[start + done * stride : start + done * stride + length]
        w0 = band[done]
        for x in range(length):
            total[x] += w0 * np.float32(row0[x])
        done += 1


@kernel()
def _coloured(band: Plane, channels: int) -> Plane:
    """Weights along a row of bytes that hold several channels: brightness is weighed in."""
    if channels == 1:
        return band
    wide = np.zeros((SIDE, band.shape[1] * channels), np.float32)
    for i in range(SIDE):
        for place in range(band.shape[1]):
            share = band[i, place] / np.float32(WHOLE)
            wide[i, channels * place] = RED * share
            wide[i, channels * place + 1] = GREEN * share
            wide[i, channels * place + 2] = BLUE * share
    return wide


@kernel(fast_math=True)
def _across(
    total: Plane, first: NDArray[np.int64], counts: NDArray[np.int64], band: Plane, row: Plane
) -> None:
    """One row of the small picture; `first` and `counts` are in bytes here."""
    for i in range(SIDE):
        part = total[first[i] : first[i] + counts[i]]
        share = band[i]
        found = np.float32(0)
        for place in range(part.shape[0]):
            found += share[place] * part[place]
        row[i] = found


@kernel()
def turned_over(
    length: int, first: NDArray[np.int64], counts: NDArray[np.int64], band: Plane
) -> tuple[NDArray[np.int64], Plane]:
    """The weights for the same side read from its other end; `counts` stay as they are.

    The reference does not sample the two ends alike, so these are other pixels than those of
    `weights` in reverse order.
    """
    other_first, other = np.empty_like(first), np.zeros_like(band)
    for i in range(SIDE):
        other_first[i] = length - first[i] - counts[i]
        for place in range(counts[i]):
            other[i, place] = band[i, counts[i] - 1 - place]
    return other_first, other


@kernel()
def fast_small(  # noqa: PLR0917 - kernels take no keywords
    flat: NDArray[np.uint8], stride: int, height: int, width: int, channels: int, small: Plane
) -> None:
    """Fill the 64 x 64 picture from raw bytes; see `luma.Raster` for their layout."""
    down_first, down_counts = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64)
    down = np.zeros((SIDE, 2 * window(height)), np.float32)
    weights(height, down_first, down_counts, down)
    across_first, across_counts = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64)
    across = np.zeros((SIDE, 2 * window(width)), np.float32)
    weights(width, across_first, across_counts, across)
    wide = _coloured(across, channels)
    across_first *= channels
    across_counts *= channels
    total = np.empty(width * channels, np.float32)
    for i in range(SIDE):
        _add_down(flat, down_first[i] * stride, stride, down[i, : down_counts[i]], total)
        _across(total, across_first, across_counts, wide, small[i])


@kernel()
def fast_smalls(  # noqa: PLR0917 - kernels take no keywords
    flat: NDArray[np.uint8],
    stride: int,
    height: int,
    width: int,
    channels: int,
    smalls: NDArray[np.float32],
) -> None:
    """Fill 4 x 64 x 64: the picture, with its columns, its rows, and both in reverse order."""
    down_first, down_counts = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64)
    down = np.zeros((SIDE, 2 * window(height)), np.float32)
    weights(height, down_first, down_counts, down)
    up_first, up = turned_over(height, down_first, down_counts, down)
    across_first, across_counts = np.empty(SIDE, np.int64), np.empty(SIDE, np.int64)
    across = np.zeros((SIDE, 2 * window(width)), np.float32)
    weights(width, across_first, across_counts, across)
    back_first, back = turned_over(width, across_first, across_counts, across)
    wide, wide_back = _coloured(across, channels), _coloured(back, channels)
    across_first *= channels
    back_first *= channels
    across_counts *= channels
    total = np.empty(width * channels, np.float32)
    for i in range(SIDE):
        _add_down(flat, down_first[i] * stride, stride, down[i, : down_counts[i]], total)
        _across(total, across_first, across_counts, wide, smalls[0, i])
        _across(total, back_first, across_counts, wide_back, smalls[1, i])
        _add_down(flat, up_first[i] * stride, stride, up[i, : down_counts[i]], total)
        _across(total, across_first, across_counts, wide, smalls[2, i])
        _across(total, back_first, across_counts, wide_back, smalls[3, i])
