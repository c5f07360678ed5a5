"""The kernels equal plain numpy and the reference, whatever the size, layout and content."""

import importlib.util
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from tutela.hashing import plain, selftest
from tutela.hashing.dihedral import all_of, dihedral
from tutela.hashing.kernels.luma import bright
from tutela.hashing.kernels.sizes import EXACT
from tutela.hashing.luma import raster
from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.hashing.pdq import answer, hash_of_small, pdq

Pixels = NDArray[np.uint8]
needs_reference = pytest.mark.skipif(
    importlib.util.find_spec("pdqhash") is None,
    reason="the reference package pdqhash could not be built (it needs a C++ compiler)",
)
FORMS = ("noise", "smooth", "dither", "nearly white", "flat", "one pixel", "stripes")


def reference(pixels: Pixels) -> Pdq:
    bits, quality = importlib.import_module("pdqhash").compute(np.ascontiguousarray(pixels))
    return Pdq(np.packbits(bits.astype(np.uint8)).tobytes(), int(quality))


def reference_eight(pixels: Pixels) -> tuple[Pdq, ...]:
    """What `pdqhash` says of the turned and mirrored pixels, in the order of `DIHEDRAL`."""
    half = np.rot90(pixels, 2)
    turns = [pixels, np.rot90(pixels), half, np.rot90(pixels, 3)]
    mirrors = [pixels[::-1], pixels[:, ::-1], pixels.swapaxes(0, 1), half.swapaxes(0, 1)]
    return tuple(reference(each) for each in [*turns, *mirrors])


def smooth(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """Clouds between 0 and 1 in three planes."""
    side = int(rng.integers(2, 24))
    coarse = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image) / 255.0


def made(form: str, height: int, width: int, rng: np.random.Generator) -> Pixels:
    y, x = np.mgrid[:height, :width]
    if form == "noise":
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if form == "smooth":
        return (smooth(rng, height, width) * 255).astype(np.uint8)
    if form == "dither":  # flat steps with a pattern that repeats
        side = int(rng.integers(2, 9))
        pattern = rng.permutation(side * side).reshape(side, side) / side**2
        levels = smooth(rng, height, width) * 15 + pattern[y % side, x % side][:, :, np.newaxis]
        return np.clip(np.floor(levels) * 16, 0, 255).astype(np.uint8)
    if form == "nearly white":
        grain = (x // rng.integers(1, 6) + y // rng.integers(1, 6)) % 2 * rng.integers(1, 8)
        pale = 255 - np.floor(smooth(rng, height, width) * 20) - grain[:, :, np.newaxis]
        return np.clip(pale, 0, 255).astype(np.uint8)
    if form == "stripes":
        wide = int(rng.integers(1, 20))
        return np.repeat(((x + y // 3) // wide % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)
    canvas = np.full((height, width, 3), rng.integers(0, 256, 3), dtype=np.uint8)
    if form == "one pixel":
        canvas[rng.integers(height), rng.integers(width)] ^= 255
    return canvas


def samples() -> list[Path]:
    """The benign pictures inside the wheels of scikit-image and scikit-learn."""
    found: list[Path] = []
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        found_at = importlib.util.find_spec(package)  # nothing of it is loaded: that takes seconds
        assert found_at is not None
        below = Path(found_at.origin or "").parent / folder
        found += sorted([*below.glob("*.png"), *below.glob("*.jpg")])
    return found


@needs_reference
@pytest.mark.parametrize(
    ("longest", "count"), [(24, 1300), (140, 670), (500, 28), (1500, 3)], ids=str
)
def test_two_thousand_drawn_sizes_equal_the_reference(longest: int, count: int) -> None:
    rng = np.random.default_rng(longest)
    for number in range(count):
        height, width = (int(side) for side in rng.integers(1, longest + 1, 2))
        form = FORMS[number % len(FORMS)]
        pixels = made(form, height, width, rng)
        assert pdq(pixels) == reference(pixels), (form, height, width)
        if number % 10 == 0:
            assert dihedral(pixels) == reference_eight(pixels), (form, height, width)


@needs_reference
@pytest.mark.parametrize(
    ("height", "width"),
    [(5, 4000), (4000, 5), (4000, 31), (17, 3999), (1023, 1025), (2049, 640), (4000, 3000)],
)
def test_long_sides_equal_the_reference(height: int, width: int) -> None:
    rng = np.random.default_rng(height)
    form = FORMS[(height + width) % 4]
    pixels = made(form, height, width, rng)
    assert pdq(pixels) == reference(pixels)


@needs_reference
@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_crops_and_resizes_of_benign_samples_equal_the_reference(path: Path) -> None:
    rng = np.random.default_rng(len(path.name))
    with Image.open(path) as image:
        colour = image.convert("RGB")
    for _ in range(6):
        left, right = sorted(int(x) for x in rng.integers(0, colour.width + 1, 2))
        top, bottom = sorted(int(y) for y in rng.integers(0, colour.height + 1, 2))
        crop = np.asarray(colour)[top : bottom + 5, left : right + 5]
        if min(crop.shape[:2]) > 0:
            assert pdq(crop) == reference(crop)
        size = tuple(int(side) for side in rng.integers(5, 400, 2))
        resized = np.asarray(colour.resize(size))
        assert pdq(resized) == reference(resized)


@settings(max_examples=120, deadline=None)
@given(
    st.data(), st.integers(1, 200), st.integers(1, 200), st.sampled_from(FORMS), st.integers(0, 999)
)
def test_kernels_equal_plain_numpy(
    data: st.DataObject, height: int, width: int, form: str, seed: int
) -> None:
    pixels = made(form, height, width, np.random.default_rng(seed))
    if data.draw(st.booleans(), label="grey"):
        pixels = np.ascontiguousarray(pixels[:, :, 0])
    assert pdq(pixels) == plain.pdq(pixels)
    assert all_of(pixels) == (plain.pdq(pixels), plain.dihedral(pixels))


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        (64, 64),
        elements=st.one_of(
            st.sampled_from([0.0, -0.0, 255.0, 2.55, 5.1]), st.floats(0, 255, width=32)
        ),
    )
)
def test_steps_after_the_small_picture_equal_plain_numpy(small: NDArray[np.float32]) -> None:
    assert hash_of_small(small) == plain.hash_of_small(small)


def test_brightness_of_every_colour_is_that_of_double_precision() -> None:
    green, blue = np.mgrid[0:256, 0:256].astype(np.uint8)
    row = np.empty((1 << 16, 3), np.uint8)
    row[:, 1], row[:, 2] = green.ravel(), blue.ravel()
    found = np.empty(1 << 16, np.float32)
    for red in range(256):
        row[:, 0] = red
        bright(row.reshape(-1), 1 << 16, 3, found)
        assert np.array_equal(found, plain.luma(row[np.newaxis])[0])


def test_brightness_of_every_grey_is_itself() -> None:
    grey = np.arange(256, dtype=np.uint8)
    for channels in (1, 3, 4):
        found = np.empty(256, np.float32)
        bright(np.repeat(grey, channels), 256, channels, found)
        assert np.array_equal(found, grey.astype(np.float32))


@pytest.mark.parametrize("size", [(64, 64), (64, 70), (120, 333), (7, 9)])
def test_layout_and_channels_change_nothing(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = all_of(pixels)
    with_fourth = np.dstack([pixels, rng.integers(0, 256, size, dtype=np.uint8)])
    frozen = pixels.copy()
    frozen.flags.writeable = False
    wide = np.zeros((size[0] * 2, size[1] + 9, 3), np.uint8)
    wide[::2, 4 : size[1] + 4] = pixels
    for same in (
        with_fourth,
        frozen,
        wide[::2, 4 : size[1] + 4],
        np.asfortranarray(pixels),
        np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape),
    ):
        assert all_of(same) == expected
        assert pdq(same) == expected[0]


def test_contiguous_pixels_are_not_copied() -> None:
    for shape in ((30, 40), (30, 40, 3), (30, 40, 4)):
        pixels = np.zeros(shape, np.uint8)
        assert np.shares_memory(raster(pixels).flat, pixels)


def test_many_threads_hash_as_one() -> None:
    rng = np.random.default_rng(2)
    pictures = [
        made(form, 200 + 9 * number, 150, rng)
        for number, form in itertools.product(range(4), FORMS)
    ]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(all_of, pictures * 3)) == [all_of(one) for one in pictures] * 3


def took_exact(pixels: Pixels) -> bool:
    return bool(answer(raster(pixels), np.empty((1, PDQ_BYTES), np.uint8)) & EXACT)


def test_the_exact_path_is_rare_in_pictures_with_detail() -> None:
    """Counted, not timed: the exact path costs several times the fast one."""
    rng = np.random.default_rng(3)
    taken = [
        took_exact(made("noise", *(int(side) for side in rng.integers(70, 300, 2)), rng))
        for _ in range(200)
    ]
    assert sum(taken) <= 40


@pytest.mark.parametrize("form", ["flat", "stripes"])
def test_pictures_without_detail_always_take_the_exact_path(form: str) -> None:
    for height, width in ((5, 5), (30, 400), (65, 64), (900, 300)):
        pixels = made("flat", height, width, np.random.default_rng(4))
        pixels[:, : width // 2 if form == "stripes" else 0] ^= 255
        assert took_exact(pixels)


def test_this_machine_passes_its_own_test() -> None:
    assert selftest.run() == []


def test_the_self_test_sees_a_wrong_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "_SIZES", ((64, 65),))
    monkeypatch.setattr(selftest, "_FORMS", ("waves",))
    right = selftest.pdq

    def wrong(pixels: Pixels) -> Pdq:
        found = right(pixels)
        return Pdq(bytes([found.bits[0] ^ 1]) + found.bits[1:], found.quality)

    monkeypatch.setattr(selftest, "pdq", wrong)
    failures = selftest.run()
    assert failures
    assert all(line.startswith("waves, 65 x 64 pixels: ") for line in failures)
    assert any("pdqhash" in line for line in failures)
