"""Anchors: a signed statement of the ledger's head, kept where the ledger's owner cannot write.

With an anchor a verification also finds a tail that was cut off or written anew. Bytes in,
bytes out; where they are kept is the caller's business.
"""

import base64
import binascii
import json
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tutela.ledger.canonical import canonical, moment
from tutela.ledger.model import Anchor
from tutela.primitives.errors import BadInput

_PURPOSE = "tutela-ledger-anchor-1"
_DIGEST_LETTERS = 64


def sign(anchor: Anchor, at: datetime, key: Ed25519PrivateKey) -> bytes:
    """The anchor and the moment `at` as JSON, signed with Ed25519 over their canonical text."""
    statement = {
        "purpose": _PURPOSE,
        "seq": anchor.seq,
        "digest": anchor.digest,
        "at": moment(at),
    }
    signature = base64.b64encode(key.sign(canonical(statement).encode())).decode()
    return canonical({"anchor": statement, "signature": signature}).encode() + b"\n"


def read(data: bytes, public_key: Ed25519PublicKey) -> Anchor:
    """The anchor in a signed statement; raises `BadInput` unless this very key signed it."""
    try:
        outer = json.loads(data)
        statement = outer["anchor"]
        signature = base64.b64decode(outer["signature"], validate=True)
        public_key.verify(signature, canonical(statement).encode())
    except InvalidSignature:
        raise BadInput(
            "This anchor cannot be trusted",
            why="its signature was not made with the key that belongs to this public key",
            remedy="Get the anchor again from where it is kept, or name the right public key.",
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, BadInput):
        raise _no_anchor("it is not a signed anchor") from None
    if not isinstance(statement, dict) or statement.get("purpose") != _PURPOSE:
        raise _no_anchor("it was signed for another purpose")
    return _anchor(statement)


def read_unsigned(data: bytes) -> Anchor:
    """The anchor in a plain `{"seq": …, "digest": …}`: worth what its keeper is worth.

    A signed anchor is refused here, so that its signature is never left unchecked.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise _no_anchor("it is not JSON") from None
    if isinstance(value, dict) and "signature" in value:
        raise BadInput(
            "This anchor is signed",
            why="its signature can only be checked with the public key",
            remedy="Name the public key file as well.",
        )
    return _anchor(value)


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """The Ed25519 signing key in an unencrypted PEM; raises `BadInput` for anything else."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key("private") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key("private")
    return key


def public_key(pem: bytes) -> Ed25519PublicKey:
    """The Ed25519 public key in a PEM; raises `BadInput` for anything else."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key("public") from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key("public")
    return key


def _anchor(value: object) -> Anchor:
    if isinstance(value, dict):
        seq, digest = value.get("seq"), value.get("digest")
        if (
            type(seq) is int
            and seq >= 1
            and isinstance(digest, str)
            and len(digest) == _DIGEST_LETTERS
            and not set(digest) - set("0123456789abcdef")
        ):
            return Anchor(seq=seq, digest=digest)
    raise _no_anchor("it names no line and digest")


def _no_anchor(why: str) -> BadInput:
    return BadInput("This is no ledger anchor", why=why)


def _no_key(kind: str) -> BadInput:
    return BadInput(
        f"This is no {kind} key for anchors",
        why=f"expected an Ed25519 {kind} key as PEM",
    )
