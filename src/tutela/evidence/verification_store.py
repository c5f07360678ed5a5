"""How far a round of verifying has come, and which exhibits are missing or damaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, Connection, DateTime, Table, Text, func, select, update
from sqlalchemy.dialects.postgresql import insert

from tutela.evidence.store import EXHIBITS
from tutela.primitives.database import METADATA
from tutela.primitives.ids import CaseId, ExhibitId

ROUNDS = Table(
    "evidence_rounds",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("after_exhibit", Text, nullable=False),
    Column("checked", BigInteger, nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)
FAULTS = Table(
    "evidence_faults",
    METADATA,
    Column("exhibit_id", Text, primary_key=True),
    Column("fault", Text, nullable=False),
    Column("found_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One walk over all exhibits: it goes on after `after`, having checked so many."""

    after: str
    checked: int
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenFault:
    """An exhibit that could not be read back as it was sealed, and was not since."""

    exhibit_id: ExhibitId
    case_id: CaseId
    fault: str
    found_at: datetime


def current(tx: Connection, name: str) -> Round | None:
    """The round of that name, finished or not; None before the first."""
    row = tx.execute(select(ROUNDS).where(ROUNDS.c.name == name)).first()
    if row is None:
        return None
    return Round(after=row.after_exhibit, checked=row.checked, finished_at=row.finished_at)


def begin(tx: Connection, name: str, *, at: datetime) -> None:
    """Start the round of that name from the first exhibit."""
    fresh = {"started_at": at, "after_exhibit": "", "checked": 0, "finished_at": None}
    tx.execute(
        insert(ROUNDS)
        .values(name=name, **fresh)
        .on_conflict_do_update(index_elements=["name"], set_=fresh)
    )


def passed(tx: Connection, name: str, exhibit_id: ExhibitId) -> None:
    """Note that the round has checked this exhibit."""
    tx.execute(
        update(ROUNDS)
        .where(ROUNDS.c.name == name)
        .values(after_exhibit=exhibit_id, checked=ROUNDS.c.checked + 1)
    )


def finish(tx: Connection, name: str, *, at: datetime) -> None:
    """Note that the round has reached the last exhibit."""
    tx.execute(update(ROUNDS).where(ROUNDS.c.name == name).values(finished_at=at))


def open_fault(tx: Connection, exhibit_id: ExhibitId) -> str | None:
    """The fault of an exhibit that nobody has settled; its row is locked."""
    return tx.execute(
        select(FAULTS.c.fault)
        .where(FAULTS.c.exhibit_id == exhibit_id, FAULTS.c.settled_at.is_(None))
        .with_for_update()
    ).scalar_one_or_none()


def note_fault(tx: Connection, exhibit_id: ExhibitId, fault: str, *, at: datetime) -> None:
    """Note what is wrong with an exhibit."""
    found = {"fault": fault, "found_at": at, "settled_at": None}
    tx.execute(
        insert(FAULTS)
        .values(exhibit_id=exhibit_id, **found)
        .on_conflict_do_update(index_elements=["exhibit_id"], set_=found)
    )


def settle(tx: Connection, exhibit_id: ExhibitId, *, at: datetime) -> None:
    """Note that the exhibit can be read back again, or was destroyed by two persons."""
    tx.execute(update(FAULTS).where(FAULTS.c.exhibit_id == exhibit_id).values(settled_at=at))


def open_faults(tx: Connection, *, limit: int = 1000) -> Sequence[OpenFault]:
    """Exhibits that are missing or damaged, the oldest first."""
    rows = tx.execute(
        select(FAULTS.c.exhibit_id, EXHIBITS.c.case_id, FAULTS.c.fault, FAULTS.c.found_at)
        .join(EXHIBITS, EXHIBITS.c.id == FAULTS.c.exhibit_id)
        .where(FAULTS.c.settled_at.is_(None), EXHIBITS.c.destroyed_at.is_(None))
        .order_by(FAULTS.c.exhibit_id)
        .limit(limit)
    )
    return [
        OpenFault(
            exhibit_id=ExhibitId(row.exhibit_id),
            case_id=CaseId(row.case_id),
            fault=row.fault,
            found_at=row.found_at,
        )
        for row in rows
    ]


def how_many_faults(tx: Connection) -> int:
    """How many exhibits are missing or damaged."""
    rows = (
        select(func.count())
        .select_from(FAULTS.join(EXHIBITS, EXHIBITS.c.id == FAULTS.c.exhibit_id))
        .where(FAULTS.c.settled_at.is_(None), EXHIBITS.c.destroyed_at.is_(None))
    )
    return int(tx.execute(rows).scalar_one())


def how_many(tx: Connection) -> int:
    """How many exhibits have bytes that must be there."""
    there = (EXHIBITS.c.destroyed_at.is_(None), EXHIBITS.c.blob_key.is_not(None))
    return int(tx.execute(select(func.count()).select_from(EXHIBITS).where(*there)).scalar_one())


def some(tx: Connection, *, limit: int) -> Sequence[ExhibitId]:
    """So many of them, by chance."""
    there = (EXHIBITS.c.destroyed_at.is_(None), EXHIBITS.c.blob_key.is_not(None))
    rows = tx.execute(select(EXHIBITS.c.id).where(*there).order_by(func.random()).limit(limit))
    return sorted(ExhibitId(row.id) for row in rows)
