"""A malformed hash is refused at the door (facts/hma.md 6.1, item 1)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.indicators.model import SignalKind
from tutela.indicators.signals import NotAHash, flaw, value_of

GOOD = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"


def test_hexadecimal_of_either_case_is_the_same_hash() -> None:
    assert value_of(SignalKind.PDQ, GOOD.upper()) == value_of(SignalKind.PDQ, GOOD)
    assert value_of(SignalKind.MD5, "AB" * 16) == b"\xab" * 16


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "\n",  # the poison pill: re.match(...$) would take it
        "\n" + GOOD,
        GOOD + " ",
        " " + GOOD,
        GOOD[:-2] + "0_0"[:2],  # int(x, 16) would take it
        GOOD[:-1] + "_",
        "0x" + GOOD[2:],
        GOOD[:-1],
        GOOD[:32],
        GOOD + "00",
        GOOD[:-1] + "g",
        GOOD[:-1] + "\u0661",  # a digit, though not an ASCII one
        "",
        "+" + GOOD[1:],
    ],
)
def test_anything_but_the_exact_digits_is_refused(text: str) -> None:
    with pytest.raises(NotAHash) as refusal:
        value_of(SignalKind.PDQ, text)
    assert GOOD[:16] not in str(refusal.value)


@pytest.mark.parametrize("kind", [SignalKind.MD5, SignalKind.SHA1, SignalKind.SHA256])
@pytest.mark.parametrize("digit", ["0", "f"])
def test_a_digest_of_equal_bits_is_refused(kind: SignalKind, digit: str) -> None:
    size = {SignalKind.MD5: 32, SignalKind.SHA1: 40, SignalKind.SHA256: 64}[kind]
    with pytest.raises(NotAHash, match="all its bits are the same"):
        value_of(kind, digit * size)


@pytest.mark.parametrize("text", ["0" * 64, "f" * 64, "0" * 60 + "7fff", "f" * 60 + "8000"])
def test_a_picture_hash_that_would_meet_every_blank_picture_is_refused(text: str) -> None:
    with pytest.raises(NotAHash):
        value_of(SignalKind.PDQ, text)


def test_photodna_is_kept_from_hexadecimal_and_base64() -> None:
    raw = bytes(range(144))
    assert value_of(SignalKind.PHOTODNA, raw.hex()) == raw
    assert value_of(SignalKind.PHOTODNA, base64.b64encode(raw).decode()) == raw


@pytest.mark.parametrize("text", ["", "AA==", "A" * 191, "A" * 192 + "\n", "!" * 192, "a1a1..."])
def test_photodna_of_another_length_or_alphabet_is_refused(text: str) -> None:
    with pytest.raises(NotAHash):
        value_of(SignalKind.PHOTODNA, text)


@given(kind=st.sampled_from(SignalKind), text=st.text(max_size=300))
def test_what_the_door_lets_in_is_never_set_aside_later(kind: SignalKind, text: str) -> None:
    try:
        value = value_of(kind, text)
    except NotAHash:
        return
    assert flaw(kind, value) == ""


@given(kind=st.text(max_size=8), value=st.binary(max_size=40))
def test_any_stored_row_can_be_judged(kind: str, value: bytes) -> None:
    assert isinstance(flaw(kind, value), str)
