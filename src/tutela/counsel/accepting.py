"""Counsel lets a rule version act, or takes that back; only the ledger keeps it."""

from datetime import datetime

from sqlalchemy import Connection

from tutela.law.loading import Lawbook
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.ledger.model import Line
from tutela.primitives.errors import BadInput, Conflict

LONGEST_NOTE = 500


def accept_rule(
    tx: Connection,
    *,
    book: Lawbook,
    rule_id: str,
    version: str,
    by: str,
    note: str,
    at: datetime,
) -> Line:
    """Write down that exactly this version of a rule or basis may act; void once it changes.

    `note` says what was checked and why; it names no case and no person. The caller has asked
    whether `by` may do this (`Permission.LAW_ACCEPT`).
    """
    reason = _reason(note)
    if version not in {each.version for each in book.acceptable(rule_id)}:
        raise Conflict(
            "The rule has changed meanwhile",
            why="the lawbook holds no such version of it",
            remedy="Read the present version before you accept it.",
        )
    detail = {"version": version, "by": by, "note": reason}
    return ledger.append(
        tx, at=at, actor=by, action=LedgerAction.LAW_RULE_ACCEPTED, subject=rule_id, detail=detail
    )


def withdraw_rule(
    tx: Connection, *, rule_id: str, version: str, by: str, note: str, at: datetime
) -> Line:
    """Take an acceptance back; what was already reported stays reported."""
    detail = {"version": version, "by": by, "note": _reason(note)}
    return ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.LAW_RULE_ACCEPTANCE_WITHDRAWN,
        subject=rule_id,
        detail=detail,
    )


def _reason(note: str) -> str:
    """The note, which must say something."""
    reason = note.strip()
    if not reason or len(reason) > LONGEST_NOTE:
        raise BadInput(
            "This needs its reason",
            why=f"a note of 1 to {LONGEST_NOTE} characters is kept in the ledger",
        )
    return reason
