"""Watching the basis of detection: it ends by itself, so people are told long before.

The gate asks before every match (`counsel.detection`); this only tells. The log says once a
day that matching is off or that its basis ends soon. The ledger gets a line when matching
begins or stops to be lawful here, and one for each of the warnings 180, 90 and 30 days before.
"""

from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import Connection

from tutela.counsel.detection import Detecting, Standing
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable

log = structlog.get_logger()

BEGAN = LedgerAction.DETECTION_PERMITTED
STOPPED = LedgerAction.DETECTION_STOPPED
WARNED = LedgerAction.DETECTION_END_WARNED
_SUBJECT = "known_hash"
_EVERY = timedelta(minutes=1)


class DetectionWatch:
    """Keeps to its own pace however often it is asked; every word is said once."""

    def __init__(self, detecting: Detecting, database: Database, clock: Clock) -> None:
        self._detecting = detecting
        self._database = database
        self._clock = clock
        self._looked_at: datetime | None = None
        self._told: tuple[date, bool] | None = None

    def look(self) -> None:
        """Tell what is to be told now."""
        now = self._clock.now()
        if self._looked_at is not None and timedelta() <= now - self._looked_at < _EVERY:
            return
        try:
            standing = self._detecting.standing()
            self._note(standing, now)
        except Unavailable as away:
            log.warning("detection_watch_waits", why=away.what)
            return
        self._looked_at = now
        if self._told != (now.date(), standing.allowed):
            self._told = (now.date(), standing.allowed)
            _log(standing)

    def _note(self, standing: Standing, now: datetime) -> None:
        """The lines that the ledger does not have yet."""
        with self._database.begin() as tx:
            before = _last(tx, BEGAN) > _last(tx, STOPPED)
            if standing.allowed != before:
                ledger.append(
                    tx,
                    at=now,
                    actor="system",
                    action=BEGAN if standing.allowed else STOPPED,
                    subject=_SUBJECT,
                    detail=_detail(standing),
                )
            answer = standing.answer
            if not standing.warning or answer is None:
                return
            said = {"end": str(answer.expires), "days": answer.warn}
            for line in ledger.lines(tx, action=WARNED):
                if said.items() <= line.detail.items():
                    return
            ledger.append(
                tx,
                at=now,
                actor="system",
                action=WARNED,
                subject=_SUBJECT,
                detail=said | _detail(standing),
            )


def _last(tx: Connection, action: str) -> int:
    """The number of the newest line of an action; 0 when there is none."""
    return max((line.seq for line in ledger.lines(tx, action=action)), default=0)


def _detail(standing: Standing) -> dict[str, object]:
    """The bases it rests on with their versions, or that it rests on none."""
    bases = standing.answer.bases if standing.answer is not None else ()
    return {"bases": {each.id: each.version for each in bases}}


def _log(standing: Standing) -> None:
    if not standing.allowed:
        log.warning("detection_is_off", why=standing.why, remedy=standing.remedy)
    elif standing.warning:
        log.warning("detection_ends_soon", why=standing.warning)
