"""Hashes that name nothing: drawn by counting and hashing numbers. Not a test itself."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from tutela.hashing.model import Digests, Hashed, Pdq, Unmatchable
from tutela.indicators.model import Imported

Import = Callable[..., Imported]
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def md5(number: int | str) -> str:
    return hashlib.md5(f"digest {number}".encode(), usedforsecurity=False).hexdigest()


def sha1(number: int | str) -> str:
    return hashlib.sha1(f"digest {number}".encode(), usedforsecurity=False).hexdigest()


def sha256(number: int | str) -> str:
    return hashlib.sha256(f"digest {number}".encode()).hexdigest()


def pdq(number: int | str) -> str:
    return hashlib.sha256(f"picture {number}".encode()).hexdigest()


def flipped(hex_text: str, bits: int) -> str:
    """The same hash with its first `bits` bits turned over."""
    mask = ((1 << bits) - 1) << (256 - bits)
    return f"{int(hex_text, 16) ^ mask:064x}"


def hashed(
    *,
    number: int | str = "unlisted",
    pdq_hex: str | None = None,
    quality: int = 100,
    unmatchable: Unmatchable | None = None,
    why: str = "",
    dihedral: tuple[str, ...] = (),
) -> Hashed:
    return Hashed(
        digests=Digests(
            md5=bytes.fromhex(md5(number)),
            sha1=bytes.fromhex(sha1(number)),
            sha256=bytes.fromhex(sha256(number)),
            size_bytes=1,
        ),
        pdq=Pdq.parse(pdq_hex, quality=quality) if pdq_hex else None,
        dihedral=tuple(Pdq.parse(one, quality=quality) for one in dihedral),
        pipeline="test",
        unmatchable=unmatchable,
        why=why,
    )
