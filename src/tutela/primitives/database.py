"""The database session: one engine, one transaction per act.

Stores take an open `Connection` called `tx`; whoever opened it commits it, so that a
state, its ledger line and its follow-up job stand or fall together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tutela.primitives.errors import Unavailable

APP_ROLE = "tutela_app"
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
        )
        event.listen(self.engine, "connect", _become_app)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: commits at the end, rolls back on any error."""
        try:
            with self.engine.begin() as tx:
                yield tx
        except (OperationalError, InterfaceError) as error:
            raise Unavailable(
                "The database did not answer",
                why=type(error.orig).__name__ if error.orig else "connection lost",
                remedy="Nothing was stored. Check that PostgreSQL runs (`tutela check`), "
                "then try again.",
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
        self.engine.dispose()


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
