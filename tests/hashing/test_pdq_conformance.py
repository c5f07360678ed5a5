"""PDQ equals `pdqhash` bit for bit, quality included, of turned and mirrored pixels, too."""

import hashlib
import importlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tutela.hashing.dihedral import all_of, dihedral, turned
from tutela.hashing.model import DIHEDRAL, Pdq
from tutela.hashing.pdq import pdq
from tutela.primitives.errors import BadInput

Pixels = NDArray[np.uint8]
needs_reference = pytest.mark.skipif(
    importlib.util.find_spec("pdqhash") is None,
    reason="the reference package pdqhash could not be built (it needs a C++ compiler)",
)
FORMS = ("noise", "flat", "gradient", "waves", "stripes", "black", "dots")


def made(form: str, height: int, width: int, seed: int) -> Pixels:
    """Pixels of awkward kinds: full of ties, without detail, or nothing but detail."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    if form == "noise":
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if form == "flat":
        return np.full((height, width, 3), rng.integers(0, 256, 3), dtype=np.uint8)
    if form == "gradient":
        planes = [x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x + y) % 256]
        return np.stack(planes, axis=-1).astype(np.uint8)
    if form == "waves":
        wide = rng.uniform(1, 40, 6)
        planes = [127 + 127 * np.sin(x / wide[i]) * np.cos(y / wide[i + 3]) for i in range(3)]
        return np.stack(planes, axis=-1).astype(np.uint8)
    if form == "stripes":
        return np.repeat((x // 7 % 2 * 255).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    if form == "dots":
        canvas[rng.integers(0, height, 9), rng.integers(0, width, 9)] = 255
    return canvas


def reference(pixels: Pixels) -> Pdq:
    bits, quality = importlib.import_module("pdqhash").compute(pixels)
    return Pdq(np.packbits(bits.astype(np.uint8)).tobytes(), int(quality))


TURNS = {
    "original": lambda a: a,
    "rotate90": lambda a: np.rot90(a, 1),
    "rotate180": lambda a: np.rot90(a, 2),
    "rotate270": lambda a: np.rot90(a, 3),
    "flip_x": lambda a: a[::-1],
    "flip_y": lambda a: a[:, ::-1],
    "flip_plus1": lambda a: a.swapaxes(0, 1),
    "flip_minus1": lambda a: np.rot90(a, 2).swapaxes(0, 1),
}


def reference_of_turned(pixels: Pixels) -> tuple[Pdq, ...]:
    """What `pdqhash` says of the turned pixels themselves, not of turned frequencies."""
    return tuple(reference(np.ascontiguousarray(TURNS[name](pixels))) for name in DIHEDRAL)


def assert_equal(pixels: Pixels) -> None:
    assert pdq(pixels) == reference(pixels)
    assert dihedral(pixels) == reference_of_turned(pixels)


@pytest.mark.parametrize("size", [(64, 64), (64, 65), (3, 9), (120, 200)])
def test_all_from_one_reading_equals_each_alone(size: tuple[int, int]) -> None:
    pixels = made("stripes", *size, 3)
    assert all_of(pixels) == (pdq(pixels), dihedral(pixels))


SIDES = st.one_of(st.integers(1, 12), st.integers(5, 150), st.integers(5, 700))


@needs_reference
@settings(max_examples=90, deadline=None)
@given(st.sampled_from(FORMS), SIDES, SIDES, st.integers(0, 1 << 16))
@example("waves", 64, 64, 1)
@example("flat", 64, 64, 2)
@example("noise", 64, 63, 3)
@example("noise", 128, 129, 3)
@example("noise", 4, 400, 4)
@example("noise", 400, 4, 4)
@example("black", 1, 1, 5)
@example("noise", 1, 1, 5)
@example("waves", 5, 5, 6)
@example("waves", 700, 5, 7)
@example("waves", 5, 700, 8)
def test_equals_the_reference(form: str, height: int, width: int, seed: int) -> None:
    assert_equal(made(form, height, width, seed))


@needs_reference
@pytest.mark.parametrize(
    ("height", "width"),
    [(1023, 40), (1024, 40), (1025, 40), (2049, 17), (9, 3000), (3000, 9), (1100, 1300)],
)
def test_equals_the_reference_across_block_borders(height: int, width: int) -> None:
    assert_equal(made("noise", height, width, 11))


def samples() -> list[Path]:
    """The benign pictures inside the wheels of scikit-image and scikit-learn."""
    found: list[Path] = []
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = importlib.util.find_spec(package)
        assert spec
        assert spec.origin
        below = Path(spec.origin).parent / folder
        found += sorted([*below.glob("*.png"), *below.glob("*.jpg")])
    return found


@needs_reference
@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_equals_the_reference_on_benign_samples(path: Path) -> None:
    with Image.open(path) as image:
        assert_equal(np.asarray(image.convert("RGB")))


def test_the_samples_are_there() -> None:
    names = {path.name for path in samples()}
    assert {"astronaut.png", "chelsea.png", "china.jpg", "flower.jpg"} <= names


@pytest.mark.parametrize("number", range(42))
def test_golden_hashes(number: int, drawing: ModuleType) -> None:
    """Pixels and hashes of the drawn pictures are those written in vectors/pdq.json."""
    row = json.loads(drawing.GOLDEN.read_text())[number]
    size = (row["width"], row["height"])
    assert drawing.golden_pictures()[number] == (row["kind"], row["seed"], size)
    pixels = np.asarray(drawing.draw(row["kind"], row["seed"], size))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == row["pixels_sha256"]
    found = pdq(pixels)
    assert (found.hex, found.quality) == (row["pdq"], row["quality"])
    assert [each.hex for each in dihedral(pixels)] == row["dihedral"]
    assert reference(pixels) == found


def test_the_golden_file_is_what_the_script_writes(drawing: ModuleType) -> None:
    assert len(json.loads(drawing.GOLDEN.read_text())) == len(drawing.golden_pictures()) == 42


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 90), st.integers(5, 90), st.integers(0, 1 << 16))
def test_a_grey_plane_hashes_as_the_same_grey_in_colour(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assert pdq(grey) == pdq(np.repeat(grey[:, :, np.newaxis], 3, axis=2))


@pytest.mark.parametrize("name", DIHEDRAL)
def test_turning_the_pixels_is_what_its_name_says(name: str) -> None:
    pixels = made("noise", 9, 14, 1)
    assert np.array_equal(turned(pixels, name), TURNS[name](pixels))
    assert np.array_equal(turned(pixels[:, :, 0], name), TURNS[name](pixels[:, :, 0]))


@pytest.mark.parametrize("kind", ["plasma", "tiles"])
@pytest.mark.parametrize("size", [(512, 384), (387, 250), (64, 64), (65, 63)])
def test_every_turned_copy_of_a_listed_picture_is_met_at_distance_0(
    kind: str, size: tuple[int, int], drawing: ModuleType
) -> None:
    """Seven of thirty were missed by turning signs of frequencies (the reference's own way)."""
    listed = np.asarray(drawing.draw(kind, 5, size))
    original = pdq(listed)
    for name, act in TURNS.items():
        upload = np.ascontiguousarray(act(listed))
        distances = [each.distance_bits(original) for each in dihedral(upload)]
        assert min(distances) == 0, name


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8, 5), dtype=np.uint8),
        np.zeros((8, 8), dtype=np.float32),
        np.zeros(8, dtype=np.uint8),
        np.zeros((8, 8, 3), dtype=np.uint16),
    ],
    ids=["five channels", "floats", "one axis", "wide numbers"],
)
def test_what_are_no_pixels_is_refused(pixels: NDArray) -> None:
    with pytest.raises(BadInput):
        pdq(pixels)
    with pytest.raises(BadInput):
        dihedral(pixels)
