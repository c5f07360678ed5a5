"""Making and closing accounts."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from tutela.accounts import passwords, store
from tutela.accounts.model import Actor, Role
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import BadInput, Conflict, NotFound
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted

_LONGEST_LOGIN = 64


def normal_login(login: str) -> str:
    """The one form in which a login is stored and compared: NFKC, case folded, trimmed."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def create_account(
    tx: Connection,
    *,
    login: str,
    password: Redacted[str],
    roles: Iterable[Role],
    by: str,
    at: datetime,
) -> Actor:
    """Make an account for a person.

    Refuses a login that is taken, a weak password, no role, and the role `platform`, which
    belongs to programs (they get a key instead).
    """
    name = normal_login(login)
    if not name or len(name) > _LONGEST_LOGIN or not name.isprintable() or " " in name:
        raise BadInput(
            "This cannot be a login",
            why=f"1 to {_LONGEST_LOGIN} visible characters without spaces are needed",
        )
    granted = frozenset(roles)
    if not granted:
        raise BadInput(
            "An account needs a role",
            remedy=f"Choose from: {', '.join(sorted(set(Role) - {Role.PLATFORM}))}.",
        )
    if Role.PLATFORM in granted:
        raise BadInput(
            "The role platform is for programs",
            remedy="Make a key for the platform instead (`tutela keys create NAME`).",
        )
    if store.credentials(tx, name):
        raise Conflict("An account with this login exists", remedy="Choose another login.")
    actor = Actor(id=AccountId.new(), login=name, roles=granted)
    store.add_account(
        tx,
        actor=actor,
        password_hash=passwords.hash_password(password, login=name),
        at=at,
    )
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.ACCOUNT_CREATED,
        subject=actor.id,
        detail={"roles": sorted(role.value for role in granted)},
    )
    return actor


def disable_account(tx: Connection, *, login: str, by: str, at: datetime) -> Actor:
    """Close an account and end its sessions; what it did stays in the ledger."""
    found = store.credentials(tx, normal_login(login))
    if found is None:
        raise NotFound("There is no account with this login", remedy="See `tutela accounts list`.")
    if found.disabled:
        raise Conflict("This account is disabled already")
    store.set_disabled(tx, found.actor.id, at=at)
    ledger.append(
        tx, at=at, actor=by, action=LedgerAction.ACCOUNT_DISABLED, subject=found.actor.id, detail={}
    )
    return found.actor
