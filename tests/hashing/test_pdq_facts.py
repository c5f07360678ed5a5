"""The facts of hashing: what is a PDQ hash, what must not be compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.hashing.model import DIHEDRAL, MIN_QUALITY, Pdq, Unmatchable
from tutela.primitives.errors import BadInput

HALF = "0f" * 32


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_survives_its_text_in_either_case(bits: bytes) -> None:
    assert Pdq.parse(bits.hex()).bits == bits
    assert Pdq.parse(bits.hex().upper()) == Pdq.parse(bits.hex())
    assert Pdq.parse(bits.hex().upper()).hex == bits.hex()


@pytest.mark.parametrize(
    "text",
    [
        HALF + "\n",
        "\n" + HALF,
        HALF[:-1],
        HALF + "0",
        HALF[:32],
        "",
        " " * 64,
        HALF[:-1] + " ",
        "0_" * 32,
        "0x" + HALF[2:],
        HALF[:-1] + "g",
        HALF[:-1] + "٣",
        HALF[:63] + "\x00",
        "+" + HALF[1:],
    ],
)
def test_anything_but_64_digits_is_refused_at_the_door(text: str) -> None:
    with pytest.raises(BadInput, match="64 hexadecimal digits"):
        Pdq.parse(text)


@given(st.text(max_size=70))
def test_no_text_reaches_the_index_malformed(text: str) -> None:
    try:
        found = Pdq.parse(text)
    except BadInput:
        return
    assert len(found.bits) == 32
    assert found.hex == text.lower()


@pytest.mark.parametrize(("bits", "quality"), [(b"", 0), (bytes(31), 0), (bytes(32), 101)])
def test_a_hash_cannot_be_built_wrong(bits: bytes, quality: int) -> None:
    with pytest.raises(BadInput):
        Pdq(bits, quality)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_distance_is_the_number_of_bits_that_differ(left: bytes, right: bytes) -> None:
    plain = sum((a ^ b).bit_count() for a, b in zip(left, right, strict=True))
    assert Pdq(left, 100).distance_bits(Pdq(right, 100)) == plain


@pytest.mark.parametrize(
    ("bits", "quality", "expected"),
    [
        (bytes(32), 100, Unmatchable.DEGENERATE),
        (b"\xff" * 32, 100, Unmatchable.DEGENERATE),
        (b"\x01" * 31 + bytes(1), 100, Unmatchable.DEGENERATE),  # 31 ones: would match zero
        (b"\x01" * 32, 100, None),  # 32 ones: would not
        (b"\x0f" * 32, MIN_QUALITY - 1, Unmatchable.LOW_QUALITY),
        (b"\x0f" * 32, MIN_QUALITY, None),
    ],
)
def test_what_must_not_be_compared_says_so(
    bits: bytes, quality: int, expected: Unmatchable | None
) -> None:
    assert Pdq(bits, quality).unmatchable is expected


def test_eight_forms_have_names() -> None:
    assert len(set(DIHEDRAL)) == 8
    assert DIHEDRAL[0] == "original"
