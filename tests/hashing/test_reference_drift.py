"""The drift of the reference's running sums is measured as it is, and the bound holds above it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tutela.hashing import plain
from tutela.hashing.kernels import drift, lanes, spectrum
from tutela.hashing.kernels.pdq import FAR, GAP
from tutela.hashing.kernels.sizes import EXACT
from tutela.hashing.luma import raster
from tutela.hashing.pdq import answer, pdq
from tutela.primitives.compiling import kernel

Plane = NDArray[np.float32]
Pixels = NDArray[np.uint8]
READ = "Array(uint8, 1, 'C', readonly=True)"


@kernel("Tuple((float64, float64))(float32[:, ::1])")
def strayed(lines: Plane) -> tuple[float, float]:
    return drift.strayed(lines)


@kernel(f"Tuple((float64, float64))({READ}, int64, int64, int64, int64)")
def measured(
    flat: Pixels, stride: int, height: int, width: int, channels: int
) -> tuple[float, float]:
    return drift.drift(flat, (0, stride, channels, height, width), channels)


@kernel("(float32[:, ::1], float32[:, ::1])")
def turned(rows: Plane, columns: Plane) -> None:
    lanes.turn(rows, 1, 16, columns, 0, 0)


def slow_means(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Box means down the lines in double precision, each from its own window."""
    box, half = plain.window(len(lines)), (plain.window(len(lines)) + 2) // 2
    windows = [lines[max(0, y + half - box) : y + half] for y in range(len(lines))]
    return np.array([part.mean(axis=0) for part in windows])


def grain(height: int, width: int, base: int, period: int) -> Pixels:
    """Pale slow steps under a grain that repeats: sums round the same way again and again."""
    y, x = np.mgrid[:height, :width]
    pattern = np.random.default_rng(period).integers(0, 20, (period, period, 3))
    value = base - (x // 16 % 4)[..., None] * 2 - pattern[y % period, x % period]
    slow = ((x + y) // 900)[..., None]
    return np.asarray(np.clip(value - slow, 0, 255), dtype=np.uint8)


def test_sixteen_lines_are_turned() -> None:
    rows = np.arange(17 * 48, dtype=np.float32).reshape(17, 48)
    columns = np.zeros((16, 16), np.float32)
    turned(rows, columns)
    assert np.array_equal(columns, rows[1:17, 16:32].T)


@pytest.mark.parametrize("length", [70, 640, 1100])
def test_what_strays_is_single_against_double_precision(length: int) -> None:
    lines = plain.luma(grain(length, 16, 252, 7))
    off = plain.box_means(plain.box_means(lines)) - slow_means(slow_means(lines.astype(np.float64)))
    off = off[plain.centres(length)]
    waves = spectrum.COSINES.astype(np.float64) @ off
    expected = np.sqrt((waves**2).mean(axis=1)).max(), np.abs(off).max()
    assert np.allclose(strayed(lines), expected, rtol=1e-3, atol=1e-9)
    assert expected[1] > 0


def test_whole_greys_of_a_box_of_two_do_not_stray() -> None:
    seen = raster(grain(256, 256, 250, 9)[:, :, 0].copy())
    assert measured(seen.flat, seen.stride, seen.height, seen.width, seen.channels) == (0.0, 0.0)


@pytest.mark.parametrize("number", range(16))
@pytest.mark.parametrize("length", [5, 16, 64, 1000, 4032])
def test_a_line_that_is_looked_at_is_there_and_always_the_same(number: int, length: int) -> None:
    at = drift.place(number, length)
    assert 0 <= at < length
    assert at == drift.place(number, length)


@pytest.mark.parametrize(
    ("height", "width", "base", "period"),
    [(300, 500, 255, 9), (640, 640, 252, 13), (900, 1030, 255, 9), (1100, 700, 250, 12)],
)
def test_no_frequency_near_the_median_is_off_by_a_third_of_its_bound(
    height: int, width: int, base: int, period: int
) -> None:
    """Of the awkward pictures those that march; `plain` is the reference's order of sums."""
    pixels = grain(height, width, base, period)
    lines = plain.luma(pixels).astype(np.float64)
    for _ in range(2):
        lines = slow_means(slow_means(lines.T).T)
    true = lines[np.ix_(plain.centres(height), plain.centres(width))].astype(np.float32)
    theirs = plain.transform(plain.small_picture(pixels)).ravel()
    off = theirs - plain.transform(true).ravel()
    near = off[np.argsort(theirs)[120:136]]
    spread = float(near.max() - near.min())
    seen = raster(pixels)
    frequency, _ = measured(seen.flat, seen.stride, seen.height, seen.width, seen.channels)
    assert 3 * spread <= FAR * max(height, width)
    assert 3 * spread <= GAP + 2 * frequency
    assert pdq(pixels) == plain.pdq(pixels)


def test_a_long_picture_of_few_colours_takes_the_exact_path() -> None:
    pixels = grain(40, 3000, 255, 9)
    assert pdq(pixels) == plain.pdq(pixels)
    assert answer(raster(pixels), np.empty((1, 32), np.uint8)) & EXACT
