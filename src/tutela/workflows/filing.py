"""The story of a report: gate and composing, the authority's schema, then one call at a time."""

import traceback
from datetime import datetime

import structlog
from dbos import DBOS

from tutela.cases import store as cases
from tutela.cases.model import Outcome
from tutela.primitives.clock import iso
from tutela.primitives.errors import TutelaError
from tutela.primitives.ids import CaseId
from tutela.reporting import preparing, store, submitting
from tutela.reporting.conversing import Next, hold
from tutela.reporting.reports import CYBERTIP, HeldBecause, ReportState
from tutela.workflows.parts import Parts, durably, persist, story

log = structlog.get_logger()


@DBOS.workflow(name="report", max_recovery_attempts=None)
def report_story(case_id: str) -> str:
    """File the report of one case; returns how it ended. Nothing is sent that is held."""
    with story(case_id) as parts:
        try:
            return _file(parts, case_id)
        except TutelaError as fault:
            why = str(fault)
        except Exception as fault:  # noqa: BLE001 - a report must never vanish with its story
            place = traceback.extract_tb(fault.__traceback__)[-1]
            why = f"The program failed ({type(fault).__name__}). Please report this."
            log.error(  # noqa: TRY400 - a traceback with its values could name people
                "story_failed",
                case=case_id,
                fault=type(fault).__name__,
                place=f"{place.name}:{place.lineno}",
            )
        durably("hold", lambda: _hold(parts, case_id, HeldBecause.PROGRAM, why))
        return Next.STOPPED.value


def _file(parts: Parts, case_id: str) -> str:
    desk = parts.desk
    report_id = durably("prepare", lambda: preparing.prepare(desk, case_id))
    if report_id is None:
        return "nothing_to_send"

    def give_up() -> None:
        why = f"No usable answer came from the authority for {parts.pace.horizon.days} days."
        _hold(parts, case_id, HeldBecause.UNREACHABLE, why)

    def retry(at: datetime) -> None:
        with parts.database.begin() as tx:
            store.change(tx, report_id, next_try_at=at)
        log.warning("report_waits", case=case_id, report=report_id, next_try_at=iso(at))

    checked = persist("check", lambda: _checked(parts, report_id), give_up, retry)
    if checked is Next.STOPPED:
        return checked.value
    ended = persist("advance", lambda: submitting.advance(desk, report_id), give_up, retry)
    log.info("report_story_ended", case=case_id, report=report_id, ended=ended.value)
    return ended.value


def _checked(parts: Parts, report_id: str) -> Next:
    """The schema check as a step: going on means that it is done."""
    found = preparing.check(parts.desk, report_id)
    return Next.DONE if found is Next.GO_ON else found


def _hold(parts: Parts, case_id: str, because: HeldBecause, why: str) -> None:
    """Hold the report; one that failed before it was stored is stored now, for people to see."""
    at = parts.clock.now()
    with parts.database.begin() as tx:
        report = store.alive(tx, case_id, CYBERTIP)
        if report is None:
            if Outcome.REPORTED not in cases.case(tx, CaseId(case_id)).needed:
                return
            report = store.start(tx, case_id=case_id, channel=CYBERTIP, at=at)
        elif report.state in {ReportState.FINISHED, ReportState.HELD}:
            return
        hold(tx, report, because=because, why=why, at=at)
