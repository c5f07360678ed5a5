"""What must be tidied by itself: views left open, orphaned bytes, notes on long ended stories."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from tutela.evidence.custody import sweep_orphans
from tutela.evidence.ports import BlobStore
from tutela.ledger.outward import Clears, OutwardWaits
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.review.viewing import close_expired

_VIEWS_EVERY = timedelta(minutes=1)
_ORPHANS_EVERY = timedelta(hours=1)
_STORIES_EVERY = timedelta(hours=1)
_VERIFY_EVERY = timedelta(minutes=1)
STORIES_KEPT = timedelta(days=30)
"""How long the course of an ended story stays, for whoever looks into a fault."""
STORIES_AT_ONCE = 1000

log = structlog.get_logger()


class House:
    """Keeps to its own pace however often it is asked; a part that is away waits its turn."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        clock: Clock,
        *,
        outward: Clears,
        forget: Callable[[datetime], int] | None = None,
        verify: Callable[[], None] | None = None,
    ) -> None:
        """`forget` drops up to `STORIES_AT_ONCE` stories that ended before a moment.

        `verify` reads some of the evidence back (`verifying_rounds.EvidenceRounds.work`).
        """
        self._database = database
        self._outward = outward
        self._blobs = blobs
        self._clock = clock
        self._views_at: datetime | None = None
        self._orphans_at: datetime | None = None
        self._forget = forget
        self._stories_at: datetime | None = None
        self._verify = verify
        self._verified_at: datetime | None = None

    def keep(self) -> None:
        """Do what is due now; a part that is away keeps no other back."""
        now = self._clock.now()
        for task in (self._close_views, self._sweep, self._forget_stories, self._verify_some):
            try:
                task(now)
            except OutwardWaits:  # said by whoever looks at the gate
                continue
            except Unavailable as away:
                log.warning("housekeeping_waits", why=away.what)

    def _close_views(self, now: datetime) -> None:
        if not _due(self._views_at, _VIEWS_EVERY, now):
            return
        with self._database.begin() as tx:
            closed = close_expired(tx, at=now)
        self._views_at = now
        if closed:
            log.info("views_closed", views=len(closed))

    def _sweep(self, now: datetime) -> None:
        """A database put back from a backup no longer names the newest evidence.

        None of it is an orphan then, and nothing is removed while the gate is closed.
        """
        if not _due(self._orphans_at, _ORPHANS_EVERY, now):
            return
        self._outward.clear()
        with self._database.begin() as tx:
            swept = sweep_orphans(tx, self._blobs, at=now, outward=self._outward)
        self._orphans_at = now
        if swept:
            log.info("orphans_swept", blobs=swept)

    def _forget_stories(self, now: datetime) -> None:
        if self._forget is None or not _due(self._stories_at, _STORIES_EVERY, now):
            return
        forgotten = self._forget(now - STORIES_KEPT)
        if forgotten < STORIES_AT_ONCE:  # else there are more: soon again
            self._stories_at = now
        if forgotten:
            log.info("stories_forgotten", stories=forgotten)

    def _verify_some(self, now: datetime) -> None:
        if self._verify is None or not _due(self._verified_at, _VERIFY_EVERY, now):
            return
        self._verified_at = now  # also when the store is away: a minute later again
        self._verify()


def _due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time again; a clock that was set back is no reason to wait for it."""
    return last is None or not timedelta() <= now - last < every
