"""The evidence key of a process that opens: the pair is checked before it is used."""

from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Connection

from tutela.adapters.keys import PUBLIC_NAME, ensure_evidence_key, load_identity
from tutela.adapters.keys import recipient_of as public_key_of
from tutela.evidence import key_record, store
from tutela.evidence.ports import BlobStore
from tutela.evidence.references import ReferenceKey, seal_plain
from tutela.evidence.sealing import Seal
from tutela.evidence.unsealing import Unsealer
from tutela.intake import tips
from tutela.primitives.clock import SystemClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured, NotFound
from tutela.wiring.settings import Settings

_TRIED = 3


def recipient_of(settings: Settings) -> str:
    """The key that evidence is sealed to: the operator's, or one made on the first start."""
    if settings.evidence_recipient:
        return settings.evidence_recipient
    return ensure_evidence_key(settings.folder, settings.evidence_identity_file)


def checked_pair(settings: Settings, database: Database, blobs: BlobStore) -> tuple[Seal, Unsealer]:
    """What seals and what opens, proven to be this installation's; raises `Misconfigured`.

    On a first start with this program the key is noted in the database, after it has opened
    something that was sealed before, where there is anything.
    """
    with database.begin() as tx:
        _require_file(tx, settings, blobs)
    recipient = recipient_of(settings)
    identity = load_identity(settings.identity_file)
    belongs = public_key_of(identity)
    require_halves(settings, recipient, belongs)
    unsealer = Unsealer(identity)
    with database.begin() as tx:
        key_record.require_pair(
            tx,
            recipient,
            unsealer,
            source=str(settings.identity_file),
            sealed=_sealed_before(tx, blobs),
            at=SystemClock().now(),
        )
    return Seal(recipient), unsealer


def require_pair_if_here(settings: Settings, database: Database) -> None:
    """The same for a command that hands sealed evidence on: where a key is here, it is the one."""
    if not settings.identity_file.exists():
        return
    belongs = public_key_of(load_identity(settings.identity_file))
    with database.begin() as tx:
        key_record.require_recipient(tx, belongs, source=str(settings.identity_file))


def _require_file(tx: Connection, settings: Settings, blobs: BlobStore) -> None:
    """No new pair is made where something was sealed before: it would open nothing of it."""
    if settings.identity_file.exists():
        return
    record = key_record.noted(tx)
    if record is None and next(_sealed_before(tx, blobs), None) is None:
        return
    expected = key_record.short(record.recipient) if record else "another key"
    raise Misconfigured(
        "The evidence key is gone",
        why=f"{settings.identity_file} is not there, and the evidence here is sealed to {expected}",
        remedy="Restore the file from a backup (rights 0600). Nothing was made or changed.",
    )


def _sealed_before(tx: Connection, blobs: BlobStore) -> Iterator[bytes]:
    """Some of what was sealed before the key was noted, the smallest first."""
    yield from store.sealed_contexts(tx, limit=_TRIED)
    yield from tips.sealed_tips(tx, limit=_TRIED)
    for exhibit in store.exhibits_kept(tx, limit=_TRIED):
        with suppress(NotFound):
            yield blobs.get(exhibit.blob_key or "")


def require_halves(settings: Settings, recipient: str, belongs: str) -> None:
    """Raise `Misconfigured` unless the key that seals is the one that the identity opens."""
    if recipient == belongs:
        return
    where = "TUTELA_EVIDENCE_RECIPIENT"
    if not settings.evidence_recipient:
        where = str(settings.folder / PUBLIC_NAME)
    raise Misconfigured(
        "The two halves of the evidence key do not belong together",
        why=f"{settings.identity_file} opens what is sealed to {key_record.short(belongs)}, and "
        f"{where} says {key_record.short(recipient)}",
        remedy="Put back the one that is wrong. Nothing was sealed, opened or changed.",
    )


def reference_key(settings: Settings, database: Database, seal: Seal) -> ReferenceKey:
    """What finds an item again by its name, once `checked_pair` has proven the pair.

    Seals the references that earlier versions stored in plain.
    """
    key = ReferenceKey(load_identity(settings.identity_file))
    seal_plain(database, seal=seal, key=key)
    return key
