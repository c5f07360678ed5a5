"""AVIF and HEIC: hashed like the plain picture, refused when hostile, one thread at most."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tutela.adapters.media.flat_heic import FLAT_HEIC
from tutela.adapters.media.jail import Jail
from tutela.adapters.media.sniffing import HEAD_BYTES, sniff
from tutela.hashing.model import DIHEDRAL, Hashed, Mode, Pdq, Unmatchable
from tutela.hashing.pdq import pdq

Encode = Callable[..., bytes]
Write = Callable[..., bytes]


@pytest.fixture(scope="session")
def write_heic() -> Write:
    """`write_heic(image, turns=0, ten_bit=False, declared=(0, 0))`."""
    pytest.importorskip("av", reason="the video extra has the only HEVC encoder")
    path = Path(__file__).resolve().parents[3] / "vectors" / "heic.py"
    spec = importlib.util.spec_from_file_location("heic_for_tests", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    write: Write = module.heic
    return write


@pytest.fixture(scope="module")
def picture(drawing: ModuleType) -> Image.Image:
    drawn: Image.Image = drawing.draw("shapes", 8, (430, 350))
    return drawn


@pytest.fixture(scope="module")
def plain(picture: Image.Image) -> Pdq:
    return pdq(np.asarray(picture))


def hashed(jail: Jail, data: bytes, **options: Any) -> Hashed:
    found = jail.hash(data, **options)
    assert isinstance(found, Hashed)
    return found


def pdq_of(jail: Jail, data: bytes, **options: Any) -> Pdq:
    found = hashed(jail, data, **options)
    assert found.pdq, found.why
    return found.pdq


def with_alpha(image: Image.Image, alpha: int) -> Image.Image:
    seen = image.convert("RGBA")
    seen.putalpha(alpha)
    return seen


@pytest.mark.parametrize("mode", list(Mode))
def test_avif_hashes_alike(
    mode: Mode, picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    forms = {
        "lossy": encode(picture, "AVIF", quality=80),
        "4:4:4": encode(picture, "AVIF", quality=95, subsampling="4:4:4"),
        "grey": encode(picture.convert("L"), "AVIF", quality=90),
        "half transparent": encode(with_alpha(picture, 128), "AVIF", quality=90),
        "hidden by transparency": encode(with_alpha(picture, 0), "AVIF", quality=90),
    }
    for form, data in forms.items():
        found = hashed(jail, data, mode=mode)
        assert found.pdq, (form, found.why)
        assert found.pdq.distance_bits(plain) <= 6, form
        assert (found.media_type, found.width_px, found.height_px) == ("image/avif", 430, 350)
        assert found.mode is Mode.EXACT


def test_of_an_avif_sequence_the_first_frame_is_hashed(
    picture: Image.Image, plain: Pdq, jail: Jail, encode: Encode
) -> None:
    other = picture.transpose(Image.Transpose.ROTATE_180)
    data = encode(picture, "AVIF", save_all=True, append_images=[other], quality=90)
    assert pdq_of(jail, data).distance_bits(plain) <= 6
    assert jail.facts(data).frames == 2


def test_heic_hashes_alike(picture: Image.Image, plain: Pdq, jail: Jail, write_heic: Write) -> None:
    for ten_bit in (False, True):
        found = hashed(jail, write_heic(picture, ten_bit=ten_bit))
        assert found.pdq, found.why
        assert found.pdq.distance_bits(plain) <= 4
        assert (found.media_type, found.width_px, found.height_px) == ("image/heif", 430, 350)
    facts = jail.facts(write_heic(picture))
    assert (facts.width_px, facts.height_px, facts.frames) == (430, 350, 1)
    assert jail.full_view(write_heic(picture))


def test_turns_of_a_heic_are_part_of_decoding_it(
    picture: Image.Image, plain: Pdq, jail: Jail, write_heic: Write
) -> None:
    found = hashed(jail, write_heic(picture, turns=1), dihedral=True)
    assert (found.width_px, found.height_px) == (350, 430)
    distances = [one.distance_bits(plain) for one in found.dihedral]
    assert min(distances) <= 16
    assert DIHEDRAL[distances.index(min(distances))] == "rotate270"


def test_the_sample_that_the_decoder_is_warmed_with(jail: Jail) -> None:
    found = hashed(jail, FLAT_HEIC)
    assert (found.width_px, found.height_px) == (64, 64)
    assert found.unmatchable is not None  # nothing to see in it


@pytest.mark.parametrize("size", [(20_000, 20_000), (70_000, 4)])
def test_a_declared_size_that_is_too_large_is_refused(
    size: tuple[int, int], jail: Jail, encode: Encode, write_heic: Write
) -> None:
    heic = write_heic(Image.new("RGB", (64, 64)), declared=size)
    avif = bytearray(encode(Image.new("RGB", (64, 64)), "AVIF"))
    place = avif.index(b"ispe") + 8
    avif[place : place + 8] = b"".join(side.to_bytes(4) for side in size)
    for data in (heic, bytes(avif)):
        found = hashed(jail, data)
        assert found.pdq is None
        assert found.unmatchable in {Unmatchable.TOO_LARGE, Unmatchable.UNDECODABLE}
    assert hashed(jail, FLAT_HEIC).pdq


def test_cut_off_and_damaged_files_are_refused_or_hashed(
    picture: Image.Image, jail: Jail, encode: Encode, write_heic: Write
) -> None:
    for data in (encode(picture, "AVIF"), write_heic(picture)):
        for length in (12, 40, 200, len(data) // 2):
            assert hashed(jail, data[:length]).pdq is None
        for place in range(0, len(data), len(data) // 40):
            damaged = bytearray(data)
            damaged[place] ^= 0xFF
            found = hashed(jail, bytes(damaged))
            assert (found.pdq is None) == (found.unmatchable is not None and not found.width_px)
    assert hashed(jail, FLAT_HEIC).pdq


@pytest.mark.parametrize(
    ("brands", "media_type"),
    [
        (b"avif\0\0\0\0mif1", "image/avif"),
        (b"avis\0\0\0\0", "image/avif"),
        (b"heic\0\0\0\0mif1", "image/heif"),
        (b"hevc\0\0\0\0", "image/heif"),
        (b"mif1\0\0\0\0mif1avif", "image/avif"),
        (b"mif1\0\0\0\0miafheic", "image/heif"),
        (b"msf1\0\0\0\0hevc", "image/heif"),
        (b"mif1\0\0\0\0miaf", "image/heif"),
        (b"msf1\0\0\0\0avis", "image/avif"),
        (b"mp42\0\0\0\0isomheic", None),
        (b"isom\0\0\0\0", None),
        (b"qt  \0\0\0\0", None),
    ],
)
def test_the_brands_of_the_file_say_which_decoder(brands: bytes, media_type: str | None) -> None:
    head = (8 + len(brands)).to_bytes(4) + b"ftyp" + brands + b"heicavif"  # the next box
    found = sniff(head[:HEAD_BYTES])
    assert (found[0].kind.media_type if found else None) == media_type
