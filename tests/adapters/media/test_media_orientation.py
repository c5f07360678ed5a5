"""A picture stored turned, as phones do, is hashed as stored and as a viewer shows it."""

import io
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageOps

from tutela.adapters.media.jail import Jail
from tutela.hashing.dihedral import dihedral
from tutela.hashing.model import FormKind, Hashed, Mode
from tutela.hashing.pdq import pdq

ORIENTATION = 0x0112


def stored(form: str, **options: object) -> Callable[[Image.Image, int], bytes]:
    """Writes pixels as they are, under the entry of that orientation."""

    def write(image: Image.Image, orientation: int) -> bytes:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        held = io.BytesIO()
        image.save(held, format=form, exif=exif, **options)
        return held.getvalue()

    return write


FORMS = {
    "jpeg": stored("JPEG", quality=95),
    "progressive": stored("JPEG", quality=95, progressive=True),
    "png": stored("PNG"),
    "webp": stored("WEBP", lossless=True),
}


def hashed(jail: Jail, body: bytes, *, turned: bool = False, mode: Mode = Mode.EXACT) -> Hashed:
    found = jail.hash(body, dihedral=turned, mode=mode)
    assert isinstance(found, Hashed)
    return found


def shown(body: bytes) -> np.ndarray:
    """The pixels that Pillow's own orientation step gives."""
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("form", FORMS)
def test_the_upright_form_is_that_of_the_turned_pixels(
    jail: Jail, drawing: ModuleType, form: str, orientation: int
) -> None:
    body = FORMS[form](drawing.draw("plasma", 31, (417, 306)), orientation)
    upright = pdq(np.ascontiguousarray(shown(body)))
    for turned in (False, True):
        found = hashed(jail, body, turned=turned)
        (one,) = [each for each in found.further if each.kind is FormKind.UPRIGHT]
        assert one.pdq.bits == upright.bits
        assert found.pdq != one.pdq
        if turned:
            eight = dihedral(np.ascontiguousarray(shown(body)))
            assert [each.bits for each in one.dihedral] == [each.bits for each in eight]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_fast_mode_has_the_upright_form_too(
    jail: Jail, drawing: ModuleType, orientation: int
) -> None:
    body = FORMS["jpeg"](drawing.draw("plasma", 31, (1417, 1106)), orientation)
    exact = hashed(jail, body)
    fast = hashed(jail, body, mode=Mode.FAST)
    assert fast.mode is Mode.FAST
    (one,) = [each for each in fast.further if each.kind is FormKind.UPRIGHT]
    (other,) = [each for each in exact.further if each.kind is FormKind.UPRIGHT]
    assert one.pdq.distance_bits(other.pdq) <= 8


@pytest.mark.parametrize("orientation", [0, 1, 9, 65535])
def test_nothing_is_turned_that_the_file_does_not_ask_for(
    jail: Jail, drawing: ModuleType, orientation: int
) -> None:
    body = FORMS["png"](drawing.draw("plasma", 31, (417, 306)), orientation)
    assert [each.kind for each in hashed(jail, body).further] == []


def test_a_tiff_that_says_it_is_turned_is_asked_in_both_forms_or_is_upright_already(
    jail: Jail, drawing: ModuleType
) -> None:
    """Pillow turns a TIFF while it loads it; then the upright hash is the primary one."""
    listed = drawing.draw("plasma", 31, (417, 306))
    held = io.BytesIO()
    listed.rotate(90, expand=True).save(held, format="TIFF", tiffinfo={ORIENTATION: 6})
    found = hashed(jail, held.getvalue())
    assert found.pdq
    asked = {found.pdq.bits, *(each.pdq.bits for each in found.further)}
    assert pdq(np.asarray(listed)).bits in asked


def test_a_turned_picture_that_is_cut_off_has_its_upright_form(
    jail: Jail, drawing: ModuleType
) -> None:
    listed = drawing.draw("plasma", 31, (417, 306))
    body = FORMS["jpeg"](listed.rotate(90, expand=True), 6)
    found = hashed(jail, body[: int(len(body) * 0.97)])
    (one,) = [each for each in found.further if each.kind is FormKind.UPRIGHT]
    assert one.pdq.distance_bits(pdq(np.asarray(listed))) <= 16
