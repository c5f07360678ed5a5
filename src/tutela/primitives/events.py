"""Follow-up jobs: written in the same transaction as the state that asks for them.

The worker relays each to a durable workflow of the same identifier, so a job that is
relayed twice still runs once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, DateTime, Table, Text, insert, select, update

from tutela.primitives.database import METADATA
from tutela.primitives.ids import FollowUpId

FOLLOW_UPS = Table(
    "follow_ups",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("relayed_at", DateTime(timezone=True)),
)


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """Work that must be done because something was decided."""

    id: FollowUpId
    kind: str
    subject: str
    created_at: datetime


def ask_for(tx: Connection, *, kind: str, subject: str, at: datetime) -> FollowUp:
    """Ask for `kind` to be done about `subject`; committed with the caller's state."""
    job = FollowUp(id=FollowUpId.new(), kind=kind, subject=subject, created_at=at)
    tx.execute(insert(FOLLOW_UPS).values(id=job.id, kind=kind, subject=subject, created_at=at))
    return job


def waiting(tx: Connection, *, limit: int = 100) -> Sequence[FollowUp]:
    """The oldest jobs nobody has relayed yet; rows another worker holds are skipped."""
    rows = tx.execute(
        select(FOLLOW_UPS)
        .where(FOLLOW_UPS.c.relayed_at.is_(None))
        .order_by(FOLLOW_UPS.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        FollowUp(
            id=FollowUpId(row.id), kind=row.kind, subject=row.subject, created_at=row.created_at
        )
        for row in rows
    ]


def relayed(tx: Connection, job: FollowUp, *, at: datetime) -> None:
    """Note that the job has been handed to its workflow."""
    tx.execute(update(FOLLOW_UPS).where(FOLLOW_UPS.c.id == job.id).values(relayed_at=at))
