"""Keeping the evidence as long as the law asks: one hold per rule and exhibit.

1. Each rule that asks, or may ask, to preserve gets a hold on each exhibit. It has no end
   while the law's clock has not started, while a fact is missing, or while counsel has not
   accepted the rule: keeping is the careful side, so it needs no acceptance; ending does. A
   rule that counsel has not accepted and that asks for nothing here, even read with its
   unchecked text, gets none: text that nobody checked is no ground to keep such material.
2. When the clock has started (the report is finished) the hold gets its end: a new hold is
   placed, then the open one is released.
3. Evidence that no rule asks to preserve stays under the case's own hold.
Holds only add up; what ends keeping is the last of them, and then two persons.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import facts, outcomes
from tutela.cases import store as cases
from tutela.cases.model import Outcome as Reached
from tutela.counsel.acceptances import acceptances
from tutela.evidence import retention
from tutela.evidence import store as evidence
from tutela.law.acceptance import Acceptance, actionable
from tutela.law.answers import Duties, Duty, State
from tutela.law.evaluating import day_of
from tutela.law.model import REFERENCE_ONLY, Action
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.clock import iso
from tutela.primitives.ids import CaseId, ExhibitId
from tutela.reporting import gating
from tutela.reporting.desk import Desk

_KEEPING = frozenset({State.OWED, State.UNKNOWN})


def preserve(tx: Connection, case_id: CaseId, *, desk: Desk, at: datetime) -> datetime | None:
    """Bring the holds of a case to what the law says at `at`; returns the end, None if open.

    May be run again at any moment; a second run with nothing new changes nothing.
    """
    case = cases.case(tx, case_id, for_update=True)
    if Reached.PRESERVED not in case.needed:
        return None
    accepted = acceptances(tx)
    found = _read(tx, case_id, accepted, desk=desk, at=at)
    wanted = {
        duty.rule_id: _end(duty, found, accepted, desk=desk, at=at)
        for duty in found.duties
        if duty.action is Action.PRESERVE and duty.weakest_state in _KEEPING
    }
    kept = [each for each in evidence.exhibits_of(tx, case_id) if each.destroyed_at is None]
    changed = False
    for exhibit in kept:
        for rule_id, until in wanted.items():
            changed |= _hold(tx, exhibit.id, case_id, rule_id, until, at=at)
    ends = list(wanted.values())
    until = max((end for end in ends if end), default=None) if all(ends) and ends else None
    if changed:
        ledger.append(
            tx,
            at=at,
            actor="system",
            action=LedgerAction.PRESERVATION_SET,
            subject=case_id,
            detail={
                "rules": sorted(wanted),
                "until": iso(until) if until else None,
                "exhibits": len(kept),
            },
        )
    gating.assess(tx, case_id, found, at=at)
    outcomes.reach(tx, case_id, Reached.PRESERVED, at=at)
    return until


def endable(tx: Connection, *, desk: Desk, at: datetime) -> Sequence[CaseId]:
    """The cases whose open keeping would get its end now: the clock runs, counsel has accepted.

    `preserve` gives the end; this only finds where it would, so that an acceptance that
    comes after the report does not leave evidence kept for ever.
    """
    rules = [rule.id for rule in desk.book.rules if rule.action is Action.PRESERVE]
    accepted = acceptances(tx)
    return [
        case_id
        for case_id in evidence.cases_without_end(tx, bases=rules)
        if _could_end(tx, case_id, accepted, desk=desk, at=at)
    ]


def _read(
    tx: Connection, case_id: CaseId, accepted: Sequence[Acceptance], *, desk: Desk, at: datetime
) -> Duties:
    """The duties of a case as a ground to act."""
    known = facts.facts_of(tx, case_id, provider=desk.provider, at=at)
    return gating.read_to_act(desk.book, known, accepted, at=at)


def _could_end(
    tx: Connection, case_id: CaseId, accepted: Sequence[Acceptance], *, desk: Desk, at: datetime
) -> bool:
    """Whether it has its end, or cannot be read: its own story then says what is wrong."""
    try:
        return _has_end(tx, case_id, accepted, desk=desk, at=at)
    except gating.UNREADABLE:
        return True


def _has_end(
    tx: Connection, case_id: CaseId, accepted: Sequence[Acceptance], *, desk: Desk, at: datetime
) -> bool:
    found = _read(tx, case_id, accepted, desk=desk, at=at)
    waiting = {
        each.basis
        for each in evidence.holds_of(tx, case_id)
        if each.until is None and each.released_at is None
    }
    return any(
        duty.action is Action.PRESERVE
        and duty.rule_id in waiting
        and _end(duty, found, accepted, desk=desk, at=at) is not None
        for duty in found.duties
    )


def _end(
    duty: Duty, found: Duties, accepted: Sequence[Acceptance], *, desk: Desk, at: datetime
) -> datetime | None:
    """The end that this rule gives the content; None while it may not be said."""
    if duty.state is not State.OWED or duty.rule_id in found.preservation.undetermined:
        return None
    rule, _ = desk.book.edition(duty.rule_id, on=day_of(at))
    if not actionable(rule, accepted).allowed:
        return None
    periods = [each for each in duty.keep if set(each.what) != {REFERENCE_ONLY}]
    ends = [each.until for each in periods]
    return None if not ends or None in ends else max(end for end in ends if end)


def _hold(
    tx: Connection,
    exhibit_id: ExhibitId,
    case_id: CaseId,
    rule_id: str,
    until: datetime | None,
    *,
    at: datetime,
) -> bool:
    """Place the rule's hold on one exhibit; the open one ends once there is one with an end."""
    mine = [
        each
        for each in evidence.holds_of_exhibit(tx, exhibit_id)
        if each.basis == rule_id and each.released_at is None
    ]
    if any(each.until == until for each in mine):
        return False
    if until is None and mine:
        return False
    retention.place_hold(
        tx,
        exhibit_id=exhibit_id,
        case_id=case_id,
        basis=rule_id,
        until=until,
        by="system",
        at=at,
    )
    for each in mine:
        if each.until is None:
            retention.release_hold(tx, each.id, by="system", at=at)
    return True
