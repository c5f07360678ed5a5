"""Handing follow-up jobs to their stories, for as long as the worker runs.

A job is read, handed over under its own identifier and marked in one transaction. A crash in
between hands it over again, and the same identifier makes it the same story.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError

from tutela.law.acceptance import ACCEPTED, WITHDRAWN
from tutela.ledger.outward import OutwardWaits, Standing
from tutela.ledger.store import LEDGER
from tutela.primitives import events
from tutela.primitives.errors import Unavailable
from tutela.reporting import releasing
from tutela.reporting.desk import Stopped
from tutela.workflows import engine
from tutela.workflows.housekeeping import STORIES_AT_ONCE, House
from tutela.workflows.parts import Parts
from tutela.workflows.presence import Presence
from tutela.workflows.watching import DetectionWatch

log = structlog.get_logger()

MOST_AT_WORK = 32
"""Stories that work (not those that wait) before the relay leaves further jobs for later."""

_ONCE_POLL_SECONDS = 0.1
_SOON = timedelta(seconds=3)
_SAY_AGAIN = timedelta(minutes=1)


@dataclass(kw_only=True)
class Relayed:
    """What one run of the relay did: jobs handed over, stories that still wait."""

    jobs: int = 0
    waiting: int = 0


def relay(
    parts: Parts,
    *,
    poll_seconds: float,
    once: bool = False,
    stay_alone: Callable[[], None] = lambda: None,
) -> Relayed:
    """Hand jobs over until the process is asked to end; `once`: until nothing moves any more.

    With `once`, stories that wait (for some seconds or longer) for an authority or a platform
    that is away do not count as moving; they go on at the next start. `stay_alone` is asked
    each time and ends the relay by what it raises: another worker has taken over.

    While no outward act may leave (`ledger.outward`) no job is handed over, and the log says so
    once a minute; with `once` this raises `OutwardWaits`.
    """
    relayed = Relayed()
    held = _HeldBack(parts, once=once)
    presence = Presence(parts.database, parts.clock, late_after=parts.late_after)
    house = House(
        parts.database,
        parts.desk.blobs,
        parts.clock,
        outward=parts.outward,
        forget=partial(engine.forget, most=STORIES_AT_ONCE),
        verify=parts.verify,
    )
    watch = _watch(parts)
    try:
        _ask_again(parts)
    except Stopped:
        return relayed
    seen = -1
    pause = _ONCE_POLL_SECONDS if once else poll_seconds
    quiet = 0
    while True:
        try:
            stay_alone()
            presence.show()
            standing = held.look()
            seen = _released(parts, seen)
            jobs = _hand_over(parts) if standing.open else 0
            relayed.jobs += jobs
            relayed.waiting = parts.idle(for_=_SOON)
            moving = bool(jobs) or (once and engine.unfinished() > relayed.waiting)
            house.keep()
            if watch is not None:
                watch.look()
        except OutwardWaits:
            raise
        except Unavailable as away:
            log.warning("relay_waits", why=away.what)
            moving = True
        except ProgrammingError as absent:  # it is being put back: tables first, rights last
            why = f"the database is not whole ({type(absent.orig).__name__})"
            log.warning("relay_waits", why=why, remedy="Wait for the restore, or `tutela check`.")
            moving = True
        quiet = 0 if moving else quiet + 1
        if once and quiet > 1:
            return relayed
        try:
            parts.sleep(pause)
        except Stopped:
            return relayed


class _HeldBack:
    """Looks whether outward acts may leave, and tells the log when not."""

    def __init__(self, parts: Parts, *, once: bool) -> None:
        self._parts = parts
        self._once = once
        self._logged_at: datetime | None = None

    def look(self) -> Standing:
        """Note the ledger's head, or say why nothing may leave. Raises `Unavailable`.

        With `once` it raises `OutwardWaits`: whoever waits for the end must hear of it.
        """
        standing = self._parts.outward.look()
        now = self._parts.clock.now()
        if standing.open:
            if self._logged_at is not None:
                log.info("outward_acts_go_on")
            self._logged_at = None
        elif self._logged_at is None or not timedelta() <= now - self._logged_at < _SAY_AGAIN:
            self._logged_at = now
            log.error("outward_acts_wait", why=standing.why, remedy=standing.remedy)
        if self._once and not standing.open:
            raise OutwardWaits("Outward acts wait", why=standing.why, remedy=standing.remedy)
        return standing


def _watch(parts: Parts) -> DetectionWatch | None:
    """Who tells when matching stops, or soon will."""
    if parts.detecting is None:
        return None
    return DetectionWatch(parts.detecting, parts.database, parts.clock)


def _ask_again(parts: Parts) -> None:
    """Once per start: what a decided case lacks and nobody works on is asked for."""
    while True:
        try:
            with parts.database.begin() as tx:
                at = parts.clock.now()
                jobs = releasing.ask_again(
                    tx,
                    at_work=engine.at_work(),
                    has_platform=parts.platform is not None,
                    has_listener=parts.decisions is not None,
                    at=at,
                )
        except Unavailable as away:
            log.warning("relay_waits", why=away.what)
            parts.sleep(1.0)
        else:
            log.info("worker_started", asked_again=len(jobs))
            return


def _released(parts: Parts, seen: int) -> int:
    """When counsel's acceptances have changed: reports that may go now, keeping that may end."""
    with parts.database.begin() as tx:
        newest = tx.execute(
            select(func.max(LEDGER.c.seq)).where(LEDGER.c.action.in_([ACCEPTED, WITHDRAWN]))
        ).scalar_one()
        newest = int(newest or 0)
        if newest != seen:
            ended = releasing.set_ends(tx, desk=parts.desk, at=parts.clock.now())
            if ended:
                log.info("keeping_gets_its_end", cases=len(ended))
            released = releasing.release_held(tx, desk=parts.desk, at=parts.clock.now())
            if released:
                log.info("reports_released", reports=len(released))
    return newest


def _hand_over(parts: Parts) -> int:
    """Hand over as many jobs as there is room for; returns how many."""
    room = MOST_AT_WORK - (len(parts.running) - len(parts.waiting))
    if room <= 0:
        return 0
    done = 0
    with parts.database.begin() as tx:
        for job in events.waiting(tx, limit=room):
            if not engine.begin(job):
                log.error("job_has_no_story", job=job.id, kind=job.kind)
                continue
            events.relayed(tx, job, at=parts.clock.now())
            log.info("job_relayed", job=job.id, kind=job.kind, subject=job.subject)
            done += 1
    return done
