"""What must be tidied by itself: views left open, orphaned bytes, notes on long ended stories.

And the ledger's head is noted in a file outside the database, so that `tutela ledger verify`
on this machine also finds a tail that the database's owner cut off or wrote anew.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection

from tutela.evidence.custody import sweep_orphans
from tutela.evidence.ports import BlobStore
from tutela.ledger import anchoring
from tutela.ledger import store as ledger
from tutela.ledger.model import Anchor
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Unavailable
from tutela.review.viewing import close_expired

_VIEWS_EVERY = timedelta(minutes=1)
_ORPHANS_EVERY = timedelta(hours=1)
_STORIES_EVERY = timedelta(hours=1)
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
        anchor: Path | None = None,
        forget: Callable[[datetime], int] | None = None,
    ) -> None:
        """`forget` drops up to `STORIES_AT_ONCE` stories that ended before a moment."""
        self._database = database
        self._anchor = anchor
        self._anchored: Anchor | None = None
        self._stands = True  # the line noted before is in the ledger, as far as we know
        self._blobs = blobs
        self._clock = clock
        self._views_at: datetime | None = None
        self._orphans_at: datetime | None = None
        self._forget = forget
        self._stories_at: datetime | None = None

    def keep(self) -> None:
        """Do what is due now."""
        now = self._clock.now()
        try:
            if _due(self._views_at, _VIEWS_EVERY, now):
                with self._database.begin() as tx:
                    closed = close_expired(tx, at=now)
                    head = self._new_head(tx)
                self._note_head(head)
                self._views_at = now
                if closed:
                    log.info("views_closed", views=len(closed))
            # A database put back from a backup no longer names the newest evidence: none of it
            # is an orphan.
            if self._stands and _due(self._orphans_at, _ORPHANS_EVERY, now):
                with self._database.begin() as tx:
                    swept = sweep_orphans(tx, self._blobs, at=now)
                self._orphans_at = now
                if swept:
                    log.info("orphans_swept", blobs=swept)
            if self._forget is not None and _due(self._stories_at, _STORIES_EVERY, now):
                forgotten = self._forget(now - STORIES_KEPT)
                if forgotten < STORIES_AT_ONCE:  # else there are more: soon again
                    self._stories_at = now
                if forgotten:
                    log.info("stories_forgotten", stories=forgotten)
        except Unavailable as away:
            log.warning("housekeeping_waits", why=away.what)

    def _new_head(self, tx: Connection) -> Anchor | None:
        """The head when it may be noted: it moved on, and the line noted before still stands.

        Never over a tail that was cut off or written anew: that must stay to be found.
        """
        if self._anchor is None:
            return None
        before = self._anchored = self._anchored or _noted(self._anchor)
        head = ledger.head(tx)
        self._stands = True
        if before is None or head == before:
            return head if before is None else None
        there = next(ledger.lines(tx, since=before.seq - 1, limit=1), None)
        if there is None or (there.seq, there.digest) != (before.seq, before.digest):
            self._stands = False
            log.error("ledger_is_not_the_noted_one", noted_line=before.seq, orphans="are kept")
            return None
        return head

    def _note_head(self, head: Anchor | None) -> None:
        if self._anchor is None or head is None:
            return
        beside = self._anchor.with_suffix(".new")
        try:
            beside.write_text(json.dumps({"seq": head.seq, "digest": head.digest}) + "\n", "utf-8")
            os.replace(beside, self._anchor)  # noqa: PTH105 - the atomic one, said plainly
        except OSError as error:
            log.warning("anchor_not_noted", why=type(error).__name__)
            return
        self._anchored = head


def _due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time again; a clock that was set back is no reason to wait for it."""
    return last is None or not timedelta() <= now - last < every


def _noted(path: Path) -> Anchor | None:
    """The head noted before; None when there is none that can be read."""
    try:
        return anchoring.read_unsigned(path.read_bytes())
    except (OSError, BadInput):
        return None
