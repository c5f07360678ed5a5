"""One file, several hashes: later frames and pages, and the values that peers' tools compute."""

import io
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pdqhash
import pytest
from PIL import Image

from tutela.adapters.media.forms import spread
from tutela.adapters.media.jail import Jail
from tutela.adapters.media.model import Limits
from tutela.hashing.model import FormKind, Hashed, PictureForm, Unmatchable

Encode = Callable[..., bytes]
Several = Callable[[list[Image.Image]], bytes]
SIZE = (320, 240)


def saved(form: str, **options: object) -> Several:
    def write(images: list[Image.Image]) -> bytes:
        held = io.BytesIO()
        first, *others = images
        first.save(held, format=form, save_all=True, append_images=others, **options)
        return held.getvalue()

    return write


FILES: dict[str, tuple[FormKind, Several]] = {
    "gif": (FormKind.FRAME, saved("GIF", duration=100)),
    "apng": (FormKind.FRAME, saved("PNG", duration=100)),
    "apng, first picture outside": (FormKind.FRAME, saved("PNG", default_image=True)),
    "webp": (FormKind.FRAME, saved("WEBP", lossless=True)),
    "avif": (FormKind.FRAME, saved("AVIF", quality=90)),
    "tiff": (FormKind.PAGE, saved("TIFF", compression="tiff_lzw")),
    "mpo": (FormKind.IMAGE, saved("MPO", quality=95)),
}


def hashed(jail: Jail, body: bytes, *, dihedral: bool = False) -> Hashed:
    found = jail.hash(body, dihedral=dihedral)
    assert isinstance(found, Hashed)
    return found


def nearest(one: Hashed, still: Hashed) -> tuple[int, PictureForm]:
    assert still.pdq
    distance = [(form.pdq.distance_bits(still.pdq), form) for form in one.further]
    return min(distance, key=lambda pair: pair[0])


@pytest.mark.parametrize("name", FILES)
def test_a_later_picture_of_a_file_that_begins_blank_is_hashed(
    jail: Jail, drawing: ModuleType, encode: Encode, name: str
) -> None:
    kind, write = FILES[name]
    blank = Image.new("RGB", SIZE, (250, 250, 250))
    drawn = [drawing.draw("tiles", seed, SIZE) for seed in (5, 6)]
    found = hashed(jail, write([blank, *drawn]))
    assert found.pdq
    assert found.pdq.unmatchable
    assert (found.unmatchable, found.why) == (None, "")
    assert (found.pictures_total, found.pictures_hashed) == (3, 3)
    for number, image in enumerate(drawn, start=2):
        distance, form = nearest(found, hashed(jail, encode(image, "PNG")))
        assert distance <= 10
        assert (form.kind, form.number, form.total) == (kind, number, 3)
        assert form.name == f"{kind} {number} of 3"


def test_the_same_picture_again_is_one_hash(jail: Jail, drawing: ModuleType) -> None:
    image = drawing.draw("tiles", 5, SIZE)
    other = drawing.draw("tiles", 6, SIZE)
    found = hashed(jail, saved("TIFF")([image, image, other, image, other]))
    assert [form.number for form in found.further] == [3]
    assert (found.pictures_total, found.pictures_hashed) == (5, 5)


def test_of_a_long_animation_pictures_from_all_over_it_are_hashed(
    drawing: ModuleType,
) -> None:
    images = [drawing.draw("tiles", seed, (80, 60)) for seed in range(40)]
    with Jail(Limits(max_pictures=5), workers=1) as jail:
        found = hashed(jail, saved("GIF")(images))
    assert [form.number for form in found.further if form.number] == [11, 21, 30, 40]
    assert (found.pictures_total, found.pictures_hashed) == (40, 5)


def test_what_all_pictures_cost_together_is_bounded(drawing: ModuleType) -> None:
    images = [drawing.draw("tiles", seed, (80, 60)) for seed in range(12)]
    with Jail(Limits(max_pixels=80 * 60), workers=1) as jail:
        pages = hashed(jail, saved("TIFF")(images))
        frames = hashed(jail, saved("GIF")(images))
    assert (pages.pictures_total, pages.pictures_hashed) == (12, 5)
    assert (frames.pictures_total, frames.pictures_hashed) == (12, 5)


def test_a_page_that_is_too_large_costs_that_page_only(drawing: ModuleType) -> None:
    small, large, last = (
        drawing.draw("tiles", seed, size)
        for seed, size in ((1, (80, 60)), (2, (400, 300)), (3, (80, 60)))
    )
    with Jail(Limits(max_pixels=80 * 60), workers=1) as jail:
        found = hashed(jail, saved("TIFF")([small, large, last]))
    assert [form.number for form in found.further] == [3]
    assert (found.pictures_total, found.pictures_hashed) == (3, 2)


def test_flat_pictures_only_remain_unmatchable(jail: Jail) -> None:
    flat = [Image.new("RGB", SIZE, (grey,) * 3) for grey in (0, 120, 250)]
    found = hashed(jail, saved("GIF")(flat))
    assert found.unmatchable in {Unmatchable.LOW_QUALITY, Unmatchable.DEGENERATE}
    assert found.why


def test_the_eight_turns_are_those_of_each_form(jail: Jail, drawing: ModuleType) -> None:
    images = [drawing.draw("tiles", seed, SIZE) for seed in (5, 6)]
    body = saved("TIFF")(images)
    [form] = hashed(jail, body, dihedral=True).further
    assert form.dihedral == hashed(jail, saved("TIFF")(images[1:]), dihedral=True).dihedral
    assert hashed(jail, body).further[0].dihedral == ()


def see_through(image: Image.Image) -> Image.Image:
    """Opaque to the left, ever more transparent to the right."""
    seen = image.convert("RGBA")
    seen.putalpha(Image.linear_gradient("L").rotate(90).resize(image.size))
    return seen


def sixteen_bit(image: Image.Image) -> Image.Image:
    """Brightness 0 to 510: half of it above 255."""
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 2)


PEERS: dict[str, tuple[FormKind, Callable[[Image.Image, Encode], bytes]]] = {
    "png with alpha": (FormKind.ALPHA_IGNORED, lambda im, enc: enc(see_through(im), "PNG")),
    "webp with alpha": (
        FormKind.ALPHA_IGNORED,
        lambda im, enc: enc(see_through(im), "WEBP", lossless=True, exact=True),
    ),
    "tiff with alpha": (FormKind.ALPHA_IGNORED, lambda im, enc: enc(see_through(im), "TIFF")),
    "grey with alpha": (
        FormKind.ALPHA_IGNORED,
        lambda im, enc: enc(see_through(im).convert("LA"), "PNG"),
    ),
    "palette with alpha": (
        FormKind.ALPHA_IGNORED,
        lambda im, enc: enc(im.quantize(16), "PNG", transparency=bytes(range(0, 256, 16))),
    ),
    "gif with a transparent colour": (
        FormKind.ALPHA_IGNORED,
        lambda im, enc: enc(im.quantize(8), "GIF", transparency=2),
    ),
    "16-bit png": (FormKind.CLIPPED, lambda im, enc: enc(sixteen_bit(im), "PNG")),
    "16-bit tiff": (FormKind.CLIPPED, lambda im, enc: enc(sixteen_bit(im), "TIFF")),
    "float tiff": (
        FormKind.CLIPPED,
        lambda im, enc: enc(
            Image.fromarray(np.asarray(im.convert("L")).astype(np.float32) * 2), "TIFF"
        ),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_the_value_of_a_peer_who_converts_to_rgb_is_asked_too(
    jail: Jail, drawing: ModuleType, encode: Encode, name: str
) -> None:
    kind, write = PEERS[name]
    body = write(drawing.draw("tiles", 5, SIZE), encode)
    with warnings.catch_warnings():  # Pillow would rather see RGBA, which is the point
        warnings.simplefilter("ignore", UserWarning)
        pixels = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))
    peers, quality = pdqhash.compute(pixels)
    found = hashed(jail, body)
    assert found.pdq
    forms = {form.kind: form.pdq for form in found.further}
    assert forms[kind].bits == np.packbits(peers).tobytes()
    assert forms[kind].quality == quality
    assert found.pdq != forms[kind]


@pytest.mark.parametrize("name", ["palette png", "gif", "cmyk tiff", "cmyk jpeg"])
def test_the_value_of_a_peer_who_hands_over_the_stored_numbers_is_asked_too(
    jail: Jail, drawing: ModuleType, encode: Encode, name: str
) -> None:
    image = drawing.draw("tiles", 5, SIZE)
    inks, palette = image.convert("CMYK"), image.quantize(32)
    body = {
        "palette png": lambda: encode(palette, "PNG"),
        "gif": lambda: encode(palette, "GIF"),
        "cmyk tiff": lambda: encode(inks, "TIFF"),
        "cmyk jpeg": lambda: encode(inks, "JPEG", quality=95),
    }[name]()
    numbers = np.asarray(Image.open(io.BytesIO(body)))
    pixels = numbers[:, :, :3] if numbers.ndim == 3 else np.stack([numbers] * 3, axis=-1)
    peers, _ = pdqhash.compute(np.ascontiguousarray(pixels))
    forms = {form.kind: form.pdq for form in hashed(jail, body).further}
    assert forms[FormKind.STORED_NUMBERS].bits == np.packbits(peers).tobytes()


def test_a_plain_picture_has_one_hash(jail: Jail, drawing: ModuleType, encode: Encode) -> None:
    image = drawing.draw("tiles", 5, SIZE)
    for form in ("JPEG", "PNG", "BMP", "WEBP", "TIFF"):
        found = hashed(jail, encode(image, form))
        assert (found.further, found.pictures_total) == ((), 1)


def test_places_are_spread_over_the_whole() -> None:
    assert list(spread(1, 16)) == []
    assert list(spread(3, 16)) == [1, 2]
    assert list(spread(3, 16, first=1)) == [0, 2]
    assert list(spread(100, 1)) == []
    for total in (17, 100, 12345):
        places = list(spread(total, 16))
        assert len(places) == 15
        assert places == sorted(set(places))
        assert places[-1] == total - 1
