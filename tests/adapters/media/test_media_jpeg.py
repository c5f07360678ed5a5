"""JPEG: the same pixels as Pillow's however it is stored, and fewer of them in fast mode."""

import io
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tutela.adapters.media import jpeg
from tutela.adapters.media.jail import Jail
from tutela.hashing.model import MIN_QUALITY, Hashed, Mode
from tutela.hashing.pdq import pdq

Encode = Callable[..., bytes]

WAYS: dict[str, dict[str, Any]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "progressive 4:4:4": {"progressive": True, "subsampling": 0},
    "restart markers": {"restart_marker_blocks": 3},
    "restart rows": {"restart_marker_rows": 1, "progressive": True},
    "stored as RGB": {"keep_rgb": True, "subsampling": 0},
    "optimized": {"optimize": True},
    "worst": {"quality": 1},
    "best": {"quality": 100, "subsampling": 0},
}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["JPEG"])


def assert_equal_to_pillow(data: bytes) -> None:
    found = jpeg.exact(data, opened(data))
    assert found is not None
    np.testing.assert_array_equal(found, np.asarray(opened(data)))


COLOURED = {"stored as RGB"}
"""Of grey there are no colours to store."""


@pytest.mark.parametrize(
    ("mode", "way"),
    [("RGB", way) for way in WAYS] + [("L", way) for way in WAYS if way not in COLOURED],
)
def test_pixels_equal_pillows(mode: str, way: str, drawing: ModuleType, encode: Encode) -> None:
    image = drawing.draw("shapes", 3, (301, 203)).convert(mode)
    chance = random.Random(way)  # noqa: S311 - which sizes
    sizes = [(1, 1), (7, 9), (8, 8), (16, 17), (33, 16), (301, 203)]
    sizes += [(chance.randint(1, 301), chance.randint(1, 203)) for _ in range(12)]
    for size in sizes:
        options = {"quality": chance.choice([30, 75, 92]), **WAYS[way]}
        assert_equal_to_pillow(encode(image.crop((0, 0, *size)), "JPEG", **options))


def test_pixels_equal_pillows_of_benign_samples(encode: Encode) -> None:
    data = pytest.importorskip("skimage.data")
    for name in ("astronaut", "chelsea", "coffee", "camera"):
        try:
            image = Image.fromarray(getattr(data, name)())
        except OSError:  # not in the package, would be fetched from outside
            continue
        for quality in (20, 75, 95):
            assert_equal_to_pillow(encode(image, "JPEG", quality=quality))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_colours_for_print_are_left_to_pillow(
    mode: str, drawing: ModuleType, encode: Encode, jail: Jail
) -> None:
    image = drawing.draw("shapes", 8, (430, 350))
    data = encode(image.convert(mode), "JPEG", quality=95)
    decoded = jpeg.exact(data, opened(data))
    assert (decoded is None) == (mode == "CMYK")
    for asked in Mode:
        found = jail.hash(data, mode=asked)
        assert isinstance(found, Hashed)
        assert found.pdq
        assert found.pdq.distance_bits(pdq(np.asarray(image))) <= 4
        if mode == "CMYK":
            assert found.mode is Mode.EXACT


def test_what_is_doubtful_is_left_to_pillow(drawing: ModuleType, encode: Encode) -> None:
    data = encode(drawing.draw("tiles", 3, (300, 280)), "JPEG")
    image = opened(data)
    assert jpeg.exact(data[:-2], image) is None  # no end marker: a warning
    assert jpeg.exact(data[: len(data) // 2], image) is None
    assert jpeg.grey_at(data[: len(data) // 2], image, 8) is None
    other = opened(encode(drawing.draw("tiles", 3, (300, 290)), "JPEG"))
    assert jpeg.exact(data, other) is None  # another size than the header that was checked
    assert jpeg.grey_at(data, other, 8) is None
    grey = opened(encode(drawing.draw("tiles", 3, (300, 280)).convert("L"), "JPEG"))
    assert jpeg.exact(data, grey) is None
    assert jpeg.grey_at(data, grey, 8) is None


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_fuzz_a_damaged_jpeg_gives_pillows_pixels_or_none(
    data: st.DataObject, drawing: ModuleType, encode: Encode
) -> None:
    way = data.draw(st.sampled_from(sorted(WAYS)))
    body = bytearray(encode(drawing.draw("tiles", 1, (48, 40)), "JPEG", **WAYS[way]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(2, len(body) - 1))
        if data.draw(st.booleans()):
            body[place] = data.draw(st.integers(0, 255))
        else:
            del body[place : place + data.draw(st.integers(1, 40))]
    damaged = bytes(body)
    try:
        image = opened(damaged)
        if image.width * image.height > 1_000_000:
            return
        found = jpeg.exact(damaged, image)
    except Exception:  # noqa: BLE001 - Pillow raises almost anything; then nothing is decoded
        return
    if found is not None:
        np.testing.assert_array_equal(found, np.asarray(opened(damaged)))


def test_fast_mode_moves_few_bits_and_says_so(
    drawing: ModuleType, encode: Encode, jail: Jail
) -> None:
    moved = []
    for kind in drawing.KINDS:
        for size in ((700, 520), (1500, 1100)):
            data = encode(drawing.draw(kind, 4, size), "JPEG", quality=88)
            exact, fast = jail.hash(data, dihedral=True), jail.hash(data, mode=Mode.FAST)
            turned = jail.hash(data, mode=Mode.FAST, dihedral=True)
            assert isinstance(exact, Hashed)
            assert isinstance(fast, Hashed)
            assert isinstance(turned, Hashed)
            assert exact.pdq
            assert fast.pdq
            assert (exact.mode, fast.mode) == (Mode.EXACT, Mode.FAST)
            assert exact.pipeline == jail.pipeline
            assert fast.pipeline == jail.fast_pipeline
            assert fast.pipeline.startswith("tutela-fast/1+pillow-")
            assert (fast.width_px, fast.height_px) == size
            assert fast.digests == exact.digests
            assert turned.pdq == turned.dihedral[0] == fast.pdq
            if exact.pdq.quality >= MIN_QUALITY:
                moved.append(exact.pdq.distance_bits(fast.pdq))
                pairs = zip(exact.dihedral, turned.dihedral, strict=True)
                assert max(one.distance_bits(other) for one, other in pairs) <= 8
    assert len(moved) > 12
    assert max(moved) <= 8
    assert sum(moved) / len(moved) <= 1.2


def test_fast_mode_is_exact_where_it_does_not_pay(
    drawing: ModuleType, encode: Encode, jail: Jail
) -> None:
    image = drawing.draw("tiles", 4, (300, 127))
    for form in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = encode(image, form)
        assert jail.hash(data, mode=Mode.FAST) == jail.hash(data)
    stored = encode(drawing.draw("tiles", 4, (600, 500)), "JPEG", keep_rgb=True, subsampling=0)
    assert jail.hash(stored, mode=Mode.FAST) == jail.hash(stored)


def test_fast_mode_of_grey(drawing: ModuleType, encode: Encode, jail: Jail) -> None:
    data = encode(drawing.draw("shapes", 4, (600, 500)).convert("L"), "JPEG")
    exact, fast = jail.hash(data), jail.hash(data, mode=Mode.FAST)
    assert isinstance(exact, Hashed)
    assert isinstance(fast, Hashed)
    assert exact.pdq
    assert fast.pdq
    assert fast.mode is Mode.FAST
    assert exact.pdq.distance_bits(fast.pdq) <= 4


def test_half_a_jpeg_is_refused_in_both_modes(
    drawing: ModuleType, encode: Encode, jail: Jail
) -> None:
    data = encode(drawing.draw("tiles", 3, (700, 600)), "JPEG")
    for mode in Mode:
        found = jail.hash(data[: len(data) // 2], mode=mode)
        assert isinstance(found, Hashed)
        assert found.pdq is None
        assert found.pipeline == jail.pipeline


def test_orientation_is_ignored(drawing: ModuleType, encode: Encode, jail: Jail) -> None:
    image = drawing.draw("tiles", 3, (700, 600))
    note = Image.Exif()
    note[0x0112] = 6
    for mode in Mode:
        plain = jail.hash(encode(image, "JPEG"), mode=mode)
        noted = jail.hash(encode(image, "JPEG", exif=note.tobytes()), mode=mode)
        assert isinstance(plain, Hashed)
        assert isinstance(noted, Hashed)
        assert plain.pdq == noted.pdq


def test_a_size_that_is_too_large_is_refused_before_decoding(jail: Jail, encode: Encode) -> None:
    data = bytearray(encode(Image.new("RGB", (16, 16)), "JPEG"))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = (30_000).to_bytes(2) * 2
    for mode in Mode:
        found = jail.hash(bytes(data), mode=mode)
        assert isinstance(found, Hashed)
        assert "100,000,000 pixels" in found.why
