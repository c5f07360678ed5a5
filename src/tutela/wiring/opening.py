"""Opening what every process needs: settings, database with the right schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tutela.adapters.postgres import embedded, embedded_if_made, migrate, schema_state, with_driver
from tutela.evidence import verification_store
from tutela.ledger.noted_head import NotedHead
from tutela.ledger.outward import OutwardGate
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured
from tutela.wiring.settings import Settings, load_settings


def head_file(settings: Settings) -> Path:
    """Where the ledger's head is noted: a file, so outside the database."""
    return settings.folder / "ledger-anchor.json"


def outward_gate(settings: Settings, database: Database, clock: Clock) -> OutwardGate:
    """The gate that every outward act of this installation passes."""
    return OutwardGate(database, NotedHead(head_file(settings)), clock)


def attention_of(outward: OutwardGate, database: Database) -> dict[str, str]:
    """What a person must settle, by part; raises `Unavailable`."""
    found = {}
    standing = outward.standing()
    if not standing.open:
        found["outward acts"] = f"{standing.why}. {standing.remedy}."
    faults = evidence_faults(database)
    if faults:
        found["evidence"] = (
            f"{faults} sealed items are missing or damaged: `tutela evidence verify`"
        )
    return found


def evidence_faults(database: Database) -> int:
    """How many sealed items could not be read back as they were; raises `Unavailable`."""
    with database.begin() as tx:
        return verification_store.how_many_faults(tx)


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The owner's URL of the database: the operator's, or the embedded server's."""
    if settings.database_url is None:
        with embedded(settings.folder / "postgres") as url:
            yield url
        return
    yield with_driver(settings.database_url.get_secret_value())


@contextmanager
def existing_database_url(settings: Settings) -> Iterator[str | None]:
    """As `database_url`, for looking only: None when the embedded one was not made yet."""
    if settings.database_url is None:
        with embedded_if_made(settings.folder / "postgres") as url:
            yield url
        return
    yield with_driver(settings.database_url.get_secret_value())


@contextmanager
def open_database(
    settings: Settings | None = None, *, pool_size: int = 5, migrated: bool = True
) -> Iterator[Database]:
    """The database with today's schema.

    The embedded one is migrated here. An external one is migrated only by
    `tutela db migrate`; when it lags behind, this refuses and says so.
    """
    settings = settings or load_settings()
    with database_url(settings) as url:
        if migrated:
            _require_schema(settings, url)
        database = Database(url, pool_size=pool_size)
        try:
            yield database
        finally:
            database.close()


def _require_schema(settings: Settings, url: str) -> None:
    """Migrate our own server; ask the operator to migrate theirs."""
    present, needed = schema_state(url)
    if present == needed:
        return
    if settings.database_url is None:
        migrate(url)
        return
    raise Misconfigured(
        "The database's schema is not this program's",
        why=f"it has revision {present or 'none'}, this program needs {needed}",
        remedy="Run `tutela db migrate` once, with TUTELA_DATABASE_ADMIN_URL set to the owner.",
    )
