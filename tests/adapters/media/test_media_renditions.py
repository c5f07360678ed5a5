"""What a reviewer may see: reduced, without metadata, made in the child."""

import io
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tutela.adapters.media.checking import png_of
from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import STYLES, PictureRefused, RefusalReason
from tutela.hashing.pdq import pdq
from tutela.primitives.errors import BadInput

Encode = Callable[..., bytes]


def shown(png: bytes) -> Image.Image:
    assert png_of(png) == png
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    assert not image.getexif()
    assert not image.info
    return image


@pytest.fixture(scope="module")
def picture(drawing: ModuleType) -> Image.Image:
    drawn: Image.Image = drawing.draw("shapes", 31, (900, 600))
    return drawn


@pytest.fixture(scope="module")
def tagged(picture: Image.Image, encode: Encode) -> bytes:
    """A JPEG with metadata that must not come through."""
    note = Image.Exif()
    note[0x010F] = "Camera of Person A"
    note[0x0131] = "Editor\x00\x07 1"
    note[0x0112] = 6
    note.get_ifd(0x8825)[1] = "N"
    note.get_ifd(0x8825)[2] = (52.0, 5.0, 1.5)
    return encode(picture, "JPEG", quality=90, exif=note, comment=b"neutral words")


@pytest.mark.parametrize(("style", "side"), [("thumb", 64), ("blur", 320), ("grey", 320)])
def test_each_rendition_is_small_and_bare(style: str, side: int, jail: Jail, tagged: bytes) -> None:
    image = shown(jail.rendition(tagged, style))
    assert image.size == (round(side * 600 / 900), side)  # turned upright
    assert b"Person A" not in jail.rendition(tagged, style)


def test_line_art_is_only_black_and_white_and_mostly_white(jail: Jail, tagged: bytes) -> None:
    values = np.asarray(shown(jail.rendition(tagged, "lineart")))
    assert set(np.unique(values)) == {0, 255}
    assert 0.5 < (values == 255).mean() < 0.995


def test_grey_has_no_colour(jail: Jail, tagged: bytes) -> None:
    assert shown(jail.rendition(tagged, "grey")).mode == "L"


def test_the_blur_has_lost_the_detail(jail: Jail, picture: Image.Image, encode: Encode) -> None:
    """Neighbouring pixels differ far less than in the picture: no edge is left."""
    plain = picture.copy()
    plain.thumbnail((320, 320))
    blurred = shown(jail.rendition(encode(picture, "PNG"), "blur"))

    def sharpest(image: Image.Image) -> int:
        return int(np.abs(np.diff(np.asarray(image.convert("L")).astype(int), axis=1)).max())

    assert blurred.size == plain.size
    assert sharpest(blurred) < 16
    assert sharpest(plain) > 60


def test_the_full_view_is_whole_bounded_and_bare(
    jail: Jail, drawing: ModuleType, encode: Encode, tagged: bytes
) -> None:
    large = drawing.draw("tiles", 2, (2400, 1000))
    image = shown(jail.full_view(encode(large, "JPEG")))
    assert image.size == (1600, 667)
    assert pdq(np.asarray(image)).distance_bits(pdq(np.asarray(large))) <= 10
    assert shown(jail.full_view(tagged)).size == (600, 900)


def test_small_pictures_are_not_blown_up(jail: Jail, encode: Encode) -> None:
    data = encode(Image.new("RGB", (20, 10), "teal"), "PNG")
    assert shown(jail.full_view(data)).size == (20, 10)
    assert shown(jail.rendition(data, "thumb")).size == (20, 10)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_can_be_shown(
    mode: str, jail: Jail, picture: Image.Image, encode: Encode
) -> None:
    small = picture.resize((90, 60))
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(small.convert("L")).astype(np.uint16) * 257)
    else:
        stored = small.convert("L").convert(mode) if mode == "F" else small.convert(mode)
    data = encode(stored, "TIFF")
    for style in STYLES:
        shown(jail.rendition(data, style))
    assert shown(jail.full_view(data)).size == (90, 60)


def test_facts_are_read_without_decoding_and_cut_to_size(
    jail: Jail, tagged: bytes, encode: Encode
) -> None:
    found = jail.facts(tagged)
    assert (found.media_type, found.width_px, found.height_px) == ("image/jpeg", 900, 600)
    assert found.frames == 1
    assert found.exif["Make"] == "Camera of Person A"
    assert found.exif["Software"] == "Editor 1"
    assert found.exif["Orientation"] == "6"
    assert found.exif["GPSLatitudeRef"] == "N"
    assert found.exif["GPSLatitude"].startswith("52.0")
    long = Image.Exif()
    long[0x010E] = "word " * 500
    described = jail.facts(encode(Image.new("RGB", (9, 9)), "PNG", exif=long))
    assert 0 < len(described.exif["ImageDescription"]) <= 200


def test_a_file_that_is_no_picture_is_refused_with_its_reason(jail: Jail) -> None:
    for ask in (jail.facts, jail.full_view, lambda data: jail.rendition(data, "thumb")):
        with pytest.raises(PictureRefused, match="first bytes") as caught:
            ask(b"only words")
        assert caught.value.refusal.reason is RefusalReason.NOT_A_PICTURE
        assert caught.value.remedy


def test_an_unknown_style_is_refused(jail: Jail, tagged: bytes) -> None:
    with pytest.raises(BadInput, match="no such rendition"):
        jail.rendition(tagged, "raw")  # type: ignore[arg-type]


def test_of_a_file_with_several_pictures_a_person_sees_those_that_are_hashed(
    jail: Jail, picture: Image.Image, encode: Encode
) -> None:
    """A blank first frame would otherwise be all that a reviewer is shown of a match."""
    blank = Image.new("RGB", picture.size, "white")
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        alone = encode(blank.copy(), form)
        several = encode(blank.copy(), form, save_all=True, append_images=[picture.copy()])
        seen = Image.open(io.BytesIO(jail.full_view(several)))
        assert seen.width > seen.height * picture.width // picture.height
        levels = seen.convert("L").getextrema()
        assert levels[0] < 100 < levels[1], form
        assert jail.facts(several).frames == 2
        assert jail.full_view(alone) != jail.full_view(several)
        assert jail.rendition(several, "blur").startswith(b"\x89PNG")


def test_a_person_sees_what_is_stored_under_a_transparency_that_hides_all(
    jail: Jail, picture: Image.Image, encode: Encode
) -> None:
    hidden = picture.convert("RGBA")
    hidden.putalpha(0)
    assert jail.full_view(encode(hidden, "PNG")) == jail.full_view(encode(picture, "PNG"))
