"""Hashing a JPEG from a decode at k/8: the band equals the slow matrix, few bits move."""

import io
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tutela.hashing import scaled
from tutela.hashing.model import MIN_QUALITY
from tutela.hashing.pdq import pdq
from tutela.primitives.errors import BadInput

SIDE, BLOCK = 64, 8
QUICK = ("tiles", "cells", "labels")  # drawn in little time also when they are large


def box_matrix(length: int) -> NDArray[np.float64]:
    """R(n), 64 x n, the slow way: the matrix of one mean, twice, and 64 of its rows."""
    span = -(-length // 128)
    ahead = (span + 2) // 2
    mean = np.zeros((length, length))
    for place in range(length):
        left, right = max(0, place - span + ahead), min(length, place + ahead)
        mean[place, left:right] = 1 / (right - left)
    return (mean @ mean)[[int((i + 0.5) * length / SIDE) for i in range(SIDE)]]


def cosines(size: int) -> NDArray[np.float64]:
    return np.array(
        [
            [
                math.cos(math.pi * (2 * x + 1) * u / (2 * size)) * math.sqrt((2 if u else 1) / size)
                for x in range(size)
            ]
            for u in range(size)
        ]
    )


def slow_matrix(length: int, k: int) -> NDArray[np.float64]:
    """R(n) times a block diagonal of IDCT8[:, :k] DCTk sqrt(8/k), the edge folded in."""
    blocks = -(-length // BLOCK)
    unscale = cosines(BLOCK).T[:, :k] @ cosines(k) * math.sqrt(BLOCK / k)
    diagonal = np.kron(np.eye(blocks), unscale)[:length]
    spread = box_matrix(length) @ diagonal
    samples = -(-length * k // BLOCK)
    kept = spread[:, :samples].copy()
    kept[:, -1] += spread[:, samples:].sum(axis=1)
    return kept


@settings(deadline=None)  # the first call compiles
@given(length=st.integers(5, 700), k=st.integers(1, 8))
def test_the_band_is_the_slow_matrix(length: int, k: int) -> None:
    first, band = scaled.weights(length, k)
    whole = np.zeros((SIDE, scaled.scaled_side(length, k)))
    for i in range(SIDE):
        whole[i, first[i] : first[i] + band.shape[1]] = band[i]
    np.testing.assert_allclose(whole, slow_matrix(length, k), atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)  # a mean stays a mean


@settings(deadline=None)
@given(
    height=st.integers(40, 300),
    width=st.integers(40, 300),
    k=st.integers(1, 8),
    seed=st.integers(0, 99),
)
def test_the_small_picture_is_the_slow_product(height: int, width: int, k: int, seed: int) -> None:
    shape = (scaled.scaled_side(height, k), scaled.scaled_side(width, k))
    grey = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    slow = slow_matrix(height, k) @ grey @ slow_matrix(width, k).T
    found = scaled.small_of_scaled(grey, height, width, k)
    np.testing.assert_allclose(found, slow, atol=1e-3)


def test_the_scale_keeps_the_short_side_long_enough() -> None:
    assert scaled.eighths_for(127, 4000) is None
    assert scaled.eighths_for(128, 4000) == scaled.eighths_for(255, 4000) == 8
    assert scaled.eighths_for(256, 4000) == 8
    assert scaled.eighths_for(4000, 292) == 7
    assert scaled.eighths_for(2041, 3000) == 1
    for short in range(256, 5000):
        k = scaled.eighths_for(short, 9000)
        assert k is not None
        assert scaled.scaled_side(short, k) >= scaled.MIN_SIDE_PX
        assert k == 1 or scaled.scaled_side(short, k - 1) < scaled.MIN_SIDE_PX


def grey_of(data: bytes, height: int, width: int, k: int) -> NDArray[np.uint8]:
    """What a decoder gives at k/8."""
    sides = (scaled.scaled_side(height, k), scaled.scaled_side(width, k))
    found: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data, "GRAY", min_height=sides[0], min_width=sides[1]
    )[:, :, 0]
    assert found.shape == sides
    return found


def jpeg(image: Image.Image, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, "JPEG", **options)
    return held.getvalue()


def test_few_bits_move_at_every_scale(drawing: ModuleType) -> None:
    """Against the exact hash of the same JPEG: mean at most 1.2 bits, never more than 8."""
    moved: dict[int, list[int]] = {}
    sizes = [
        (131, 128),
        (201, 160),
        (320, 240),
        (300, 256),
        (430, 301),
        (511, 343),
        (517, 410),
        (600, 513),
        (900, 690),
        (1283, 1026),
    ]
    kinds = list(drawing.KINDS)
    for size in [*sizes, (2300, 2050)]:
        for kind in kinds[:: 4 if size[0] > 1000 else 2]:
            image = drawing.draw(kind, 5, size)
            data = jpeg(image, quality=88)
            k = scaled.eighths_for(size[1], size[0])
            assert k is not None
            exact = pdq(simplejpeg.decode_jpeg(data))
            fast = scaled.pdq_of_scaled(grey_of(data, size[1], size[0], k), size[1], size[0], k)
            if exact.quality >= MIN_QUALITY:
                moved.setdefault(k, []).append(exact.distance_bits(fast))
                assert fast.quality >= MIN_QUALITY
    assert sorted(moved) == [1, 2, 3, 4, 5, 6, 7, 8]
    everything = [bits for found in moved.values() for bits in found]
    assert max(everything) <= 8
    assert sum(everything) / len(everything) <= 1.2


def test_hashing_the_small_picture_itself_would_move_many_more(drawing: ModuleType) -> None:
    """Why the weights are worth it: the same pixels hashed as they are."""
    size = (2300, 2050)
    naive, aware = [], []
    for kind in list(drawing.KINDS)[::4]:
        data = jpeg(drawing.draw(kind, 5, size), quality=88)
        exact = pdq(simplejpeg.decode_jpeg(data))
        small = grey_of(data, size[1], size[0], 1)
        naive.append(pdq(small).distance_bits(exact))
        aware.append(scaled.pdq_of_scaled(small, size[1], size[0], 1).distance_bits(exact))
    assert sum(aware) < sum(naive)


def test_the_eight_come_from_the_same_picture(drawing: ModuleType) -> None:
    data = jpeg(drawing.draw("tiles", 3, (700, 530)), quality=90)
    grey = grey_of(data, 530, 700, 4)
    plain, turned = scaled.all_of_scaled(grey, 530, 700, 4)
    assert plain == scaled.pdq_of_scaled(grey, 530, 700, 4) == turned[0]
    assert len(set(turned)) == 8


def test_other_shapes_are_refused() -> None:
    cases: tuple[tuple[NDArray[Any], int], ...] = (
        (np.zeros((10, 10), np.uint8), 4),
        (np.zeros((5, 5), np.float32), 4),
        (np.zeros((5, 5, 3), np.uint8), 4),
        (np.zeros((0, 0), np.uint8), 0),
        (np.zeros((12, 12), np.uint8), 9),
    )
    for pixels, k in cases:
        with pytest.raises(BadInput, match="scaled picture"):
            scaled.pdq_of_scaled(pixels, 10, 10, k)
