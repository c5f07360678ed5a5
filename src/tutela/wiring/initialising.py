"""Making an installation ready: home folder, evidence key and database schema, each once."""

from dataclasses import dataclass

from sqlalchemy.engine import make_url

from tutela.adapters.blobs import open_blobs
from tutela.adapters.postgres import migrate, schema_state, with_driver
from tutela.evidence.key_record import require_recipient
from tutela.wiring.evidence_key import checked_pair, recipient_of
from tutela.wiring.opening import database_url, open_database
from tutela.wiring.settings import Settings
from tutela.workflows.engine import prepare


@dataclass(frozen=True, kw_only=True, slots=True)
class Initialised:
    """What is there now; `made` names the parts that this run made, in their order."""

    home: str
    recipient: str
    revision: str | None
    needed: str | None
    made: tuple[str, ...]


def initialise(settings: Settings) -> Initialised:
    """Make what is missing and leave what is there; may run any number of times.

    Raises `Misconfigured` where the folder or the key cannot be made, `Unavailable` where the
    database does not answer.
    """
    made: list[str] = []
    if not settings.folder.exists():
        made.append("home")
    with database_url(settings):  # so that the embedded server is started once
        before, present, needed = bring_schema(settings)
        if before != present:
            made.append("database schema")
        had_key = settings.identity_file.exists()
        recipient = _evidence_key(settings)
        if not had_key and settings.identity_file.exists():
            made.append("evidence key")
    return Initialised(
        home=str(settings.folder),
        recipient=recipient,
        revision=present,
        needed=needed,
        made=tuple(made),
    )


def _evidence_key(settings: Settings) -> str:
    """The key that evidence is sealed to, made where there was none and proven where there was."""
    with open_database(settings) as database:
        given = settings.evidence_recipient
        if given and not settings.identity_file.exists():  # this machine seals only
            with database.begin() as tx:
                require_recipient(tx, given, source="TUTELA_EVIDENCE_RECIPIENT")
            return given
        blobs = open_blobs(settings.blobs_url, home=settings.folder)
        checked_pair(settings, database, blobs)
        return recipient_of(settings)


def bring_schema(
    settings: Settings, *, revision: str = "head"
) -> tuple[str | None, str | None, str | None]:
    """Bring the schema up to `revision`, as the tables' owner, the engine's schema too.

    Returns the revision before, the one now, and the one this program needs.
    """
    admin = settings.database_admin_url
    with database_url(settings) as url:
        owner = with_driver(admin.get_secret_value()) if admin else url
        before, _ = schema_state(owner)
        migrate(owner, revision=revision, upwards_only=True)
        if owner != url:
            prepare(owner, login=make_url(url).username)
        present, needed = schema_state(owner)
    return before, present, needed
