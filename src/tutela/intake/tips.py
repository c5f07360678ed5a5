"""What the public form hands in: sealed at once, found again only with the receipt code.

Nothing about the sender is kept: no address, no browser, no account. The code is shown
once; we keep its digest. This module knows no match, case or key that could unseal, so
that the public process may import it.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    update,
)

from tutela.intake.form import QUESTIONS
from tutela.ledger.actions import LedgerAction
from tutela.ledger.store import append
from tutela.primitives.database import METADATA
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import SubmissionId

TIPS = Table(
    "tips",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("receipt_sha256", LargeBinary, nullable=False, unique=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", DateTime(timezone=True), nullable=False),
)

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no letter that reads like another
_GROUPS, _GROUP = 5, 4  # 31^20: about 99 bits, beyond guessing


class TipState(StrEnum):
    """How far a tip has come; all the sender can see."""

    RECEIVED = "received"
    ASSESSED = "assessed"
    CLOSED = "closed"


class Sealing(Protocol):
    """Anything that can seal bytes."""

    def seal(self, data: bytes) -> bytes:
        """Encrypt to the evidence key."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Tip:
    """One public report, still sealed."""

    id: SubmissionId
    received_at: datetime
    sealed: bytes
    state: TipState
    state_at: datetime


def answers_of(given: Mapping[str, str]) -> dict[str, str]:
    """Check the form's answers; raise `BadInput` naming the question that needs attention."""
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        text = given.get(question.key, "").strip().replace("\x00", "")
        if len(text) > question.max_length:
            raise BadInput(
                f"The answer “{question.key}” is too long",
                why=f"at most {question.max_length} letters",
            )
        if text:
            answers[question.key] = text
    if not any(answers.get(question.key) for question in QUESTIONS if question.any_of):
        raise BadInput("Please fill in an address or a description", why="Both fields are empty.")
    return answers


def hand_in(tx: Connection, *, answers: Mapping[str, str], seal: Sealing, at: datetime) -> str:
    """Seal and store a tip; returns the receipt code, which is kept nowhere."""
    code = "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )
    tip = SubmissionId.new()
    sealed = seal.seal(json.dumps(dict(answers), ensure_ascii=False).encode())
    tx.execute(
        insert(TIPS).values(
            id=tip,
            receipt_sha256=_digest(code),
            received_at=at,
            sealed=sealed,
            state=TipState.RECEIVED,
            state_at=at,
        )
    )
    append(tx, at=at, actor="public", action=LedgerAction.TIP_RECEIVED, subject=tip, detail={})
    return code


def by_receipt(tx: Connection, code: str) -> Tip:
    """The tip that belongs to a receipt code; letter case, spaces and dashes do not matter."""
    plain = require_code(code)
    grouped = "-".join(plain[i : i + _GROUP] for i in range(0, len(plain), _GROUP))
    row = tx.execute(select(TIPS).where(TIPS.c.receipt_sha256 == _digest(grouped))).first()
    if row is None:
        raise _no_such_code()
    return _tip(row)


def require_code(code: str) -> str:
    """The letters of a receipt code; raises `NotFound` for what can be no code."""
    plain = code.lower().replace("-", "").replace(" ", "")
    if len(plain) != _GROUPS * _GROUP or not set(plain) <= set(_ALPHABET):
        raise _no_such_code()
    return plain


def _no_such_code() -> NotFound:
    return NotFound(
        "No report belongs to this code", remedy="Check the letters; none is a 0, 1, i, l or o."
    )


def tips(tx: Connection, *, limit: int = 100) -> Sequence[Tip]:
    """The newest tips, for the staff."""
    return [_tip(row) for row in tx.execute(select(TIPS).order_by(TIPS.c.id.desc()).limit(limit))]


def tip(tx: Connection, tip_id: SubmissionId) -> Tip:
    """One tip; raises `NotFound`."""
    row = tx.execute(select(TIPS).where(TIPS.c.id == tip_id)).first()
    if row is None:
        raise NotFound("There is no such tip")
    return _tip(row)


def advance(
    tx: Connection, tip_id: SubmissionId, *, state: TipState, by: str, at: datetime
) -> None:
    """Say how far a tip has come."""
    done = tx.execute(
        update(TIPS).where(TIPS.c.id == tip_id).values(state=state, state_at=at)
    ).rowcount
    if not done:
        raise NotFound("There is no such tip")
    append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.TIP_ADVANCED,
        subject=tip_id,
        detail={"state": state},
    )


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def _tip(row: object) -> Tip:
    return Tip(
        id=SubmissionId(row.id),  # type: ignore[attr-defined]
        received_at=row.received_at,  # type: ignore[attr-defined]
        sealed=row.sealed,  # type: ignore[attr-defined]
        state=TipState(row.state),  # type: ignore[attr-defined]
        state_at=row.state_at,  # type: ignore[attr-defined]
    )


def sealed_tips(tx: Connection, *, limit: int) -> Sequence[bytes]:
    """The sealed answers of the newest tips."""
    rows = tx.execute(select(TIPS.c.sealed).order_by(TIPS.c.id.desc()).limit(limit))
    return [bytes(row.sealed) for row in rows]
