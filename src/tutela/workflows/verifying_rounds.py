"""Verifying evidence all the time, a little at a time: the worker's own round."""

import time
from datetime import timedelta
from typing import Final

import structlog

from tutela.evidence import verification_store as notes
from tutela.evidence.verifying import Verifier
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database

log = structlog.get_logger()

SHARE_SECONDS: Final = 1.0
"""Of each minute at most so much, and the item that is being read then."""
_ROUND = "worker"


class EvidenceRounds:
    """One round over all exhibits after the other, with `pause` between two."""

    def __init__(
        self, database: Database, verifier: Verifier, clock: Clock, *, pause: timedelta
    ) -> None:
        self._database = database
        self._verifier = verifier
        self._clock = clock
        self._pause = pause

    def work(self) -> None:
        """Check for the share of a minute; raises `Unavailable`, and goes on at the next call."""
        with self._database.begin() as tx:
            current = notes.current(tx, _ROUND)
        ended = current.finished_at if current else None
        if ended is not None and timedelta() <= self._clock.now() - ended < self._pause:
            return
        until = time.monotonic() + SHARE_SECONDS
        done = self._verifier.go_on(_ROUND, more=lambda _: time.monotonic() < until)
        for each in done.found:
            log.error("exhibit_not_whole", exhibit=each.exhibit_id, fault=each.fault.value)
        if done.finished:
            log.info("evidence_verified", exhibits=done.before + done.checked)
