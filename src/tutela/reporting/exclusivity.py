"""One worker on one thing at a time, also when the worker is killed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable

_NAMESPACE = 7355611


class Place:
    """The place of the only one who works on `subject`; for one thread at a time.

    A session lock of PostgreSQL on a connection of its own: a killed process loses the lock
    with its connection, and no transaction stays open while an authority is talked to.
    """

    def __init__(self, database: Database, subject: str) -> None:
        self._database = database
        self._key = func.hashtextextended(subject, _NAMESPACE)
        self._held: Connection | None = None

    def take(self) -> bool:
        """Take the place, or look whether it is still ours; False: somebody else has it.

        A connection that broke meanwhile took the lock with it, so it is asked for anew.
        Raises `Unavailable`.
        """
        if self._held is not None:
            try:
                self._held.execute(select(1))
            except DBAPIError:
                self._drop()
            else:
                return True
        try:
            connection = self._database.engine.connect()
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise _away() from error
        self._held = connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            got = bool(
                self._held.execute(select(func.pg_try_advisory_lock(self._key))).scalar_one()
            )
        except (OperationalError, InterfaceError) as error:
            self._drop()
            raise _away() from error
        if not got:
            self._close()
        return got

    def leave(self) -> None:
        """Give the place back; nothing happens when it is not ours."""
        if self._held is not None:
            with suppress(DBAPIError):  # with the connection gone the lock is gone too
                self._held.execute(select(func.pg_advisory_unlock(self._key)))
            self._close()

    def _drop(self) -> None:
        """Give the broken connection up; never back to where another step would get it."""
        if self._held is not None:
            self._held.invalidate()
        self._close()

    def _close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with suppress(DBAPIError):
                held.close()


@contextmanager
def alone(database: Database, subject: str) -> Iterator[bool]:
    """Whether nobody else works on `subject` during this block; raises `Unavailable`."""
    place = Place(database, subject)
    try:
        yield place.take()
    finally:
        place.leave()


def _away() -> Unavailable:
    return Unavailable(
        "The database did not answer",
        why="connection lost",
        remedy="Nothing was sent. Check that PostgreSQL runs (`tutela check`).",
    )
