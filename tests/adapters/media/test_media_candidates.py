"""One decoder's refusal is not the last word: other kinds are tried, and a refusal names them."""

from collections.abc import Callable
from types import ModuleType

import pytest
from PIL import Image

from tutela.adapters.media.candidates import candidates
from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import PictureRefused
from tutela.hashing.model import Hashed, Unmatchable

Encode = Callable[..., bytes]


@pytest.fixture(scope="module")
def picture(drawing: ModuleType) -> Image.Image:
    image: Image.Image = drawing.draw("tiles", 5, (320, 240))
    return image


def hashed(jail: Jail, body: bytes) -> Hashed:
    found = jail.hash(body)
    assert isinstance(found, Hashed)
    return found


def names(head: bytes) -> list[str]:
    return [one.name for one in candidates(head)]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize(
    "junk",
    [
        b"\n",
        b"\r\n\r\n",
        b" " * 40,
        bytes(100),
        b"\xef\xbb\xbf",
        b"--part\r\n\r\n",
        b"\xff\xd8\xff",
        b"BM",
    ],
    ids=["newline", "blank line", "spaces", "zeros", "mark", "part", "JPEG's", "BMP's"],
)
def test_what_stands_before_a_picture_does_not_hide_it(
    jail: Jail, encode: Encode, picture: Image.Image, form: str, junk: bytes
) -> None:
    body = encode(picture, form)
    found = hashed(jail, junk + body)
    assert found.pdq == hashed(jail, body).pdq
    assert found.media_type == hashed(jail, body).media_type
    assert jail.full_view(junk + body) == jail.full_view(body)
    assert jail.facts(junk + body).width_px == 320


BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"mif2", b"miaf")


@pytest.mark.parametrize("brand", BRANDS)
def test_a_brand_of_another_picture_is_no_last_word(
    jail: Jail, encode: Encode, picture: Image.Image, brand: bytes
) -> None:
    body = encode(picture, "AVIF", quality=90)
    renamed = body[:8] + brand + body[12:]
    without = renamed[:16] + b"iso8" * ((int.from_bytes(body[:4]) - 16) // 4)
    without += renamed[len(without) :]
    for one in (renamed, without):
        found = hashed(jail, one)
        assert found.pdq == hashed(jail, body).pdq
        assert found.media_type == "image/avif"


@pytest.mark.parametrize("brand", [b"isom", b"mp42", b"abcd"])
def test_a_picture_under_the_brand_of_a_film_is_found(
    jail: Jail, encode: Encode, picture: Image.Image, brand: bytes
) -> None:
    body = encode(picture, "AVIF", quality=90)
    assert hashed(jail, body[:8] + brand + body[12:]).pdq == hashed(jail, body).pdq


def test_the_order_of_what_is_tried() -> None:
    ftyp = b"\0\0\0\x14ftyp"
    assert names(b"\xff\xd8\xff\xe0") == ["JPEG"]
    assert names(ftyp + b"heic" + bytes(8)) == ["HEIC", "AVIF"]
    assert names(ftyp + b"avif" + bytes(8)) == ["AVIF", "HEIC"]
    assert names(ftyp + b"isom" + bytes(8)) == ["MP4"]
    assert names(ftyp + b"heic" + bytes(8) + b"\0\0\0\x08moov") == ["HEIC", "AVIF", "MP4"]
    assert names(b"\0\0\1\0\1\0") == ["ICO"]
    assert names(b"BM" + bytes(20) + b"\x89PNG\r\n\x1a\n") == ["BMP", "PNG at byte 22"]
    assert names(b"%PDF-1.7") == []
    assert names(b"") == []


def test_a_refusal_names_what_was_tried(jail: Jail) -> None:
    body = b"\0\0\0\x14ftypheic\0\0\0\0mif1\0\0\0\x08moov" + b"no picture" * 100
    found = hashed(jail, body)
    assert found.unmatchable is Unmatchable.UNDECODABLE
    assert found.why.startswith("Tried as HEIC, AVIF and MP4. ")
    with pytest.raises(PictureRefused, match="HEIC, AVIF and MP4"):
        jail.full_view(body)
    broken = hashed(jail, b"BM" + b"GIF89a" + b"no picture" * 10)
    assert broken.why.startswith("Tried as BMP and GIF at byte 2. ")


def test_an_icon_is_a_picture_in_each_of_its_sizes(
    jail: Jail, encode: Encode, picture: Image.Image
) -> None:
    small = Image.effect_mandelbrot((64, 64), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    square = picture.resize((256, 256))
    body = encode(square, "ICO", sizes=[(256, 256), (64, 64)], append_images=[small])
    found = hashed(jail, body)
    assert found.media_type == "image/vnd.microsoft.icon"
    assert found.pdq
    still = hashed(jail, encode(square, "PNG")).pdq
    assert still
    assert found.pdq.distance_bits(still) <= 2
    assert found.pictures_total == 2
    [other] = found.further
    assert other.name == "image 2 of 2"
