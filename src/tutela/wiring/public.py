"""The public process's parts: a database and the sealing key, nothing that could read or decide."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tutela.adapters.keys import PUBLIC_NAME, load_recipient
from tutela.evidence.key_record import require_recipient
from tutela.evidence.sealing import Seal
from tutela.primitives.database import Database
from tutela.wiring.opening import open_database
from tutela.wiring.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicParts:
    """What the public form works with."""

    database: Database
    seal: Seal


@contextmanager
def public_parts(settings: Settings) -> Iterator[PublicParts]:
    """Open the database and take the sealing key; the secret one is not opened here."""
    recipient = settings.evidence_recipient or load_recipient(settings.folder)
    where = "TUTELA_EVIDENCE_RECIPIENT" if settings.evidence_recipient else PUBLIC_NAME
    with open_database(settings) as database:
        with database.begin() as tx:
            require_recipient(tx, recipient, source=where)
        yield PublicParts(database=database, seal=Seal(recipient))
