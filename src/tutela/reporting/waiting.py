"""What waits or fails in the background: one table that every place where people look reads.

`tutela check`, `/readyz`, the console's banner and the worker's log show these; the case page and
`tutela case show` have each report and order with its last error and its next attempt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, func, select

from tutela.primitives.clock import iso
from tutela.primitives.events import FOLLOW_UPS
from tutela.primitives.heartbeat import WorkerSeen, worker_seen
from tutela.reporting.notice_store import NoticeState
from tutela.reporting.reports import HeldBecause, ReportState, RestrictionState
from tutela.reporting.tables import DECISION_NOTICES, REPORTS, RESTRICTIONS

_UNSENT = (ReportState.COMPOSED, ReportState.OPENED, ReportState.FILES)
_FOR_A_PERSON = tuple(set(HeldBecause) - {HeldBecause.LAW, HeldBecause.FACTS})
"""What a held report waits for besides the law, whose answer is on the case page."""


class Concern(StrEnum):
    """What may wait or fail. The values are fixed names for machines that watch."""

    WORKER = "worker"  # none runs, though something waits for it
    AUTHORITY = "authority"  # reports are not taken
    REPORTS_HELD = "reports_held"  # reports that a person must release
    PLATFORM = "platform"  # orders are not confirmed yet
    ORDERS_FAILED = "orders_failed"  # orders that are sent no more
    ORDERS_BY_HAND = "orders_by_hand"  # orders that a person carries out
    DECISIONS_UNTOLD = "decisions_untold"  # the platform has not taken what was decided


FIXED_WORDS: Mapping[Concern, str] = {
    Concern.WORKER: "no worker runs, and work waits for it",
    Concern.AUTHORITY: "reports are late, or the authority did not take the last call",
    Concern.REPORTS_HELD: "reports are held until a person acts",
    Concern.PLATFORM: "orders are not confirmed by the platform yet",
    Concern.ORDERS_FAILED: "orders to disable access failed: a person must act",
    Concern.ORDERS_BY_HAND: "orders to disable access wait for a person",
    Concern.DECISIONS_UNTOLD: "the platform has not taken word of decisions",
}
"""Each concern without a number, a case or a host."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One concern: how many wait, since when, the oldest case with its error and next attempt."""

    concern: Concern
    count: int
    since: datetime | None
    case: str = ""
    error: str = ""
    next_try_at: datetime | None = None

    @property
    def why(self) -> str:
        """What is the matter, in one sentence for a person who runs this."""
        return f"{_SENTENCES[self.concern](self)}{self._oldest()}"

    def _oldest(self) -> str:
        """The oldest case with its last error and its next attempt, as far as known."""
        parts = [f"oldest: {self.case}"] if self.case else []
        parts += [f"last error: {self.error}"] if self.error else []
        parts += [f"next attempt {iso(self.next_try_at)}"] if self.next_try_at else []
        return f" ({'; '.join(parts)})" if parts else ""


def waiting(tx: Connection, *, at: datetime, late_after: timedelta) -> tuple[Waiting, ...]:
    """Everything that waits or fails at `at`; empty when nothing does.

    A report that is under way counts once it is older than `late_after`, or has failed at least
    once and waits for its next attempt; what a person must do counts at once.
    """
    found = (
        _worker(tx, at=at),
        _reports_under_way(tx, before=at - late_after),
        _reports_held(tx),
        _orders(tx, Concern.PLATFORM, RestrictionState.ORDERED, tried=True),
        _orders(tx, Concern.ORDERS_FAILED, RestrictionState.FAILED),
        _orders(tx, Concern.ORDERS_BY_HAND, RestrictionState.MANUAL),
        _decisions(tx),
    )
    return tuple(each for each in found if each is not None)


def _worker(tx: Connection, *, at: datetime) -> Waiting | None:
    """No worker runs, and jobs, reports or orders wait for one."""
    seen: WorkerSeen | None = worker_seen(tx)
    if seen is not None and seen.running(at):
        return None
    jobs = _count(tx, select(func.count()).where(FOLLOW_UPS.c.relayed_at.is_(None)))
    reports = _count(tx, select(func.count()).where(REPORTS.c.state.in_(_UNSENT)))
    orders = _count(
        tx, select(func.count()).where(RESTRICTIONS.c.state == RestrictionState.ORDERED)
    )
    count = jobs + reports + orders
    if not count:
        return None
    return Waiting(
        concern=Concern.WORKER, count=count, since=seen.seen_at if seen is not None else None
    )


def _reports_under_way(tx: Connection, *, before: datetime) -> Waiting | None:
    return _oldest(
        tx,
        Concern.AUTHORITY,
        select(
            REPORTS.c.case_id,
            REPORTS.c.created_at.label("since"),
            REPORTS.c.last_error.label("error"),
            REPORTS.c.next_try_at,
            func.count().over().label("total"),
        )
        .where(
            REPORTS.c.state.in_(_UNSENT),
            (REPORTS.c.attempts > 0) | (REPORTS.c.created_at < before),
        )
        .order_by(REPORTS.c.id),
    )


def _reports_held(tx: Connection) -> Waiting | None:
    return _oldest(
        tx,
        Concern.REPORTS_HELD,
        select(
            REPORTS.c.case_id,
            REPORTS.c.created_at.label("since"),
            REPORTS.c.held_because.label("error"),
            func.count().over().label("total"),
        )
        .where(
            REPORTS.c.state == ReportState.HELD,
            REPORTS.c.held_because.in_(_FOR_A_PERSON),
        )
        .order_by(REPORTS.c.id),
    )


def _orders(
    tx: Connection, concern: Concern, state: RestrictionState, *, tried: bool = False
) -> Waiting | None:
    """Orders in one state; `tried`: only those that failed at least once."""
    query = select(
        RESTRICTIONS.c.case_id,
        RESTRICTIONS.c.ordered_at.label("since"),
        RESTRICTIONS.c.last_why.label("error"),
        RESTRICTIONS.c.next_try_at,
        func.count().over().label("total"),
    ).where(RESTRICTIONS.c.state == state)
    if tried:
        query = query.where(RESTRICTIONS.c.attempts > 0)
    return _oldest(tx, concern, query.order_by(RESTRICTIONS.c.id))


def _decisions(tx: Connection) -> Waiting | None:
    """Notices of decisions that the platform refused, or did not take at the first attempt."""
    notices = DECISION_NOTICES.c
    query = select(
        notices.case_id,
        notices.asked_at.label("since"),
        notices.last_why.label("error"),
        notices.next_try_at,
        func.count().over().label("total"),
    ).where(notices.state != NoticeState.DELIVERED, notices.last_why != "")
    return _oldest(tx, Concern.DECISIONS_UNTOLD, query.order_by(notices.id))


def _oldest(tx: Connection, concern: Concern, query: Select[Any]) -> Waiting | None:
    """The first row of `query` with the count of all; None without one."""
    row = tx.execute(query.limit(1)).first()
    if row is None:
        return None
    return Waiting(
        concern=concern,
        count=row.total,
        since=row.since,
        case=row.case_id,
        error=row.error or "",
        next_try_at=getattr(row, "next_try_at", None),
    )


def _count(tx: Connection, query: Select[Any]) -> int:
    return int(tx.execute(query).scalar_one())


def _worker_sentence(found: Waiting) -> str:
    since = f"since {iso(found.since)}" if found.since else "on this database yet"
    return (
        f"no worker has run {since}: {found.count} jobs, reports and orders wait. "
        "Start `tutela worker`"
    )


_SENTENCES: Mapping[Concern, Callable[[Waiting], str]] = {
    Concern.WORKER: _worker_sentence,
    Concern.AUTHORITY: lambda found: f"{found.count} reports are not finished",
    Concern.REPORTS_HELD: lambda found: (
        f"{found.count} reports are held until a person acts: see `tutela report show CASE`"
    ),
    Concern.PLATFORM: lambda found: f"{found.count} orders are not confirmed by the platform",
    Concern.ORDERS_FAILED: lambda found: (
        f"{found.count} orders failed, so access is not disabled: correct the cause, then "
        "`tutela case restrict-retry CASE`"
    ),
    Concern.ORDERS_BY_HAND: lambda found: (
        f"{found.count} orders wait for a person, who then says so with "
        "`tutela case restrict-done CASE`"
    ),
    Concern.DECISIONS_UNTOLD: lambda found: (
        f"the platform has not taken word of {found.count} decisions: correct the cause; one that "
        "it refused is sent again at the next start of the worker"
    ),
}
