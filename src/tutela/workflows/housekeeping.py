"""What must be tidied by itself: views left open, sealed bytes that no case came to own."""

from datetime import datetime, timedelta

import structlog

from tutela.evidence.custody import sweep_orphans
from tutela.evidence.ports import BlobStore
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.review.viewing import close_expired

_VIEWS_EVERY = timedelta(minutes=1)
_ORPHANS_EVERY = timedelta(hours=1)

log = structlog.get_logger()


class House:
    """Keeps to its own pace however often it is asked; a part that is away waits its turn."""

    def __init__(self, database: Database, blobs: BlobStore, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._views_at: datetime | None = None
        self._orphans_at: datetime | None = None

    def keep(self) -> None:
        """Do what is due now."""
        now = self._clock.now()
        try:
            if self._views_at is None or now - self._views_at >= _VIEWS_EVERY:
                with self._database.begin() as tx:
                    closed = close_expired(tx, at=now)
                self._views_at = now
                if closed:
                    log.info("views_closed", views=len(closed))
            if self._orphans_at is None or now - self._orphans_at >= _ORPHANS_EVERY:
                with self._database.begin() as tx:
                    swept = sweep_orphans(tx, self._blobs, at=now)
                self._orphans_at = now
                if swept:
                    log.info("orphans_swept", blobs=swept)
        except Unavailable as away:
            log.warning("housekeeping_waits", why=away.what)
