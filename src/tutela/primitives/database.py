"""The database session: one engine, one transaction per act.

Stores take an open `Connection` called `tx`; whoever opened it commits it, so that a
state, its ledger line and its follow-up job stand or fall together.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    MetaData,
    PoolProxiedConnection,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tutela.primitives.errors import Unavailable

APP_ROLE = "tutela_app"
_KEPT_CONNECTIONS = 4
"""Connections that one process keeps open for single statements."""
_PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"
"""Planning such a statement anew for each call would cost more than answering it."""
_PLAN_AS_USUAL = "RESET plan_cache_mode"
METADATA = MetaData()
"""Every room's tables, except the ledger's, which knows no session (see ADR 0012)."""


class Database:
    """Opens transactions on PostgreSQL; a database that is away becomes `Unavailable`."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        """Connect lazily to `url` (`postgresql+psycopg://…`) as the least privileged role."""
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=10,
            connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"},
            hide_parameters=True,  # an error's text goes to the log, a statement's values must not
        )
        self._idle: deque[PoolProxiedConnection] = deque()
        self._texts: dict[Executable, tuple[str, Mapping[str, object]]] = {}
        event.listen(self.engine, "connect", _become_app)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: commits at the end, rolls back on any error."""
        with driver_errors(), self.engine.begin() as tx:
            yield tx

    def read(
        self, statement: Executable, values: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of one statement that changes nothing; one exchange with the server.

        For the few questions that are asked thousands of times a second: the statement is
        compiled once (keep it as a constant), it runs outside of a transaction, over a
        connection that is kept for the next call, and rows are the driver's plain tuples. A
        connection that has died since the last call is replaced once.
        """
        compiled = self._texts.get(statement)
        if compiled is None:
            made = statement.compile(self.engine)  # type: ignore[attr-defined] # every statement can
            compiled = self._texts[statement] = (str(made), made.params)
        sql, given = compiled
        with driver_errors():
            while self._idle:
                try:
                    kept = self._idle.pop()
                except IndexError:  # another thread was quicker
                    break
                try:
                    return self._read(kept, sql, {**given, **(values or {})})
                except psycopg.OperationalError:
                    continue
            return self._read(self.engine.raw_connection(), sql, {**given, **(values or {})})

    def _read(
        self, held: PoolProxiedConnection, sql: str, values: Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Ask over `held`; keep it when all went well, give it back when not."""
        driver: psycopg.Connection[Any] = held.driver_connection  # type: ignore[assignment]
        try:
            if not driver.autocommit:
                driver.autocommit = True
                driver.execute(_PLAN_ONCE)
            rows: list[tuple[Any, ...]] = driver.execute(sql, values).fetchall()
        except BaseException:
            held.invalidate()
            raise
        if len(self._idle) < _KEPT_CONNECTIONS:
            self._idle.append(held)
        else:
            driver.execute(_PLAN_AS_USUAL)
            driver.autocommit = False
            held.close()
        return rows

    def answers(self) -> bool:
        """Whether the database can be reached right now."""
        try:
            with self.begin() as tx:
                tx.execute(text("SELECT 1"))
        except Unavailable:
            return False
        return True

    def close(self) -> None:
        """Give all connections back."""
        while self._idle:
            self._idle.pop().invalidate()
        self.engine.dispose()


@contextmanager
def driver_errors() -> Iterator[None]:
    """The driver's errors as ours."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(
            "The database did not answer",
            why=type(error.orig).__name__ if error.orig else "connection lost",
            remedy="Nothing was stored. Check that PostgreSQL runs (`tutela check`), "
            "then try again.",
        ) from error
    except psycopg.OperationalError as error:
        raise Unavailable(
            "The database did not answer",
            why=type(error).__name__,
            remedy="Check that PostgreSQL runs (`tutela check`), then try again.",
        ) from error
    except PoolTimeout as error:
        raise Unavailable(
            "The database is too busy for another step",
            why="all connections of this process are in use",
            remedy="Nothing was stored. Try again in a moment.",
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable(
                "The database went away in the middle of a step",
                remedy="Nothing was stored. Try again when it is back.",
            ) from error
        raise


def _become_app(connection: object, _record: object) -> None:
    """Give up the rights of a powerful login, when the role without them may be taken."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute(
        "SELECT 1 FROM pg_roles WHERE rolname = %s AND rolname <> current_user "
        "AND pg_has_role(current_user, oid, 'MEMBER')",
        (APP_ROLE,),
    )
    if cursor.fetchone():
        cursor.execute(f"SET ROLE {APP_ROLE}")
    connection.commit()  # type: ignore[attr-defined]
    cursor.close()
