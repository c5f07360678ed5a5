"""One worker on one thing at a time, also when the worker is killed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable

_NAMESPACE = 7355611


@contextmanager
def alone(database: Database, subject: str) -> Iterator[bool]:
    """Whether nobody else works on `subject` during this block; raises `Unavailable`.

    A session lock of PostgreSQL on a connection of its own: a killed process loses the lock
    with its connection, and no transaction stays open while an authority is talked to.
    """
    key = func.hashtextextended(subject, _NAMESPACE)
    try:
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        got = bool(connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one())
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(
            "The database did not answer",
            why="connection lost",
            remedy="Nothing was sent. Check that PostgreSQL runs (`tutela check`).",
        ) from error
    try:
        yield got
    finally:
        with suppress(DBAPIError):  # with the connection gone the lock is gone too
            if got:
                connection.execute(select(func.pg_advisory_unlock(key)))
        with suppress(DBAPIError):
            connection.close()
