"""What a well-formed hash is: text from outside to bytes, and what is wrong with stored bytes.

The same test stands at the door (a malformed row is refused) and before an index (a malformed
stored row is set aside), so that neither depends on the other.
"""

import base64
import binascii
import re

from tutela.hashing.model import PDQ_BYTES, Pdq
from tutela.indicators.model import SignalKind

SIZE_BYTES = {
    SignalKind.PDQ: PDQ_BYTES,
    SignalKind.MD5: 16,
    SignalKind.SHA1: 20,
    SignalKind.SHA256: 32,
    SignalKind.PHOTODNA: 144,
    SignalKind.VPDQ: 32,
}
"""Length of each kind's value; interfaces.md 2.5 for PhotoDNA. A video's is its fingerprint."""

DIGESTS = (SignalKind.MD5, SignalKind.SHA1, SignalKind.SHA256)
OTHER_MAX_BYTES = 1024
"""A longer value could not stand in the database's unique index."""

_KINDS = frozenset(kind.value for kind in SignalKind)
_HEX = re.compile(r"[0-9a-fA-F]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class NotAHash(ValueError):
    """Raised for a text that is no hash of its kind; the message is why, never the text."""


def value_of(kind: SignalKind, text: str) -> bytes:
    """The bytes of a hash written as text, matched in full; raises `NotAHash` with the reason.

    PDQ and digests are hexadecimal of either case. PhotoDNA is hexadecimal or base64 of 144
    bytes. Any other kind keeps its text as it is, because nobody here can read it.
    """
    if kind is SignalKind.OTHER:
        if not text.isprintable():
            raise NotAHash("it contains characters that cannot be printed")
        value = text.encode()
    elif kind is SignalKind.PHOTODNA and len(text) != 2 * SIZE_BYTES[kind]:
        value = _from_base64(text)
    else:
        value = _from_hex(text, SIZE_BYTES[kind])
    if why := flaw(kind, value):
        raise NotAHash(why)
    return value


def flaw(kind: str, value: bytes) -> str:
    """Why these bytes cannot stand in a list as this kind; empty when they can."""
    if kind not in _KINDS:
        return "this kind of hash is not known"
    kind = SignalKind(kind)
    if kind is SignalKind.OTHER:
        return "" if 0 < len(value) <= OTHER_MAX_BYTES else f"not 1 to {OTHER_MAX_BYTES} bytes"
    size = SIZE_BYTES[kind]
    if len(value) != size:
        return f"it has {len(value)} bytes, {kind} has {size}"
    if value.strip(value[:1]) == b"" and value[0] in {0x00, 0xFF}:
        return "all its bits are the same, so it names no picture or file"
    if kind is SignalKind.PDQ and Pdq(value, 100).degenerate:
        return "nearly all its bits are the same: it would match every blank picture"
    return ""


def _from_hex(text: str, size_bytes: int) -> bytes:
    """Exactly `size_bytes` in hexadecimal, nothing before or after."""
    if not _HEX.fullmatch(text):
        raise NotAHash("it contains something that is no hexadecimal digit")
    if len(text) != 2 * size_bytes:
        raise NotAHash(f"it has {len(text)} hexadecimal digits, not {2 * size_bytes}")
    return bytes.fromhex(text)


def _from_base64(text: str) -> bytes:
    """Standard base64 with its padding, nothing before or after."""
    if not _BASE64.fullmatch(text):
        raise NotAHash("it is neither hexadecimal nor base64")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise NotAHash("it is not complete base64") from None
