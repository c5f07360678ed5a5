"""The public process's parts: a database and the sealing key, nothing that could read or decide."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from tutela.adapters.keys import PUBLIC_NAME, load_recipient
from tutela.evidence.key_record import require_recipient
from tutela.evidence.sealing import Seal
from tutela.primitives.database import Database
from tutela.wiring.opening import open_database
from tutela.wiring.settings import Settings

_LOOK_SECONDS = 1.0
_LOG = structlog.get_logger()


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


def wait_for_sealing_key(
    settings: Settings, *, pause: Callable[[float], object] = time.sleep
) -> None:
    """Return when there is a key to seal to; say once what is waited for.

    This process must never hold the secret key, so it does not make the pair: `tutela init`, the
    staff process or the worker does.
    """
    path = settings.folder / PUBLIC_NAME
    if settings.evidence_recipient or path.exists():
        return
    _LOG.warning("sealing_key_awaited", path=str(path), remedy="Run `tutela init`.")
    while not path.exists():
        pause(_LOOK_SECONDS)
    _LOG.info("sealing_key_found")
