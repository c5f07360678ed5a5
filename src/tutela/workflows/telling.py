"""The story of a notice: the platform is told what was decided, until it has taken it."""

from datetime import datetime

import structlog
from dbos import DBOS

from tutela.primitives.clock import iso
from tutela.primitives.ids import CaseId
from tutela.reporting import notice_store, notifying
from tutela.reporting.conversing import Next
from tutela.workflows.parts import Parts, persist, story

log = structlog.get_logger()


@DBOS.workflow(name="tell_decision", max_recovery_attempts=None)
def tell_story(case_id: str) -> str:
    """Tell the platform what was decided about a case; returns how it ended."""
    with story(case_id) as parts:
        listener = parts.decisions
        if listener is None:
            return "nobody_listens"

        def send() -> Next:
            return notifying.deliver(
                parts.database,
                listener,
                CaseId(case_id),
                unsealer=parts.desk.unsealer,
                clock=parts.clock,
            )

        def retry(at: datetime) -> None:
            with parts.database.begin() as tx:
                notice_store.wait_until(tx, CaseId(case_id), at)
            log.warning("decision_waits", case=case_id, next_try_at=iso(at))

        ended = persist("tell", send, lambda: _failed(parts, CaseId(case_id)), retry)
        log.info("tell_story_ended", case=case_id, ended=ended.value)
        return ended.value


def _failed(parts: Parts, case_id: CaseId) -> None:
    with parts.database.begin() as tx:
        notice = notifying.due(tx, case_id, at=parts.clock.now())
        if notice is not None:
            last = notice_store.last_why(tx, notice.id)
            why = f"Not taken by the platform for {parts.pace.horizon.days} days; last: {last}."
            notifying.fail(tx, notice.id, case_id, why=why, clock=parts.clock)
