"""Whoever has the public key can seal; only the identity opens; nothing leaks by comparison."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.case_parts import IDENTITY, SEAL, UNSEALER
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.primitives.errors import Misconfigured
from tutela.primitives.redacted import Redacted


@given(data=st.binary(max_size=200_000))
@settings(max_examples=25, deadline=None)
def test_what_is_sealed_comes_back_bit_for_bit(data: bytes) -> None:
    assert UNSEALER.unseal(SEAL.seal(data)) == data
    target = io.BytesIO()
    SEAL.seal_stream(io.BytesIO(data), target)
    assert UNSEALER.unseal(target.getvalue()) == data


def test_two_seals_of_the_same_bytes_share_nothing_to_compare() -> None:
    data = b"drawn picture " * 1000
    first, second = SEAL.seal(data), SEAL.seal(data)
    assert first != second
    assert data[:14] not in first
    assert b"drawn" not in second


@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
@settings(max_examples=50, deadline=None)
def test_a_changed_bit_never_opens_to_other_bytes(position: int, bit: int) -> None:
    sealed = bytearray(SEAL.seal(b"drawn picture"))
    sealed[position % len(sealed)] ^= 1 << bit
    try:
        opened = UNSEALER.unseal(bytes(sealed))
    except Misconfigured:
        return
    assert opened == b"drawn picture"  # a bit that age does not read, such as a letter's case


def test_cut_bytes_and_foreign_keys_do_not_open() -> None:
    sealed = SEAL.seal(b"x" * 100_000)
    foreign = Seal("age1dtakend700lrzxwm4t4sp7mt9ygqv0tmu92r3lpuf2fd3sh7x5aswehswa").seal(b"x")
    for wrong in (b"", b"no age file", sealed[:-1], sealed[:66_000], foreign):
        with pytest.raises(Misconfigured, match="another key"):
            UNSEALER.unseal(wrong)


def test_wrong_keys_are_refused_and_a_secret_is_never_repeated() -> None:
    for recipient in ("", "age1", str(IDENTITY), "AGE"):
        with pytest.raises(Misconfigured, match="public key"):
            Seal(recipient)
    almost = str(IDENTITY)[:-1]
    with pytest.raises(Misconfigured) as refusal:
        Unsealer(Redacted(almost))
    assert almost not in str(refusal.value)
    assert refusal.value.__cause__ is None
