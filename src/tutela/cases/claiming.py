"""Claiming: one person at a time works on a case, so that no two must look."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.cases import store
from tutela.cases.model import Case, State
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import Conflict
from tutela.primitives.ids import CaseId

CLAIM_LASTS = timedelta(minutes=30)
"""After this long without a step, somebody else may take the case over."""


def claim(tx: Connection, case_id: CaseId, by: Actor, at: datetime) -> Case:
    """Take a case. Taking it again keeps it longer; a live claim of another is a `Conflict`."""
    require(by, Permission.CASE_CLAIM)
    before = store.case(tx, case_id, for_update=True)
    if before.state is State.CLOSED:
        raise Conflict("The case is closed", why="nothing is left to decide on it")
    require_not_anothers(before, by, at)
    after = store.save(tx, before, replace(before, claimed_by=by.id, claimed_at=at))
    if before.claimed_by != by.id:
        ledger.append(
            tx,
            at=at,
            actor=by.id,
            action=LedgerAction.CASE_CLAIMED,
            subject=case_id,
            detail={"after_lapse_of": before.claimed_by},
        )
    return after


def release(tx: Connection, case_id: CaseId, by: Actor, at: datetime) -> Case:
    """Give a case back to the queue; nothing happens when nobody has it."""
    require(by, Permission.CASE_CLAIM)
    before = store.case(tx, case_id, for_update=True)
    if before.claimed_by is None:
        return before
    require_not_anothers(before, by, at)
    after = store.save(tx, before, replace(before, claimed_by=None, claimed_at=None))
    ledger.append(
        tx, at=at, actor=by.id, action=LedgerAction.CASE_RELEASED, subject=case_id, detail={}
    )
    return after


def held_by_another(case: Case, by: Actor, at: datetime) -> bool:
    """Whether somebody else's claim is still alive at `at`.

    One that lies further ahead than a claim lasts was made by a clock that was wrong.
    """
    return (
        case.claimed_by is not None
        and case.claimed_by != by.id
        and case.claimed_at is not None
        and abs(at - case.claimed_at) < CLAIM_LASTS
    )


def require_not_anothers(case: Case, by: Actor, at: datetime) -> None:
    """Raise `Conflict` while somebody else works on the case."""
    if held_by_another(case, by, at):
        raise Conflict(
            "Somebody else works on this case",
            why=f"a claim lasts {CLAIM_LASTS.seconds // 60} minutes after the last step",
            remedy="Take another case from the queue.",
        )
