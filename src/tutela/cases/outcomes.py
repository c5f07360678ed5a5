"""Reaching what a decision needs: reported, restricted, preserved; the last one closes."""

from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import concluding, store
from tutela.cases.model import Case, Event, Outcome
from tutela.cases.state import REACHING, advance, missing
from tutela.primitives.ids import CaseId

_EVENTS = {outcome: event for event, outcome in REACHING.items()}


def reach(
    tx: Connection, case_id: CaseId, outcome: Outcome, *, at: datetime, by: str = "system"
) -> Case:
    """Note that an outcome was reached; closes the case when it was the last one needed.

    May run twice: what was reached stays reached at its first time. The row is locked, so
    that three workflows that finish at once do not meet.
    """
    before = store.case(tx, case_id, for_update=True)
    if outcome in before.reached:
        return before
    case = store.save(tx, before, advance(before, _EVENTS[outcome], at=at))
    if missing(case):
        return case
    case = store.save(tx, case, advance(case, Event.CLOSED, at=at))
    concluding.closed(tx, case, reason="all_outcomes_reached", by=by, at=at)
    return case
