"""The table of notices to the platform: one row for each final decision that it is told of."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tutela.primitives.ids import CaseId, DecisionId
from tutela.reporting.tables import DECISION_NOTICES


class NoticeState(StrEnum):
    """Where a notice of a decision stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"  # the platform refuses or has not answered for as long as we try


def take_up(tx: Connection, notice: DecisionId, *, case_id: CaseId, at: datetime) -> bool:
    """Make the row if there is none; False when the notice was delivered. Locked."""
    tx.execute(
        upsert(DECISION_NOTICES)
        .values(id=notice, case_id=case_id, state=NoticeState.WAITING, asked_at=at)
        .on_conflict_do_nothing(index_elements=["id"])
    )
    row = tx.execute(
        select(DECISION_NOTICES.c.state).where(DECISION_NOTICES.c.id == notice).with_for_update()
    ).one()
    if row.state == NoticeState.FAILED:
        change(tx, notice, NoticeState.WAITING, why="")
    return bool(row.state != NoticeState.DELIVERED)


def change(
    tx: Connection,
    notice: DecisionId,
    state: NoticeState,
    *,
    why: str,
    tried: bool = False,
    at: datetime | None = None,
) -> None:
    """Store what came of an attempt (`tried`); `at` is the moment of delivery."""
    tx.execute(
        update(DECISION_NOTICES)
        .where(DECISION_NOTICES.c.id == notice)
        .values(
            state=state,
            last_why=why,
            attempts=DECISION_NOTICES.c.attempts + int(tried),
            next_try_at=None,
            delivered_at=at,
        )
    )


def last_why(tx: Connection, notice: DecisionId) -> str:
    """Why the last attempt did not succeed."""
    query = select(DECISION_NOTICES.c.last_why).where(DECISION_NOTICES.c.id == notice)
    return str(tx.execute(query).scalar_one())


def wait_until(tx: Connection, case_id: CaseId, at: datetime) -> None:
    """Store when the notice of a case is sent again."""
    tx.execute(
        update(DECISION_NOTICES)
        .where(
            DECISION_NOTICES.c.case_id == case_id,
            DECISION_NOTICES.c.state == NoticeState.WAITING,
        )
        .values(next_try_at=at)
    )


def undelivered(tx: Connection) -> Sequence[CaseId]:
    """The cases whose notice has been asked for and was not delivered."""
    rows = tx.execute(
        select(DECISION_NOTICES.c.case_id)
        .where(DECISION_NOTICES.c.state != NoticeState.DELIVERED)
        .order_by(DECISION_NOTICES.c.id)
    )
    return [CaseId(row.case_id) for row in rows]
