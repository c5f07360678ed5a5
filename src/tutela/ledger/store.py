"""The ledger's table: append at the end, read in order. The only impure module of the room.

It knows SQLAlchemy but no session of ours (ADR 0012): callers hand in an open transaction,
so a line stands or falls with the state it tells of.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    MetaData,
    Row,
    Table,
    Text,
    case,
    func,
    insert,
    select,
)

from tutela.ledger.actions import LedgerAction
from tutela.ledger.canonical import canonical
from tutela.ledger.chain import GENESIS, link
from tutela.ledger.model import JSON, Anchor, Line
from tutela.primitives.errors import BadInput

METADATA = MetaData()
LEDGER = Table(
    "ledger",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail_json", Text, nullable=False),
    Column("previous", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
)

_CHAIN_LOCK = 0x7475_746C_6564  # "tutled", this chain's number among PostgreSQL's advisory locks
_ROWS_AT_ONCE = 1000
_READABLE_AT = case(
    (
        LEDGER.c.at.between(datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)),
        LEDGER.c.at,
    )
)
"""A time that Python cannot hold (somebody wrote infinity) reads as none, not as an error."""
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


def append(
    tx: Connection,
    *,
    at: datetime,
    actor: str,
    action: LedgerAction,
    subject: str,
    detail: Mapping[str, object],
) -> Line:
    """Add one line at the end; it is there when `tx` commits, and gone when it does not.

    Appenders wait for each other until the end of `tx` (so append last); the chain cannot
    fork. `tx` must read what others have committed (PostgreSQL's default isolation).
    """
    tx.execute(select(func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    last = head(tx)
    line = link(
        previous=last.digest if last else GENESIS,
        seq=last.seq + 1 if last else 1,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
    )
    tx.execute(
        insert(LEDGER).values(
            seq=line.seq,
            at=line.at,
            actor=line.actor,
            action=line.action,
            subject=line.subject,
            detail_json=canonical(line.detail),
            previous=line.previous,
            digest=line.digest,
        )
    )
    return line


def head(tx: Connection) -> Anchor | None:
    """The last line's number and digest; `None` when nothing has been written yet."""
    row = tx.execute(
        select(LEDGER.c.seq, LEDGER.c.digest).order_by(LEDGER.c.seq.desc()).limit(1)
    ).first()
    return Anchor(seq=row.seq, digest=row.digest) if row else None


def lines(
    tx: Connection,
    *,
    subject: str | None = None,
    action: str | None = None,
    since: int = 0,
    limit: int | None = None,
) -> Iterator[Line]:
    """The lines after number `since` in their order, streamed; optionally of one subject or action.

    Memory does not grow with the ledger. All lines are of one snapshot.
    """
    columns = [_READABLE_AT.label("at") if c is LEDGER.c.at else c for c in LEDGER.c]
    wanted = select(*columns).where(LEDGER.c.seq > since).order_by(LEDGER.c.seq)
    if subject is not None:
        wanted = wanted.where(LEDGER.c.subject == subject)
    if action is not None:
        wanted = wanted.where(LEDGER.c.action == action)
    if limit is not None:
        wanted = wanted.limit(limit)
    with tx.execute(wanted, execution_options={"yield_per": _ROWS_AT_ONCE}) as rows:
        for row in rows:
            yield _line(row)


def last_action(tx: Connection, actions: Collection[str]) -> str:
    """The action of the newest line that has one of these; empty when no line has."""
    names = list(actions)
    newest = tx.execute(  # the newest of each is one step in the index, however long the ledger
        select(
            *(
                select(func.max(LEDGER.c.seq)).where(LEDGER.c.action == name).scalar_subquery()
                for name in names
            )
        )
    ).one()
    seq, name = max((seq or 0, name) for seq, name in zip(newest, names, strict=True))
    return name if seq else ""


def last_line(tx: Connection, action: str) -> Line | None:
    """The newest line of an action."""
    newest = tx.execute(
        select(func.max(LEDGER.c.seq)).where(LEDGER.c.action == action)
    ).scalar_one_or_none()
    return None if newest is None else next(lines(tx, since=newest - 1, limit=1), None)


def _line(row: Row[Any]) -> Line:
    return Line(
        seq=row.seq,
        at=row.at or _NO_TIME,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=_detail(row.detail_json),
        previous=row.previous,
        digest=row.digest,
    )


def _detail(text: str) -> Mapping[str, JSON]:
    """The detail as stored. A text that is not ours to the last byte is handed on as such.

    Its digest then cannot be right, so a verification names the line, also when the change
    was only a space, a doubled key or an escaped letter.
    """
    try:
        value = json.loads(text)
        if isinstance(value, dict) and canonical(value) == text:
            return value
    except (ValueError, TypeError, RecursionError, BadInput):
        pass
    return {"not canonical": text}
