"""Signing in and out, and knowing a session again.

A refused attempt must be remembered, so `sign_in` does not raise inside the transaction
(that would undo the memory): it returns an `Attempt`, and `Attempt.granted()` raises after
the caller has committed.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tutela.accounts import passwords, store
from tutela.accounts.creating import normal_login
from tutela.accounts.model import Session
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import Refused
from tutela.primitives.redacted import Redacted

WINDOW = timedelta(minutes=15)
"""Failed attempts older than this no longer count."""
_KEEP_ATTEMPTS = timedelta(days=1)
_LINES_PER_WINDOW = 100  # so that a stranger cannot fill the ledger by guessing names
_NOBODY = "unknown"  # the ledger's subject for a login that no account has


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What came of a sign-in: a token with its session, or the refusal to show."""

    token: Redacted[str] | None = None
    session: Session | None = None
    refusal: Refused | None = None

    def granted(self) -> tuple[Redacted[str], Session]:
        """The token and its session, or raise the refusal. Call it after the commit."""
        if self.token is None or self.session is None:
            raise self.refusal or Refused("Nobody is signed in")
        return self.token, self.session


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a name stands before any password is checked: what that costs can be decided by it.

    `refusal` is set when the name is refused without a check. `has_account` is for queues only
    and must never reach whoever asks, nor be told by how long an answer takes.
    """

    has_account: bool
    refusal: Refused | None


def standing(tx: Connection, *, login: str, at: datetime, attempts: int) -> Standing:
    """Look a name up; cheap, and nothing is remembered."""
    name = normal_login(login)
    digest = hashlib.sha256(name.encode()).digest()
    failed_too_often = store.failures_since(tx, at - WINDOW, digest) >= attempts
    return Standing(
        has_account=store.credentials(tx, name) is not None,
        refusal=_too_many() if failed_too_often else None,
    )


def sign_in(
    tx: Connection,
    *,
    login: str,
    password: Redacted[str],
    at: datetime,
    hours: int,
    attempts: int,
) -> Attempt:
    """Check a login and password and open a session of `hours`.

    The answer for an unknown login, a wrong password and a disabled account is the same, in
    words and in work done. After `attempts` failures of one login within a quarter hour
    every further one is refused, also with the right password. Each success makes a new
    token: an old one is never taken over.
    """
    name = normal_login(login)
    digest = hashlib.sha256(name.encode()).digest()
    store.take_turn(tx, digest)
    if store.failures_since(tx, at - WINDOW, digest) >= attempts:
        return Attempt(refusal=_too_many())
    found = store.credentials(tx, name)
    right = passwords.matches(password, found.password_hash if found else None)
    if not right or found is None or found.disabled:
        store.note_attempt(tx, digest, at=at, ok=False)
        store.forget_attempts(tx, before=at - _KEEP_ATTEMPTS)
        _write_down(tx, subject=found.actor.id if found else _NOBODY, at=at)
        return Attempt(refusal=_not_right())
    if passwords.is_outdated(found.password_hash):
        store.set_password_hash(tx, found.actor.id, passwords.rehash(password))
    store.note_attempt(tx, digest, at=at, ok=True)
    store.forget_sessions(tx, before=at)
    token = Redacted(secrets.token_urlsafe(32))
    session = Session(
        actor=found.actor, csrf=secrets.token_urlsafe(32), expires_at=at + timedelta(hours=hours)
    )
    store.add_session(
        tx,
        token_sha256=_digest(token),
        account=found.actor.id,
        csrf=session.csrf,
        at=at,
        expires_at=session.expires_at,
    )
    ledger.append(
        tx,
        at=at,
        actor=found.actor.id,
        action=LedgerAction.SIGNED_IN,
        subject=found.actor.id,
        detail={},
    )
    return Attempt(token=token, session=session)


def session_of(tx: Connection, token: Redacted[str], at: datetime) -> Session | None:
    """The live session a token opens, or None: unknown, expired or its account disabled."""
    return store.session(tx, _digest(token), at=at)


def sign_out(tx: Connection, token: Redacted[str], at: datetime) -> None:
    """End a session; a token that opens none is no error."""
    account = store.end_session(tx, _digest(token))
    if account:
        ledger.append(
            tx, at=at, actor=account, action=LedgerAction.SIGNED_OUT, subject=account, detail={}
        )


def _digest(token: Redacted[str]) -> bytes:
    """What of a token is stored: it has 256 random bits, so a plain digest is enough."""
    return hashlib.sha256(token.reveal().encode()).digest()


def _write_down(tx: Connection, *, subject: str, at: datetime) -> None:
    """Append the refusal to the ledger, as long as guessing stays within bounds."""
    if store.failures_since(tx, at - WINDOW) <= _LINES_PER_WINDOW:
        ledger.append(
            tx,
            at=at,
            actor=_NOBODY,
            action=LedgerAction.SIGN_IN_REFUSED,
            subject=subject,
            detail={},
        )


def _not_right() -> Refused:
    """One message for all ways of being wrong."""
    return Refused("The name or password is not right", remedy="Check both and try again.")


def _too_many() -> Refused:
    """The limit is reached, whoever asks."""
    return Refused(
        "Too many attempts for this name",
        remedy="Wait a quarter of an hour, then try again. An operator can see the attempts "
        "in the ledger.",
    )
