"""The worker says that it runs, and its log says what waits or fails."""

from datetime import datetime, timedelta

import structlog

import tutela
from tutela.primitives import heartbeat
from tutela.primitives.clock import Clock, iso
from tutela.primitives.database import Database
from tutela.reporting.waiting import Concern, waiting

log = structlog.get_logger()
_LOG_EVERY = timedelta(minutes=10)


class Presence:
    """Keeps to its own pace however often it is asked."""

    def __init__(self, database: Database, clock: Clock, *, late_after: timedelta) -> None:
        """`late_after`: the age at which a report that is under way is said to be late."""
        self._database = database
        self._clock = clock
        self._late_after = late_after
        self._started_at = clock.now()
        self._shown_at: datetime | None = None
        self._logged_at: datetime | None = None

    def show(self) -> None:
        """Say in the database that this worker runs, and now and then what waits in the log.

        Raises `Unavailable`.
        """
        now = self._clock.now()
        if not _due(self._shown_at, heartbeat.EVERY, now):
            return
        with self._database.begin() as tx:
            heartbeat.beat(tx, version=tutela.__version__, started_at=self._started_at, at=now)
            found = waiting(tx, at=now, late_after=self._late_after)
        self._shown_at = now
        if not found:
            self._logged_at = None
        elif _due(self._logged_at, _LOG_EVERY, now):
            self._logged_at = now
            for each in found:
                loud = each.concern in {Concern.ORDERS_FAILED, Concern.REPORTS_HELD}
                (log.error if loud else log.warning)(
                    "work_waits",
                    concern=each.concern.value,
                    count=each.count,
                    case=each.case,
                    error=each.error,
                    next_try_at=iso(each.next_try_at) if each.next_try_at else None,
                )


def _due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time again; a clock that was set back is no reason to wait for it."""
    return last is None or not timedelta() <= now - last < every
