"""Keys of programs: a platform's, which hand in media and look up hashes, and an operator's."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from tutela.accounts import store
from tutela.accounts.model import PROGRAM_ROLES, Actor, Role
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted

_PREFIX = "tutela_"  # so that secret scanners know a leaked one
_LONGEST_NAME = 100


def create_key(
    tx: Connection,
    *,
    name: str,
    by: str,
    at: datetime,
    roles: Iterable[Role] = (Role.PLATFORM,),
) -> tuple[AccountId, Redacted[str]]:
    """Make a key; it is shown this once and stored as a digest only.

    Raises `BadInput` for a role that is for persons only (`PROGRAM_ROLES` are the others).
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadInput(
            "A key needs a name",
            why=f"1 to {_LONGEST_NAME} visible characters that say who uses it",
        )
    granted = frozenset(roles)
    if not granted or granted - PROGRAM_ROLES:
        raise BadInput(
            "A key cannot have this role",
            why="reviewing and accepting law are done by persons, who sign in",
            remedy=f"Choose from: {', '.join(sorted(PROGRAM_ROLES))}.",
        )
    key = store.ApiKey(id=AccountId.new(), name=name, roles=granted, created_at=at, revoked_at=None)
    secret = Redacted(_PREFIX + secrets.token_urlsafe(32))
    store.add_key(tx, key, key_sha256=_digest(secret))
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.API_KEY_CREATED,
        subject=key.id,
        detail={"roles": sorted(granted)},
    )
    return key.id, secret


def revoke_key(tx: Connection, key_id: AccountId, *, by: str, at: datetime) -> None:
    """End a key at once."""
    if not store.set_revoked(tx, key_id, at=at):
        raise NotFound("There is no live key with this id", remedy="See `tutela keys list`.")
    ledger.append(
        tx, at=at, actor=by, action=LedgerAction.API_KEY_REVOKED, subject=key_id, detail={}
    )


def actor_of(tx: Connection, key: Redacted[str]) -> Actor | None:
    """The program that a key stands for, or None: unknown or revoked."""
    found = store.key_by_digest(tx, _digest(key))
    return None if found is None else found.actor


def caller_of(database: Database, key: Redacted[str]) -> Actor | None:
    """The same as `actor_of`, asked thousands of times a second: one short statement."""
    found = database.read(store.LIVE_KEY, {"key_sha256": _digest(key)})
    if not found:
        return None
    ((key_id, name, roles),) = found
    return Actor(id=AccountId(key_id), login=name, roles=frozenset(map(Role, roles)))


def _digest(key: Redacted[str]) -> bytes:
    """What of a key is stored: it has 256 random bits, so a plain digest is enough."""
    return hashlib.sha256(key.reveal().encode()).digest()
