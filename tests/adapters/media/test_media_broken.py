"""Metadata never decides, and what browsers show of a file that is cut off is hashed.

Every chunk and segment beside the pixels is made huge, short, garbage, doubled and put elsewhere,
and every kind of file is cut. Chromium draws all PNG and JPEG with such metadata
(`docs/records/what-broke/pictures.md`).
"""

import io
import struct
import zlib
from collections.abc import Callable
from types import ModuleType

import pytest
from PIL import Image

from tutela.adapters.media.jail import Jail
from tutela.hashing.model import FormKind, Hashed, Mode, Unmatchable

Encode = Callable[..., bytes]
SIZE = (320, 240)
MIB = 1 << 20
END = b"\0\0\0\0IEND\xaeB`\x82"

ANCILLARY = (
    b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"tEXt", b"zTXt", b"iTXt", b"bKGD",
    b"hIST", b"pHYs", b"sPLT", b"tIME", b"eXIf", b"tRNS", b"acTL", b"vpAg", b"caBX",
)  # fmt: skip


def chunk(name: bytes, data: bytes, *, check: int | None = None) -> bytes:
    right = zlib.crc32(name + data) if check is None else check
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", right)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda name: chunk(name, b""),
    "short": lambda name: chunk(name, b"\1"),
    "garbage": lambda name: chunk(name, bytes(range(256))),
    "wrong checksum": lambda name: chunk(name, b"\0\0\0\1", check=7),
    "doubled": lambda name: chunk(name, b"\0\0\0\1\0\0\0\1\0") * 2,
    "huge": lambda name: chunk(name, b"x" * (3 * MIB)),
    "a bomb": lambda name: chunk(name, b"name\0\0" + zlib.compress(bytes(30 * MIB))),
    "a bomb of text": lambda name: chunk(
        name, b"name\0\1\0\0\0" + zlib.compress(b"x" * (30 * MIB))
    ),
}


@pytest.fixture(scope="module")
def picture(drawing: ModuleType) -> Image.Image:
    image: Image.Image = drawing.draw("tiles", 5, SIZE)
    return image


@pytest.fixture(scope="module")
def png(picture: Image.Image, encode: Encode) -> bytes:
    return encode(picture, "PNG")


def hashed(jail: Jail, body: bytes, *, mode: Mode = Mode.EXACT) -> Hashed:
    found = jail.hash(body, mode=mode)
    assert isinstance(found, Hashed)
    return found


def bits_off(one: Hashed, other: Hashed) -> int:
    assert one.pdq
    assert other.pdq
    return one.pdq.distance_bits(other.pdq)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", ["after the header", "before the end", "after the end"])
def test_no_chunk_beside_the_pixels_decides_over_a_png(
    jail: Jail, png: bytes, damage: str, place: str
) -> None:
    whole = hashed(jail, png)
    at = {"after the header": 33, "before the end": len(png) - len(END), "after the end": len(png)}
    for name in ANCILLARY:
        body = png[: at[place]] + DAMAGES[damage](name) + png[at[place] :]
        found = hashed(jail, body)
        assert found.pdq, (name, found.why)
        assert bits_off(found, whole) <= 4, name
        assert not found.truncated, name


def test_all_of_them_at_once(jail: Jail, png: bytes) -> None:
    broken = b"".join(DAMAGES["short"](name) + DAMAGES["garbage"](name) for name in ANCILLARY)
    body = png[:33] + broken + png[33:-12] + broken + END
    assert hashed(jail, body).pdq == hashed(jail, png).pdq
    assert jail.full_view(body) == jail.full_view(png)
    assert jail.facts(body).width_px == SIZE[0]


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND"])
def test_a_wrong_checksum_of_the_pixels_themselves_is_no_reason_either(
    jail: Jail, png: bytes, name: bytes
) -> None:
    at = png.index(name)
    end = at + 4 + int.from_bytes(png[at - 4 : at])
    body = png[:end] + b"oops" + png[end + 4 :]
    assert hashed(jail, body).pdq == hashed(jail, png).pdq


def test_a_palette_keeps_its_colours_and_its_transparency(
    jail: Jail, picture: Image.Image, encode: Encode
) -> None:
    body = encode(picture.quantize(64), "PNG", transparency=bytes([128] * 64))
    broken = body[:33] + DAMAGES["short"](b"tIME") + DAMAGES["garbage"](b"sRGB") + body[33:]
    assert hashed(jail, broken).pdq == hashed(jail, body).pdq


def test_an_animation_with_broken_metadata_keeps_its_frames(
    jail: Jail, drawing: ModuleType
) -> None:
    images = [drawing.draw("tiles", seed, SIZE) for seed in (5, 6, 7)]
    held = io.BytesIO()
    images[0].save(held, "PNG", save_all=True, append_images=images[1:])
    body = held.getvalue()
    broken = body[:33] + DAMAGES["short"](b"gAMA") + DAMAGES["short"](b"tIME") + body[33:]
    assert hashed(jail, broken).further == hashed(jail, body).further != ()


def segment(marker: int, data: bytes, *, length: int | None = None) -> bytes:
    stated = len(data) + 2 if length is None else length
    return bytes((0xFF, marker)) + stated.to_bytes(2) + data


SEGMENTS: dict[str, Callable[[int], bytes]] = {
    "empty": lambda marker: segment(marker, b""),
    "short": lambda marker: segment(marker, b"JF"),
    "garbage": lambda marker: segment(marker, bytes(range(255, -1, -1))),
    "full": lambda marker: segment(marker, b"x" * 65_533),
    "a length of zero": lambda marker: segment(marker, b"", length=0),
    "a short name": lambda marker: segment(marker, b"Exif\0\0MM"),
    "EXIF that points nowhere": lambda marker: segment(
        marker, b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 40
    ),
    "a profile out of order": lambda marker: segment(marker, b"ICC_PROFILE\0\x09\x02" + b"x" * 9),
    "many pictures, nowhere": lambda marker: segment(marker, b"MPF\0MM\0*\0\0\0\x08\xff\xff"),
    "a resource, cut": lambda marker: segment(marker, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0"),
    "Adobe, short": lambda marker: segment(marker, b"Adobe"),
}


@pytest.mark.parametrize("damage", SEGMENTS)
def test_no_segment_beside_the_pixels_decides_over_a_jpeg(
    jail: Jail, picture: Image.Image, encode: Encode, damage: str
) -> None:
    body = encode(picture, "JPEG", quality=90)
    whole = hashed(jail, body)
    for marker in (*range(0xE0, 0xF0), 0xFE):
        for at in (2, 20):  # before and after JFIF
            found = hashed(jail, body[:at] + SEGMENTS[damage](marker) + body[at:])
            assert found.pdq, (hex(marker), at, found.why)
            assert bits_off(found, whole) <= 8, (hex(marker), at)
            assert not found.truncated, (hex(marker), at)


@pytest.mark.parametrize("flag", [0x20, 0x08, 0x04, 0x2C])
def test_no_metadata_decides_over_a_webp(
    jail: Jail, picture: Image.Image, encode: Encode, flag: int
) -> None:
    body = encode(picture, "WEBP", quality=90)
    pixels = body[12:]
    head = b"VP8X" + struct.pack("<I", 10) + bytes((flag, 0, 0, 0))
    head += (SIZE[0] - 1).to_bytes(3, "little") + (SIZE[1] - 1).to_bytes(3, "little")
    for name in (b"ICCP", b"EXIF", b"XMP ", b"JUNK"):
        bad = name + struct.pack("<I", 5) + b"oops!\0"
        for inside in (head + bad + pixels, head + pixels + bad, head + bad + bad + pixels):
            made = b"RIFF" + struct.pack("<I", len(inside) + 4) + b"WEBP" + inside
            assert hashed(jail, made).pdq == hashed(jail, body).pdq, name


FILES: dict[str, Callable[[Image.Image, Encode], bytes]] = {
    "jpeg": lambda im, enc: enc(im, "JPEG", quality=90),
    "grey jpeg": lambda im, enc: enc(im.convert("L"), "JPEG", quality=90),
    "cmyk jpeg": lambda im, enc: enc(im.convert("CMYK"), "JPEG", quality=90),
    "jpeg with restarts": lambda im, enc: enc(im, "JPEG", restart_marker_rows=2),
    "progressive jpeg": lambda im, enc: enc(im, "JPEG", progressive=True),
    "png": lambda im, enc: enc(im, "PNG"),
    "palette png": lambda im, enc: enc(im.quantize(64), "PNG"),
    "png with alpha": lambda im, enc: enc(im.convert("RGBA"), "PNG"),
    "gif": lambda im, enc: enc(im, "GIF", interlace=0),
    "interlaced gif": lambda im, enc: enc(im, "GIF", interlace=1),
    "webp": lambda im, enc: enc(im, "WEBP", quality=90),
    "bmp": lambda im, enc: enc(im, "BMP"),
    "tiff": lambda im, enc: enc(im, "TIFF"),
    "icon": lambda im, enc: enc(im.resize((256, 256)), "ICO", sizes=[(256, 256)]),
    "icon of bitmaps": lambda im, enc: enc(
        im.resize((256, 256)), "ICO", sizes=[(256, 256)], bitmap_format="bmp"
    ),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.999, 0.99, 0.95])
def test_the_rows_that_came_of_a_file_that_is_cut_off_are_hashed(
    jail: Jail, picture: Image.Image, encode: Encode, name: str, share: float
) -> None:
    body = FILES[name](picture, encode)
    whole, cut = hashed(jail, body), hashed(jail, body[: int(share * len(body))])
    assert cut.truncated
    assert cut.unmatchable is None
    assert cut.rows_decoded is not None
    assert cut.height_px is not None
    assert cut.rows_decoded >= 0.85 * cut.height_px
    assert cut.why.startswith(f"The file is cut off: {cut.rows_decoded} of {cut.height_px} rows")
    assert bits_off(cut, whole) <= (8 if share == 0.999 else 24 if share == 0.99 else 60)
    assert jail.full_view(body[: int(share * len(body))]).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", [name for name in FILES if "progressive" not in name])
def test_of_a_file_of_which_little_came_no_filling_is_hashed(
    jail: Jail, picture: Image.Image, encode: Encode, name: str
) -> None:
    body = FILES[name](picture, encode)
    cut = hashed(jail, body[: len(body) // 4])
    assert cut.pdq is None
    assert cut.unmatchable in {Unmatchable.CUT_OFF, Unmatchable.UNDECODABLE}
    assert "cut off" in cut.why


@pytest.mark.parametrize("mode", Mode)
def test_an_end_that_comes_too_early_is_no_picture_of_grey(
    jail: Jail, picture: Image.Image, encode: Encode, mode: Mode
) -> None:
    """Decoders fill up with grey what stands behind a premature end, and say nothing."""
    body = encode(picture, "JPEG", quality=90)
    cut = hashed(jail, body[: len(body) // 4] + b"\xff\xd9", mode=mode)
    assert cut.pdq is None
    assert cut.unmatchable is Unmatchable.CUT_OFF
    most = hashed(jail, body[: len(body) * 97 // 100] + b"\xff\xd9", mode=mode)
    assert most.truncated
    assert bits_off(most, hashed(jail, body)) <= 24


def test_a_jpeg_without_its_end_is_hashed_as_with_it(
    jail: Jail, picture: Image.Image, encode: Encode
) -> None:
    body = encode(picture, "JPEG", quality=90)
    for size in (1, 2):
        cut = hashed(jail, body[:-size])
        assert cut.pdq == hashed(jail, body).pdq
        assert (cut.truncated, cut.rows_decoded) == (True, SIZE[1])


def test_a_png_without_its_end_is_hashed_as_with_it(jail: Jail, png: bytes) -> None:
    cut = hashed(jail, png[:-12])
    assert cut.pdq == hashed(jail, png).pdq
    assert (cut.truncated, cut.rows_decoded) == (True, SIZE[1])


def test_what_browsers_show_of_it_is_asked_too(
    jail: Jail, picture: Image.Image, encode: Encode
) -> None:
    body = encode(picture, "PNG")
    cut = hashed(jail, body[: int(0.9 * len(body))])
    assert cut.rows_decoded
    shown = Image.new("RGB", SIZE, (255, 255, 255))
    shown.paste(picture.crop((0, 0, SIZE[0], cut.rows_decoded)), (0, 0))
    [form] = [form for form in cut.further if form.kind is FormKind.SHOWN]
    shown_hash = hashed(jail, encode(shown, "PNG")).pdq
    assert shown_hash
    assert form.pdq.distance_bits(shown_hash) <= 6


def test_pixels_that_are_nonsense_all_through_are_refused(jail: Jail, png: bytes) -> None:
    at = png.index(b"IDAT") + 4
    noise = bytes((number * number) & 0xFF for number in range(len(png) - at - 16))
    found = hashed(jail, png[:at] + noise + png[-16:])
    assert found.pdq is None
    assert found.unmatchable in {Unmatchable.CUT_OFF, Unmatchable.UNDECODABLE}
