"""Following: whoever keeps an index hears of every change of a list, and asks once a second too.

PostgreSQL tells the listener with the commit (migration 0008). Nothing depends on it: the poll
finds what a broken connection did not tell, and the listener comes back by itself.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from tutela.indicators import store
from tutela.primitives.database import Database
from tutela.primitives.errors import TutelaError

POLL_SECONDS = 1.0
_STOP_SECONDS = 0.25
"""How long an ending process waits for its listener at most."""
_GONE = (psycopg.Error, SQLAlchemyError, OSError)
_LOG = structlog.get_logger()


def follow(
    database: Database,
    refresh: Callable[[], object],
    *,
    stop: threading.Event,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Call `refresh` at every change of a list and every `poll_seconds`, until `stop` is set.

    A refresh that fails is told in the log and tried again; it never ends the following.
    """
    listener = _Listener(database)
    try:
        while not stop.is_set():
            _refreshed(refresh)
            listener.wait(stop, seconds=poll_seconds)
    finally:
        listener.close()


@contextmanager
def following(
    database: Database, refresh: Callable[[], object], *, poll_seconds: float = POLL_SECONDS
) -> Iterator[None]:
    """The same in a thread of its own while the block runs."""
    stop = threading.Event()
    thread = threading.Thread(
        target=follow,
        args=(database, refresh),
        kwargs={"stop": stop, "poll_seconds": poll_seconds},
        name="lists",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _refreshed(refresh: Callable[[], object]) -> None:
    try:
        refresh()
    except TutelaError as error:
        _LOG.warning("index_refresh_waits", what=error.what, why=error.why)
    except Exception as error:  # noqa: BLE001 - a thread that ends would leave the index old for ever
        _LOG.error("index_refresh_failed", kind=type(error).__name__)


class _Listener:
    """One connection that listens; away, it is asked for again at the next wait."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._driver: psycopg.Connection[Any] | None = None

    def wait(self, stop: threading.Event, *, seconds: float) -> None:
        """Return at a notice, after `seconds`, or soon after `stop`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not stop.is_set():
            try:
                driver = self._listening()
                if self._told(driver, min(left, _STOP_SECONDS)):
                    return
            except _GONE:
                self.close()
                stop.wait(left)

    def close(self) -> None:
        """Give the connection up."""
        if self._driver is not None:
            with suppress(*_GONE):
                self._driver.close()
            self._driver = None

    def _listening(self) -> "psycopg.Connection[Any]":
        """The connection, opened and listening."""
        if self._driver is None:
            held = self._database.engine.raw_connection()
            driver: psycopg.Connection[Any] = held.driver_connection  # type: ignore[assignment]
            held.detach()  # it is ours for good, and takes no place in the pool
            self._driver = driver
            driver.autocommit = True
            driver.execute(f"LISTEN {store.CHANNEL}")
        return self._driver

    @staticmethod
    def _told(driver: "psycopg.Connection[Any]", seconds: float) -> bool:
        """Whether a notice came; all that wait are taken at once, for one refresh sees them all."""
        told = False
        for _ in driver.notifies(timeout=seconds, stop_after=1):
            told = True
        return told
