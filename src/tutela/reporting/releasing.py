"""Letting reports go on: when the law allows it now, when the worker starts, when a person asks.

Nobody's wish sends a report: each of these only asks for the story again, which passes the
gate like the first time.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from tutela.cases import store as cases
from tutela.cases.concluding import FOLLOWING, TELL_PLATFORM
from tutela.cases.model import Outcome as Reached
from tutela.cases.model import State
from tutela.ledger import store as ledger
from tutela.primitives import events
from tutela.primitives.clock import iso
from tutela.primitives.errors import Conflict
from tutela.primitives.ids import CaseId
from tutela.reporting import gating, notice_store, preserving, restored, store
from tutela.reporting.conversing import give_up, hold
from tutela.reporting.desk import Desk
from tutela.reporting.gating import UNREADABLE
from tutela.reporting.reports import (
    CYBERTIP,
    RELEASED_BY_LAW,
    HeldBecause,
    Report,
    ReportState,
)

REPORT = FOLLOWING[Reached.REPORTED]
PRESERVE = FOLLOWING[Reached.PRESERVED]
_ALL = 1_000_000


def release_held(tx: Connection, *, desk: Desk, at: datetime) -> Sequence[Report]:
    """Ask again for every report that was held by the law and that it would let through now.

    One whose case the law cannot be asked about (a fact that the lawbook no longer knows) is
    held with what is wrong; it keeps back no other.
    """
    released, unreadable = [], []
    for report in store.held(tx, RELEASED_BY_LAW):
        try:
            gate = gating.ask(tx, report.case_id, desk=desk, at=at)
        except UNREADABLE as fault:
            unreadable.append((report, str(fault)))
            continue
        if gate.open:
            events.ask_for(tx, kind=REPORT, subject=report.case_id, at=at)
            released.append(report)
    for report, why in unreadable:  # last: others wait for the ledger from here on
        hold(tx, report, because=HeldBecause.PROGRAM, why=why, at=at)
    return released


def set_ends(tx: Connection, *, desk: Desk, at: datetime) -> Sequence[CaseId]:
    """Ask for the keeping of every case that could have its end now (`preserving.endable`)."""
    cases_ = preserving.endable(tx, desk=desk, at=at)
    for case_id in cases_:
        events.ask_for(tx, kind=PRESERVE, subject=case_id, at=at)
    return cases_


def ask_again(
    tx: Connection,
    *,
    at_work: Collection[tuple[str, str]],
    has_platform: bool,
    has_listener: bool = False,
    at: datetime,
) -> Sequence[events.FollowUp]:
    """Ask for every outcome that a decided case lacks and that nobody works on.

    Once per start of the worker: settings or a new version may have settled what stopped it.
    `at_work` are kind and subject of the stories that go on by themselves. What only a
    person can settle is not asked for: a refused or uncertain report, one held by the law
    (`release_held`), an order without a platform to send it to.
    """
    busy = {*at_work, *store.jobs_waiting(tx)}
    asked = []
    for case in cases.queue(tx, states=(State.DECIDED,), limit=_ALL):
        for outcome in sorted(case.needed - set(case.reached)):
            kind = FOLLOWING[outcome]
            if (kind, case.id) in busy or _with_people(
                tx, case.id, outcome, has_platform=has_platform
            ):
                continue
            asked.append(events.ask_for(tx, kind=kind, subject=case.id, at=at))
    if has_listener:
        asked += [
            events.ask_for(tx, kind=TELL_PLATFORM, subject=case_id, at=at)
            for case_id in notice_store.undelivered(tx)
            if (TELL_PLATFORM, case_id) not in busy
        ]
    return asked


def retry(
    tx: Connection, case_id: CaseId, *, by: str, at: datetime, not_finished: bool = False
) -> None:
    """A person asks for the report again, after a correction or after asking the authority.

    A refused report stays as it was; a new one is composed. `not_finished` is the
    authority's word about a report that may have been finished: only then is it opened anew
    (or, where the database was put back from an older copy, goes on where it stands).
    Raises `Conflict` when there is nothing to repeat.
    """
    case = cases.case(tx, case_id)
    if Reached.REPORTED not in case.needed:
        raise Conflict("This case asks for no report")
    report = store.alive(tx, case_id, CYBERTIP)
    if report is not None and report.state is ReportState.FINISHED:
        raise Conflict(
            "The report is finished", why="its receipt is stored", remedy="See `tutela report show`"
        )
    if report is not None and report.state is not ReportState.HELD:
        raise Conflict("The report is under way", remedy="The worker goes on with it by itself")
    lost = restored.may_be_filed(tx, case_id)
    if lost is not None and not not_finished:
        raise Conflict(
            "This report may be filed already",
            why="the database was put back from an older copy, and what was sent up to "
            f"{iso(lost)} is not known here",
            remedy="Ask the authority; only on its word repeat this with --not-finished.",
        )
    if report is not None and report.held_because is HeldBecause.UNCERTAIN:
        if not_finished:
            give_up(tx, report, why="the authority says that it is not finished", at=at)
        else:
            store.change(tx, report.id, state=ReportState.FILES)
    elif not_finished and lost is None:
        raise Conflict("This report is not one that may be finished already")
    events.ask_for(tx, kind=REPORT, subject=case_id, at=at)
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=restored.ASKED_AGAIN,
        subject=case_id,
        detail={"report": report.id if report else None, "not_finished": not_finished},
    )


def _with_people(tx: Connection, case_id: CaseId, outcome: Reached, *, has_platform: bool) -> bool:
    """Whether it is a person's turn, so that asking again would change nothing."""
    if outcome is Reached.REPORTED:
        reports = store.reports_of(tx, case_id)
        living = [each for each in reports if each.state is not ReportState.REFUSED]
        if not living:
            return bool(reports)  # refused, all of them
        waits = {HeldBecause.UNCERTAIN, HeldBecause.RESTORED, *RELEASED_BY_LAW}
        return living[0].held_because in waits
    if outcome is Reached.RESTRICTED:
        orders = store.restrictions_of(tx, case_id)
        return bool(orders) and not (has_platform and any(each.names_item for each in orders))
    return False
