import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tutela.ledger.anchoring import private_key, public_key, read, read_unsigned, sign
from tutela.ledger.model import Anchor
from tutela.primitives.errors import BadInput

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANCHOR = Anchor(seq=7, digest="ab" * 32)


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def test_a_signed_anchor_is_read_back(key: Ed25519PrivateKey) -> None:
    data = sign(ANCHOR, AT, key)
    assert read(data, key.public_key()) == ANCHOR
    assert json.loads(data)["anchor"]["at"] == "2026-11-21T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("field", "value"),
    [("seq", 6), ("digest", "cd" * 32), ("at", "2025-01-01T00:00:00.000000Z"), ("purpose", "x")],
)
def test_a_changed_statement_is_refused(key: Ed25519PrivateKey, field: str, value: object) -> None:
    outer = json.loads(sign(ANCHOR, AT, key))
    outer["anchor"][field] = value
    with pytest.raises(BadInput, match="signature was not made"):
        read(json.dumps(outer).encode(), key.public_key())


def test_another_s_key_and_signature_are_refused(key: Ed25519PrivateKey) -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(BadInput, match="signature was not made"):
        read(sign(ANCHOR, AT, other), key.public_key())
    outer = json.loads(sign(ANCHOR, AT, key))
    outer["signature"] = base64.b64encode(bytes(64)).decode()
    with pytest.raises(BadInput, match="signature was not made"):
        read(json.dumps(outer).encode(), key.public_key())


def test_a_signature_made_for_another_purpose_is_refused(key: Ed25519PrivateKey) -> None:
    statement = {"at": "x", "digest": "ab" * 32, "purpose": "other", "seq": 7}
    text = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64encode(key.sign(text)).decode()
    data = json.dumps({"anchor": statement, "signature": signature}).encode()
    with pytest.raises(BadInput, match="another purpose"):
        read(data, key.public_key())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"anchor":{},"signature":"!"}',
        b'{"anchor":{},"signature":7}',
        b'{"anchor":{"x":1.5},"signature":""}',
    ],
)
def test_what_is_no_signed_anchor_is_refused(key: Ed25519PrivateKey, data: bytes) -> None:
    with pytest.raises(BadInput, match="not a signed anchor"):
        read(data, key.public_key())


def test_a_plain_anchor_is_read_and_a_signed_one_never_unchecked(key: Ed25519PrivateKey) -> None:
    assert read_unsigned(b'{"seq": 7, "digest": "' + b"ab" * 32 + b'"}') == ANCHOR
    with pytest.raises(BadInput, match="public key"):
        read_unsigned(sign(ANCHOR, AT, key))


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"seq": 0, "digest": "ab" * 32},
        {"seq": True, "digest": "ab" * 32},
        {"seq": "7", "digest": "ab" * 32},
        {"seq": 7, "digest": "AB" * 32},
        {"seq": 7, "digest": "ab"},
        {"seq": 7, "digest": None},
    ],
)
def test_what_names_no_line_and_digest_is_refused(value: object) -> None:
    with pytest.raises(BadInput, match="names no line and digest"):
        read_unsigned(json.dumps(value).encode())


def test_keys_are_read_from_pem_and_others_refused(key: Ed25519PrivateKey) -> None:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert read(sign(ANCHOR, AT, private_key(private)), public_key(public)) == ANCHOR
    curve = generate_private_key(SECP256R1())
    wrong_private = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    wrong_public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem in (b"", b"no pem", public, wrong_private):
        with pytest.raises(BadInput, match="no private key"):
            private_key(pem)
    for pem in (b"", b"no pem", private, wrong_public):
        with pytest.raises(BadInput, match="no public key"):
            public_key(pem)
