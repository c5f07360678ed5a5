"""What a final decision sets in motion, in the same transaction as the decision."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from tutela.accounts.model import Actor
from tutela.cases import store
from tutela.cases.model import Case, Decision, Event, Outcome, Verdict
from tutela.cases.state import advance
from tutela.evidence import retention
from tutela.evidence import store as evidence
from tutela.evidence.model import Exhibit
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.events import ask_for

FOLLOWING: Mapping[Outcome, str] = {
    Outcome.REPORTED: "report",
    Outcome.RESTRICTED: "restrict",
    Outcome.PRESERVED: "preserve",
}
"""The follow-up job that reaches each outcome; its subject is the case."""
TELL_PLATFORM = "tell_decision"
"""The follow-up job that tells the platform what was decided; its subject is the case."""


def conclude(
    tx: Connection,
    before: Case,
    decision: Decision,
    *,
    by: Actor,
    at: datetime,
    action: LedgerAction,
) -> Decision:
    """Let a final decision take effect.

    1. the case is decided; apparent CSAM needs to be reported, restricted and preserved,
       anything else needs nothing and is closed in the same act;
    2. the verdict is kept by hash, so that the next copy needs no view;
    3. the platform is told; apparent CSAM: the follow-up jobs are asked for;
    4. the ledger's lines; when the case closes, its own hold is released (the exhibit stays
       until two persons destroy it).
    """
    apparent = decision.verdict is Verdict.APPARENT_CSAM
    decided = replace(  # 1
        advance(before, Event.DECISION_MADE, at=at),
        needed=frozenset(Outcome) if apparent else frozenset(),
        claimed_by=None,
        claimed_at=None,
    )
    case = store.save(tx, before, decided)
    if not apparent:
        case = store.save(tx, case, advance(case, Event.CLOSED, at=at))
    exhibits = evidence.exhibits_of(tx, case.id)
    for exhibit in exhibits:  # 2
        _remember(tx, exhibit, decision)
    ask_for(tx, kind=TELL_PLATFORM, subject=case.id, at=at)  # 3
    if apparent:
        for kind in FOLLOWING.values():
            ask_for(tx, kind=kind, subject=case.id, at=at)
    ledger.append(  # 4
        tx, at=at, actor=by.id, action=action, subject=case.id, detail=told(decision)
    )
    if not apparent:
        closed(tx, case, reason=decision.verdict.value, by=by.id, at=at)
    return decision


def closed(tx: Connection, case: Case, *, reason: str, by: str, at: datetime) -> None:
    """The lines of a closed case; its own hold ends unless it is the only one that keeps.

    An exhibit of apparent CSAM whose keeping has no other basis stays held: a missing clock
    must never read as leave to destroy.
    """
    needed_keeping = Outcome.PRESERVED in case.needed
    for hold in evidence.holds_of(tx, case.id):
        if hold.basis != retention.CASE_OPEN or hold.released_at is not None:
            continue
        others = [
            other
            for other in evidence.holds_of_exhibit(tx, hold.exhibit_id)
            if other.id != hold.id and other.released_at is None
        ]
        if others or not needed_keeping:
            retention.release_hold(tx, hold.id, by=by, at=at)
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.CASE_CLOSED,
        subject=case.id,
        detail={"reason": reason},
    )


def told(decision: Decision) -> dict[str, object]:
    """What the ledger says of a decision: identifiers and constants, never the note."""
    return {
        "decision": decision.id,
        "verdict": decision.verdict.value,
        "final": decision.final,
        "confirms": decision.confirms,
        "viewed": {exhibit: viewed.value for exhibit, viewed in decision.viewed.items()},
    }


def _remember(tx: Connection, exhibit: Exhibit, decision: Decision) -> None:
    """Keep the verdict by the exhibit's hashes, when it has one that identifies it."""
    pdq = exhibit.comparable_pdq
    if not exhibit.sha256 and pdq is None:
        return
    store.add_verdict(
        tx,
        sha256=exhibit.sha256 or None,
        pdq=pdq,
        verdict=decision.verdict,
        category=decision.category,
        case_id=exhibit.case_id,
        at=decision.at,
    )
