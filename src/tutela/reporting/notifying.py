"""Telling the platform what was finally decided about an item, whatever was decided.

One notice for each final decision, sent as a signed message (`adapters/webhook.py`) until it is
taken. Without an address for decisions (`TUTELA_PLATFORM_DECISIONS_URL`) nothing is told; a service
can still ask (`GET /v1/cases/…`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.model import Verdict
from tutela.evidence.ports import Opens
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured
from tutela.primitives.ids import CaseId, DecisionId
from tutela.reporting import notice_store as store
from tutela.reporting.conversing import Next
from tutela.reporting.notice_store import NoticeState
from tutela.reporting.restricting import Delivery

TYPE: Final = "case.decided"


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionNotice:
    """What a platform is told. `item_reference` is opened for the moment of sending only."""

    id: DecisionId
    case_id: CaseId
    verdict: Verdict
    decided_at: datetime
    item_reference: str = ""


class DecisionListener(Protocol):
    """The service that wants to hear of decisions."""

    def tell_decision(self, notice: DecisionNotice, *, at: datetime) -> Delivery:
        """Send one notice; the same one may come twice."""
        ...


def due(tx: Connection, case_id: CaseId, *, at: datetime) -> DecisionNotice | None:
    """The notice of the case's final decision, unless it was delivered.

    One that had failed is taken up again.
    """
    final = cases.final_decision(tx, case_id)
    if final is None or not store.take_up(tx, final.id, case_id=case_id, at=at):
        return None
    return DecisionNotice(id=final.id, case_id=case_id, verdict=final.verdict, decided_at=final.at)


def deliver(
    database: Database,
    listener: DecisionListener,
    case_id: CaseId,
    *,
    unsealer: Opens,
    clock: Clock,
) -> Next:
    """Send the notice once and store what came of it. May be run again at any moment.

    Raises `OutwardWaits`, with nothing sent or stored, while no outward act may leave.
    """
    with database.begin() as tx:
        notice = due(tx, case_id, at=clock.now())
        if notice is None:
            return Next.DONE
        try:
            reference = cases.item_reference_of(tx, case_id, unsealer)
        except Misconfigured as error:
            fail(tx, notice.id, case_id, why=f"The item's name stays sealed: {error}", clock=clock)
            return Next.STOPPED
    delivery = listener.tell_decision(replace(notice, item_reference=reference), at=clock.now())
    with database.begin() as tx:
        if delivery.delivered:
            store.change(tx, notice.id, NoticeState.DELIVERED, why="", tried=True, at=clock.now())
            _log(tx, case_id, notice.id, LedgerAction.DECISION_TOLD, clock)
            return Next.DONE
        store.change(tx, notice.id, NoticeState.WAITING, why=delivery.why, tried=True)
        if delivery.again:
            return Next.AGAIN
        fail(tx, notice.id, case_id, why=delivery.why, clock=clock)
        return Next.STOPPED


def fail(tx: Connection, notice: DecisionId, case_id: CaseId, *, why: str, clock: Clock) -> None:
    """Stop sending a notice; people see it, and the next start of the worker tries again."""
    store.change(tx, notice, NoticeState.FAILED, why=why)
    _log(tx, case_id, notice, LedgerAction.DECISION_NOT_TOLD, clock)


def _log(
    tx: Connection, case_id: CaseId, notice: DecisionId, action: LedgerAction, clock: Clock
) -> None:
    ledger.append(
        tx,
        at=clock.now(),
        actor="system",
        action=action,
        subject=case_id,
        detail={"decision": notice},
    )
