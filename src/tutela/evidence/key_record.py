"""The evidence key that the database was sealed to, with a canary that only its identity opens.

A key file can be swapped, or come back from the wrong backup, and everything still looks well:
new evidence would be sealed to a key that belongs to nobody here. So the public key is noted in
the database once, beside a random text sealed to it, and every process compares before it seals
or opens anything. The row is never changed.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Column, Connection, DateTime, Integer, LargeBinary, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from tutela.evidence.sealing import Seal
from tutela.primitives.database import METADATA
from tutela.primitives.errors import Misconfigured

EVIDENCE_KEY = Table(
    "evidence_key",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("canary", LargeBinary, nullable=False),
    Column("canary_sha256", Text, nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False),
)
_THE_ONE = 1
_CANARY_BYTES = 32
_WHAT = "The evidence key is not the one of this installation"


class Opens(Protocol):
    """The secret side of the key (`evidence.unsealing.Unsealer`)."""

    def unseal(self, data: bytes) -> bytes:
        """The plain bytes; raises `Misconfigured` when this key does not open them."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRecord:
    """The public key (`age1…`) noted in the database, and the sealed canary."""

    recipient: str
    canary: bytes
    canary_sha256: str


def noted(tx: Connection) -> KeyRecord | None:
    """The key of this installation; None before anything was sealed."""
    row = tx.execute(select(EVIDENCE_KEY)).first()
    if row is None:
        return None
    return KeyRecord(recipient=row.recipient, canary=row.canary, canary_sha256=row.canary_sha256)


def require_recipient(tx: Connection, recipient: str, *, source: str) -> None:
    """For a process that only seals: raise `Misconfigured` for another key than the noted one.

    `source` says where the key comes from. Where none is noted yet nothing is decided here.
    """
    record = noted(tx)
    if record is not None and record.recipient != recipient:
        raise _another(source, found=recipient, expected=record.recipient)


def require_pair(
    tx: Connection,
    recipient: str,
    identity: Opens,
    *,
    source: str,
    sealed: Iterable[bytes],
    at: datetime,
) -> None:
    """For a process that opens: the pair is the noted one, and really opens the canary.

    Where none is noted yet it is noted now, once it opens one of `sealed` (what was sealed
    before, if anything). Raises `Misconfigured`, with nothing changed.
    """
    record = noted(tx)
    if record is None:
        _require_one_opens(sealed, identity, recipient, source=source)
        record = _note(tx, recipient, at=at)
    if record.recipient != recipient:
        raise _another(source, found=recipient, expected=record.recipient)
    require_canary(record, identity)


def require_canary(record: KeyRecord, identity: Opens) -> None:
    """Raise `Misconfigured` unless `identity` opens the canary to what was sealed."""
    if hashlib.sha256(identity.unseal(record.canary)).hexdigest() != record.canary_sha256:
        raise Misconfigured(
            _WHAT,
            why="it opens the canary in the database, but not to what was sealed",
            remedy="Somebody changed the table evidence_key. Find out who could write to it.",
        )


def short(recipient: str) -> str:
    """A public key as people compare it: its first and last letters."""
    return f"{recipient[:12]}…{recipient[-6:]}"


def _note(tx: Connection, recipient: str, *, at: datetime) -> KeyRecord:
    """Note the key with a fresh canary; whoever was quicker counts."""
    canary = secrets.token_bytes(_CANARY_BYTES)
    tx.execute(
        insert(EVIDENCE_KEY)
        .values(
            id=_THE_ONE,
            recipient=recipient,
            canary=Seal(recipient).seal(canary),
            canary_sha256=hashlib.sha256(canary).hexdigest(),
            noted_at=at,
        )
        .on_conflict_do_nothing()
    )
    record = noted(tx)
    if record is None:  # the row is never removed; kept for the type checker
        raise Misconfigured(_WHAT, why="the table evidence_key lost its row")
    return record


def _require_one_opens(
    sealed: Iterable[bytes], identity: Opens, recipient: str, *, source: str
) -> None:
    """One that opens proves the key; a damaged one proves nothing, so several are tried."""
    tried = 0
    for data in sealed:
        tried += 1
        try:
            identity.unseal(data)
        except Misconfigured:
            continue
        return
    if tried:
        raise Misconfigured(
            _WHAT,
            why=f"{source} belongs to {short(recipient)}, and it opens none of the {tried} sealed "
            "items that were tried",
            remedy="Put back the identity that this evidence was sealed to. Nothing was changed.",
        )


def _another(source: str, *, found: str, expected: str) -> Misconfigured:
    return Misconfigured(
        _WHAT,
        why=f"{source} belongs to {short(found)}, and the evidence here is sealed to "
        f"{short(expected)}",
        remedy=f"Put back the key of {short(expected)}. Nothing was sealed, opened or changed.",
    )
