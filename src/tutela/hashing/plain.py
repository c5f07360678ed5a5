"""PDQ in plain numpy: what the kernels must equal, in the self-test and in the tests.

Steps are those of interfaces.md 4.1. Single precision throughout, sums in the reference's
order and no fused multiply-add, so equality is exact. Slow, and as short as can be.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tutela.hashing.model import PDQ_BYTES, Pdq

Luma = NDArray[np.float32]

SIDE = 64
MIN_SIDE_PX = 5
_GREY_AXES = 2
_COEFFICIENTS = 16
_GRADIENTS_PER_POINT = 90
_BEST = 100
_LOWER_MEDIAN = 127


def luma(pixels: NDArray[np.uint8]) -> Luma:
    """Brightness in double precision, left to right, rounded once; a grey stays itself."""
    if pixels.ndim == _GREY_AXES:
        return pixels.astype(np.float32)
    total = pixels[:, :, 0] * 0.299  # float64: a byte array times a Python float
    total += pixels[:, :, 1] * 0.587
    total += pixels[:, :, 2] * 0.114
    return total.astype(np.float32)


def window(length: int) -> int:
    """Width of the box along a side of `length` pixels: two passes cover length/64."""
    return (length + 2 * SIDE - 1) // (2 * SIDE)


def centres(length: int) -> NDArray[np.intp]:
    """The 64 pixels that are kept along a side of `length` pixels."""
    return np.array([int(((i + 0.5) * length) / SIDE) for i in range(SIDE)], dtype=np.intp)


def box_means(lines: Luma) -> Luma:
    """Running means down the rows of a matrix; all columns are independent lanes."""
    length = len(lines)
    box = window(length)
    half = (box + 2) // 2
    total = np.zeros(lines.shape[1], dtype=np.float32)
    means = np.empty_like(lines)
    for y in range(length + half - 1):
        if y < length:
            total = total + lines[y]
        if y >= box:
            total = total - lines[y - box]
        place = y - half + 1
        if place >= 0:
            count = min(length, y + 1) - max(0, y + 1 - box)
            means[place] = total / np.float32(count)
    return means


def small_picture(pixels: NDArray[np.uint8]) -> Luma:
    """Steps 3 and 4: two box filters each way, then every n/64th pixel."""
    plane = luma(pixels)
    for _ in range(2):
        plane = box_means(np.ascontiguousarray(plane.T)).T
        plane = box_means(np.ascontiguousarray(plane))
    height, width = plane.shape
    return np.ascontiguousarray(plane[np.ix_(centres(height), centres(width))])


def _cosines() -> Luma:
    """Step 6: sqrt(2/64) cos(pi/128 (i+1)(2j+1)), 16 x 64, rounded once to float32."""
    scale = float(np.float32(math.sqrt(2.0 / SIDE)))
    step = math.pi / 2.0 / SIDE
    rows = [
        [scale * math.cos(step * (i + 1) * (2 * j + 1)) for j in range(SIDE)]
        for i in range(_COEFFICIENTS)
    ]
    return np.array(rows, dtype=np.float32)


_D = _cosines()


def pdq(pixels: NDArray[np.uint8]) -> Pdq:
    """The hash of H x W x 3 (or more) RGB bytes or H x W grey bytes."""
    if min(pixels.shape[:2]) < MIN_SIDE_PX:
        return Pdq(bytes(PDQ_BYTES), 0)
    as_it_is = pixels.shape[:2] == (SIDE, SIDE)
    return hash_of_small(luma(pixels) if as_it_is else small_picture(pixels))


def hash_of_small(small: Luma) -> Pdq:
    """Steps 5 to 8."""
    return Pdq(bits_of(transform(small)), quality_of(small))


def dihedral(pixels: NDArray[np.uint8]) -> tuple[Pdq, ...]:
    """The hashes of the eight turned and mirrored pictures, in the order of `DIHEDRAL`."""
    left = np.rot90(pixels)
    half = np.rot90(pixels, 2)
    right = np.rot90(pixels, 3)
    mirrored = (pixels[::-1], pixels[:, ::-1], pixels.swapaxes(0, 1), half.swapaxes(0, 1))
    return tuple(pdq(np.ascontiguousarray(each)) for each in (pixels, left, half, right, *mirrored))


def quality_of(small: Luma) -> int:
    """Step 5: how much detail there is, 0 to 100; each gradient is cut to an integer first."""
    total = 0
    for axis in (0, 1):
        change = -np.diff(small, axis=axis)  # u - v; negation is exact
        points = change * np.float32(_BEST) / np.float32(255)
        total += int(np.abs(points.astype(np.int32)).sum())
    return min(_BEST, total // _GRADIENTS_PER_POINT)


def transform(small: Luma) -> Luma:
    """Step 6: the 16 x 16 lowest frequencies without the constant one, float32."""
    # `accumulate` adds strictly one term after the other, as the reference does; `sum`
    # may pair terms and round differently.
    terms = _D.T[:, :, np.newaxis] * small[:, np.newaxis, :]
    half = np.add.accumulate(terms, axis=0)[-1]
    terms = half.T[:, :, np.newaxis] * _D.T[:, np.newaxis, :]
    result: Luma = np.add.accumulate(terms, axis=0)[-1]
    return result


def bits_of(frequencies: Luma) -> bytes:
    """Steps 7 and 8: one bit for each coefficient above the lower median, last one first."""
    flat = frequencies.ravel()
    median = np.partition(flat, _LOWER_MEDIAN)[_LOWER_MEDIAN]
    return np.packbits((flat > median)[::-1]).tobytes()
