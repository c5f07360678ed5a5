"""One call to an authority: intent stored, call made, answer stored with what follows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import Unavailable
from tutela.primitives.ids import ExhibitId
from tutela.reporting import store
from tutela.reporting.desk import Desk
from tutela.reporting.exchange import AuthorityReply, Call, Exchange, Outcome
from tutela.reporting.formats.cybertip_replies import read
from tutela.reporting.ports import NoReply
from tutela.reporting.reports import HeldBecause, Report, ReportState

_READS = frozenset({Call.STATUS, Call.SCHEMA})


class Next(StrEnum):
    """What the story does after a move."""

    GO_ON = "go_on"  # the report got further; make the next move
    AGAIN = "again"  # no usable answer; wait, then look again
    BUSY = "busy"  # somebody else works on this report
    DONE = "done"  # finished, the receipt is stored
    STOPPED = "stopped"  # held or refused: a person acts next


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """One call and what came of it. `left` false: nothing was sent."""

    report: Report
    intent: int
    exchange: Exchange
    reply: AuthorityReply | None
    outcome: Outcome
    left: bool = True
    error: str = ""

    @property
    def said(self) -> str:
        """What came back, for people who work on the case."""
        if self.reply is not None:
            return f"{self.exchange.call}: code {self.reply.code}, {self.reply.description[:500]}"
        return f"{self.exchange.call}: HTTP status {self.exchange.http_status}, no known answer"

    @property
    def failure(self) -> str:
        """How the call failed, without the answer's body; empty when it did not fail."""
        if self.outcome in {Outcome.OK, Outcome.ALREADY_FINISHED}:
            return ""
        if self.error:
            return f"no answer: {self.error}"
        code = f", code {self.reply.code}" if self.reply is not None else ""
        return f"{self.exchange.call}: HTTP status {self.exchange.http_status}{code}"


def converse(
    desk: Desk,
    report: Report,
    call: Call,
    speak: Callable[[], Exchange],
    *,
    sent: bytes | None = None,
    exhibit: ExhibitId | None = None,
) -> Answered:
    """Store the intent (about this exhibit, if about one), make the call; then use `settle`.

    A call that changes something at the authority has a line in the ledger, which the sender
    notes outside the database before the call leaves (`ledger.outward`). Raises `OutwardWaits`,
    with nothing stored, while no outward act may leave.
    """
    if call not in _READS:
        desk.outward.clear()
    with desk.database.begin() as tx:
        intent = store.note_intent(
            tx,
            report.id,
            call=call,
            method="GET" if call in _READS else "POST",
            sent=sent,
            exhibit=exhibit,
            at=desk.clock.now(),
        )
        if call not in _READS:
            tell(tx, report, LedgerAction.REPORT_CALL_BEGUN, at=desk.clock.now(), call=call.value)
    try:
        exchange = speak()
    except NoReply as lost:
        return Answered(
            report=report,
            intent=intent,
            exchange=lost.exchange,
            reply=None,
            outcome=Outcome.RETRY,
            left=lost.may_have_arrived,
            error=lost.why,
        )
    except Unavailable as waits:  # the gate has closed, or the head could not be noted
        return Answered(
            report=report,
            intent=intent,
            exchange=_not_sent(call, waits, at=desk.clock.now()),
            reply=None,
            outcome=Outcome.RETRY,
            left=False,
            error=waits.what,
        )
    reply, outcome = read(exchange)
    return Answered(report=report, intent=intent, exchange=exchange, reply=reply, outcome=outcome)


def _not_sent(call: Call, why: Unavailable, *, at: datetime) -> Exchange:
    """The record of a call that never left this machine."""
    return Exchange(
        call=call,
        method="POST",
        request_digest_sha256="",
        request_bytes=None,
        request_note=why.what,
        sent_at=at,
    )


def settle(desk: Desk, answered: Answered, follow: Callable[[Connection], Next]) -> Next:
    """Store the answer and what follows from it in one transaction.

    While the database is away the answer waits in memory and is stored as soon as it is
    back: an answer that was received must not become a lost one. When the connection broke
    during COMMIT it may be stored already; then only what is stored is looked at again.
    """
    tried = False
    while True:
        try:
            with desk.database.begin() as tx:
                if tried and store.is_answered(tx, answered.intent):
                    return Next.AGAIN
                store.note_answer(
                    tx,
                    answered.report.id,
                    intent=answered.intent,
                    exchange=answered.exchange,
                    code=answered.reply.code if answered.reply else None,
                    left=answered.left,
                )
                following = follow(tx)
                failed = following not in {Next.GO_ON, Next.DONE}
                store.record_attempt(tx, answered.report.id, answered.failure if failed else "")
                return following
        except Unavailable:
            tried = True
            desk.pause(0.5)


def unsuccessful(tx: Connection, answered: Answered, *, at: datetime) -> Next:
    """What follows from an answer that is no success, for every call but `/finish`."""
    report, outcome = answered.report, answered.outcome
    if outcome is Outcome.RETRY:
        return Next.AGAIN
    if outcome is Outcome.REOPEN:
        give_up(tx, report, why="the authority no longer has the open report", at=at)
        return Next.AGAIN
    if outcome is Outcome.STOP_AND_PAGE:
        why = f"The authority does not let this account in ({answered.said})."
        hold(tx, report, because=HeldBecause.CREDENTIALS, why=why, at=at)
    elif answered.reply is None or outcome is not Outcome.HUMAN or answered.reply.code == 0:
        why = f"The authority's answer cannot be used ({answered.said})."
        hold(tx, report, because=HeldBecause.UNREACHABLE, why=why, at=at)
    else:
        refuse(tx, answered, at=at)
    return Next.STOPPED


def hold(tx: Connection, report: Report, *, because: HeldBecause, why: str, at: datetime) -> None:
    """Stop a report until somebody settles `because`; told once on the ledger."""
    now = store.report(tx, report.id)
    if (now.state, now.held_because, now.why) == (ReportState.HELD, because, why):
        return
    store.change(
        tx,
        report.id,
        state=ReportState.HELD,
        held_because=because,
        why=why,
        next_try_at=None,
    )
    tell(tx, report, LedgerAction.REPORT_HELD, at=at, because=because.value)


def refuse(tx: Connection, answered: Answered, *, at: datetime) -> None:
    """End this report: the authority says that it breaks a rule. A person must correct."""
    report = answered.report
    why = f"The authority refused the report ({answered.said})."
    store.change(tx, report.id, state=ReportState.REFUSED, why=why)
    code = answered.reply.code if answered.reply else None
    tell(
        tx, report, LedgerAction.REPORT_REFUSED, at=at, call=answered.exchange.call.value, code=code
    )


def give_up(tx: Connection, report: Report, *, why: str, at: datetime) -> None:
    """Abandon the open report: its number is kept, the next move opens a new one."""
    number = report.authority_report_id
    store.change(
        tx,
        report.id,
        state=ReportState.COMPOSED,
        authority_report_id=None,
        opened_at=None,
        abandoned_ids=[*report.abandoned_ids, *([number] if number else [])],
    )
    store.forget_uploads(tx, report.id)
    tell(tx, report, LedgerAction.REPORT_ABANDONED, at=at, authority_report=number, why=why)


def tell(
    tx: Connection, report: Report, action: LedgerAction, *, at: datetime, **detail: object
) -> None:
    """One ledger line about a report; the case is its subject."""
    ledger.append(
        tx,
        at=at,
        actor="system",
        action=action,
        subject=report.case_id,
        detail={"report": report.id, **detail},
    )
