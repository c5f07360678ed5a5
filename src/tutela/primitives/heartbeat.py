"""Whether a worker runs: it says so in the database, and every process can read it there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, DateTime, Integer, Table, Text, select
from sqlalchemy.dialects.postgresql import insert as upsert

from tutela.primitives.database import METADATA

EVERY = timedelta(seconds=10)
"""How often a worker says that it runs."""

SILENT_AFTER = timedelta(seconds=60)
"""A worker that has said nothing for so long does not run, or cannot reach the database."""

WORKER_SEEN = Table(
    "worker_seen",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("version", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSeen:
    """What a worker last said of itself."""

    version: str
    started_at: datetime
    seen_at: datetime

    def running(self, at: datetime) -> bool:
        """Whether it was heard lately; a clock that was set back does not silence it."""
        return at - self.seen_at <= SILENT_AFTER


def beat(tx: Connection, *, version: str, started_at: datetime, at: datetime) -> None:
    """Say that the worker runs at `at`."""
    said = {"version": version, "started_at": started_at, "seen_at": at}
    tx.execute(
        upsert(WORKER_SEEN)
        .values(id=1, **said)
        .on_conflict_do_update(index_elements=["id"], set_=said)
    )


def worker_seen(tx: Connection) -> WorkerSeen | None:
    """The worker that was heard last; None when none ever ran on this database."""
    row = tx.execute(select(WORKER_SEEN)).first()
    if row is None:
        return None
    return WorkerSeen(version=row.version, started_at=row.started_at, seen_at=row.seen_at)
