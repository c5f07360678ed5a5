"""Reports that may have been filed already, in a time that the database no longer knows of.

The database was put back from an older copy, and a person has said that it counts as it is
(`tutela ledger reconcile`). A report about a case from before that moment may be finished at the
authority although nothing here says so. It is held until a person has asked the authority.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.model import Outcome as Reached
from tutela.cases.model import State
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.ledger.outward import lost_until
from tutela.primitives.clock import iso
from tutela.primitives.ids import CaseId
from tutela.reporting.conversing import hold
from tutela.reporting.reports import HeldBecause, Report

ASKED_AGAIN = LedgerAction.REPORT_ASKED_AGAIN
_ALL = 1_000_000


def may_be_filed(tx: Connection, case_id: CaseId) -> datetime | None:
    """Until when the case's report may have been filed without our knowing; None: it was not.

    Not for a case that was opened after that, nor once a person has said, on the authority's
    word, that there is no finished report (`tutela report retry CASE --not-finished`).
    """
    lost = lost_until(tx)
    if lost is None:
        return None
    line, until = lost
    if cases.case(tx, case_id).opened_at > until:
        return None
    words = ledger.lines(tx, subject=case_id, action=ASKED_AGAIN, since=line)
    return None if any(each.detail.get("not_finished") for each in words) else until


def held_back(tx: Connection, report: Report, *, at: datetime) -> bool:
    """Whether this report may be filed already; then it is held with what to do."""
    until = may_be_filed(tx, report.case_id)
    if until is None:
        return False
    why = (
        f"The database was put back from an older copy. This report may have been filed up to "
        f"{iso(until)} without our knowing. Look the case up in the authority's account. Only when "
        "there is no finished report about it: `tutela report retry --not-finished`."
    )
    hold(tx, report, because=HeldBecause.RESTORED, why=why, at=at)
    return True


def unfinished(tx: Connection, *, until: datetime) -> Sequence[CaseId]:
    """The decided cases from before `until` that ask for a report and have no finished one."""
    return [
        case.id
        for case in cases.queue(tx, states=(State.DECIDED,), limit=_ALL)
        if case.opened_at <= until and Reached.REPORTED in case.needed - set(case.reached)
    ]
