"""The story of keeping evidence: holds as the law asks, again when its clock has started."""

import structlog
from dbos import DBOS

from tutela.primitives.clock import iso
from tutela.primitives.errors import TutelaError
from tutela.primitives.ids import CaseId
from tutela.reporting import preserving
from tutela.workflows.parts import Parts, durably, story

log = structlog.get_logger()


@DBOS.workflow(name="preserve", max_recovery_attempts=None)
def preserve_story(case_id: str) -> str:
    """Bring the holds of a case to what the law says now; returns the end, "open" without."""
    with story(case_id) as parts:
        try:
            until = durably("preserve", lambda: _preserved(parts, case_id))
        except TutelaError as fault:  # all stays kept; the next start asks again
            log.error("preserve_story_failed", case=case_id, why=fault.what)  # noqa: TRY400 - see filing
            raise
        log.info("preserve_story_ended", case=case_id, until=until)
        return until


def _preserved(parts: Parts, case_id: str) -> str:
    with parts.database.begin() as tx:
        until = preserving.preserve(tx, CaseId(case_id), desk=parts.desk, at=parts.clock.now())
    return "open" if until is None else iso(until)
