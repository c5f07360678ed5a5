"""However a picture is stored, its hash is that of the plain picture, or very near it."""

import io
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tutela.adapters.media.jail import Jail
from tutela.hashing.model import DIHEDRAL, Pdq, Unmatchable

Encode = Callable[..., bytes]
Make = Callable[[Image.Image, Encode], bytes]


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


def with_alpha(image: Image.Image, alpha: int) -> Image.Image:
    seen = image.convert("RGBA")
    seen.putalpha(alpha)
    return seen


def colour_key(image: Image.Image, encode: Encode) -> bytes:
    return encode(image, "PNG", transparency=(1, 2, 3))


FORMS: dict[str, tuple[int, Make]] = {
    "bmp": (0, lambda im, enc: enc(im, "BMP")),
    "tiff lzw": (0, lambda im, enc: enc(im, "TIFF", compression="tiff_lzw")),
    "tiff tiled by deflate": (0, lambda im, enc: enc(im, "TIFF", compression="tiff_adobe_deflate")),
    "webp lossless": (0, lambda im, enc: enc(im, "WEBP", lossless=True)),
    "webp": (4, lambda im, enc: enc(im, "WEBP")),
    "jpeg": (4, lambda im, enc: enc(im, "JPEG", quality=90)),
    "jpeg progressive": (6, lambda im, enc: enc(im, "JPEG", progressive=True)),
    "cmyk jpeg": (4, lambda im, enc: enc(im.convert("CMYK"), "JPEG", quality=95)),
    "cmyk tiff": (2, lambda im, enc: enc(im.convert("CMYK"), "TIFF")),
    "ycbcr tiff": (4, lambda im, enc: enc(im.convert("YCbCr"), "TIFF")),
    "palette png": (10, lambda im, enc: enc(im.quantize(256), "PNG")),
    "palette with alpha": (
        10,
        lambda im, enc: enc(im.quantize(256), "PNG", transparency=bytes([255] * 256)),
    ),
    "gif": (10, lambda im, enc: enc(im, "GIF")),
    "grey png": (4, lambda im, enc: enc(im.convert("L"), "PNG")),
    "grey with alpha": (4, lambda im, enc: enc(im.convert("LA"), "PNG")),
    "opaque alpha": (0, lambda im, enc: enc(im.convert("RGBA"), "PNG")),
    "nearly opaque": (4, lambda im, enc: enc(with_alpha(im, 250), "PNG")),
    "half transparent": (6, lambda im, enc: enc(with_alpha(im, 128), "PNG")),
    "hidden by transparency": (0, lambda im, enc: enc(with_alpha(im, 0), "PNG")),
    "webp with alpha": (6, lambda im, enc: enc(with_alpha(im, 200), "WEBP")),
    "transparent colour": (0, colour_key),
    "16 bit png": (
        4,
        lambda im, enc: enc(Image.fromarray(grey(im).astype(np.uint16) * 257), "PNG"),
    ),
    "16 bit tiff": (
        4,
        lambda im, enc: enc(Image.fromarray(grey(im).astype(np.uint16) << 8), "TIFF"),
    ),
    "32 bit tiff": (
        4,
        lambda im, enc: enc(Image.fromarray(grey(im).astype(np.int32) * 70_000), "TIFF"),
    ),
    "floating tiff": (
        4,
        lambda im, enc: enc(Image.fromarray(grey(im).astype(np.float32) / 255), "TIFF"),
    ),
    "one bit png": (16, lambda im, enc: enc(im.convert("1"), "PNG")),
    "one bit tiff": (16, lambda im, enc: enc(im.convert("1"), "TIFF", compression="group4")),
}


@pytest.fixture(scope="module")
def picture(drawing: ModuleType) -> Image.Image:
    drawn: Image.Image = drawing.draw("shapes", 8, (430, 350))
    return drawn


@pytest.fixture(scope="module")
def plain(picture: Image.Image, encode: Encode, jail: Jail) -> Pdq:
    return hash_of(jail, encode(picture, "PNG"))


def hash_of(jail: Jail, data: bytes) -> Pdq:
    found = jail.hash(data)
    assert found.pdq, found
    assert found.unmatchable is None
    return found.pdq


@pytest.mark.parametrize("form", FORMS)
def test_each_way_of_storing_hashes_alike(
    form: str, picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    limit_bits, make = FORMS[form]
    assert hash_of(jail, make(picture, encode)).distance_bits(plain) <= limit_bits


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_many_frames_the_first_is_hashed(
    form: str, picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    others = [picture.transpose(Image.Transpose.ROTATE_180), picture.convert("L").convert("RGB")]
    data = encode(picture, form, save_all=True, append_images=others, **options)
    limit_bits = 10 if form == "GIF" else 0
    assert hash_of(jail, data).distance_bits(plain) <= limit_bits
    assert jail.facts(data).frames == 3


def test_orientation_does_not_turn_the_pixels_but_a_dihedral_hash_fits(
    picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    """Stored turned by 90 degrees with a note to turn back: as stored, as peers hash it."""
    note = Image.Exif()
    note[0x0112] = 6
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    data = encode(turned, "PNG", exif=note.tobytes())
    found = jail.hash(data, dihedral=True)
    assert found.pdq == hash_of(jail, encode(turned, "PNG"))
    assert found.pdq.distance_bits(plain) > 60
    distances = [one.distance_bits(plain) for one in found.dihedral]
    assert min(distances) <= 16
    assert DIHEDRAL[distances.index(min(distances))] == "rotate270"


def test_an_inverted_16_bit_tiff_is_turned_right(
    picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    negative = 65_535 - grey(picture).astype(np.uint16) * 257
    data = encode(Image.fromarray(negative), "TIFF", tiffinfo={262: 0})
    assert Image.open(io.BytesIO(data)).tag_v2[262] == 0
    assert hash_of(jail, data).distance_bits(plain) <= 4


def test_a_picture_of_nothing_but_transparency_is_not_comparable(
    jail: Jail, encode: Encode
) -> None:
    found = jail.hash(encode(Image.new("RGBA", (200, 200), (7, 7, 7, 0)), "PNG"))
    assert found.unmatchable in {Unmatchable.LOW_QUALITY, Unmatchable.DEGENERATE}


def test_numbers_that_are_no_numbers_do_not_stop_it(
    picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    values = grey(picture).astype(np.float32)
    values[0, :4] = (np.nan, np.inf, -np.inf, 3.0)
    found = hash_of(jail, encode(Image.fromarray(values), "TIFF"))
    assert found.distance_bits(plain) <= 6


def test_the_colour_profile_is_ignored(
    picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    from PIL import ImageCms  # noqa: PLC0415 - only here

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert hash_of(jail, encode(picture, "PNG", icc_profile=profile)) == plain
