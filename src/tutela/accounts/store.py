"""The accounts room's tables and queries. Secrets rest as digests only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from tutela.accounts.model import Actor, Role, Session
from tutela.primitives.database import METADATA
from tutela.primitives.ids import AccountId

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled_at", DateTime(timezone=True)),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

SIGN_IN_ATTEMPTS = Table(
    "sign_in_attempts",
    METADATA,
    Column("login_sha256", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ok", Boolean, nullable=False),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key_sha256", LargeBinary, nullable=False, unique=True),
    Column("roles", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account as an operator lists it."""

    actor: Actor
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What signing in compares with. `password_hash` is argon2's encoded form."""

    actor: Actor
    password_hash: str
    disabled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A program's key as an operator lists it; the key itself is nowhere."""

    id: AccountId
    name: str
    roles: frozenset[Role]
    created_at: datetime
    revoked_at: datetime | None

    @property
    def actor(self) -> Actor:
        """The program that acts with it."""
        return Actor(id=self.id, login=self.name, roles=self.roles)


def add_account(tx: Connection, *, actor: Actor, password_hash: str, at: datetime) -> None:
    """Store a new account; the caller has checked that the login is free."""
    tx.execute(
        insert(ACCOUNTS).values(
            id=actor.id,
            login=actor.login,
            password_hash=password_hash,
            roles=sorted(role.value for role in actor.roles),
            created_at=at,
        )
    )


def accounts(tx: Connection) -> Sequence[Account]:
    """All accounts by login, the disabled ones too."""
    rows = tx.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.login))
    return [
        Account(actor=_actor(row), created_at=row.created_at, disabled_at=row.disabled_at)
        for row in rows
    ]


def credentials(tx: Connection, login: str) -> Credentials | None:
    """What belongs to `login` (already normalised), or None."""
    row = tx.execute(select(ACCOUNTS).where(ACCOUNTS.c.login == login)).one_or_none()
    if row is None:
        return None
    return Credentials(
        actor=_actor(row),
        password_hash=row.password_hash,
        disabled=row.disabled_at is not None,
    )


def set_disabled(tx: Connection, account: AccountId, *, at: datetime) -> None:
    """Close an account and end its sessions."""
    tx.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(disabled_at=at))
    tx.execute(delete(SESSIONS).where(SESSIONS.c.account_id == account))


def set_password_hash(tx: Connection, account: AccountId, password_hash: str) -> None:
    """Replace the stored hash."""
    tx.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account).values(password_hash=password_hash))


def take_turn(tx: Connection, login_sha256: bytes) -> None:
    """Let attempts for one login go one after the other until this transaction ends."""
    number = int.from_bytes(login_sha256[:8], "big", signed=True)
    tx.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": number})


def failures_since(tx: Connection, since: datetime, login_sha256: bytes | None = None) -> int:
    """Failed sign-ins after `since`, of one login or of all."""
    query = (
        select(func.count())
        .select_from(SIGN_IN_ATTEMPTS)
        .where(SIGN_IN_ATTEMPTS.c.at > since, SIGN_IN_ATTEMPTS.c.ok.is_(False))
    )
    if login_sha256 is not None:
        query = query.where(SIGN_IN_ATTEMPTS.c.login_sha256 == login_sha256)
    return int(tx.execute(query).scalar_one())


def note_attempt(tx: Connection, login_sha256: bytes, *, at: datetime, ok: bool) -> None:
    """Remember that somebody tried."""
    tx.execute(insert(SIGN_IN_ATTEMPTS).values(login_sha256=login_sha256, at=at, ok=ok))


def forget_attempts(tx: Connection, *, before: datetime) -> None:
    """Drop attempts that no limit looks at any more."""
    tx.execute(delete(SIGN_IN_ATTEMPTS).where(SIGN_IN_ATTEMPTS.c.at < before))


def add_session(
    tx: Connection,
    *,
    token_sha256: bytes,
    account: AccountId,
    csrf: str,
    at: datetime,
    expires_at: datetime,
) -> None:
    """Store a session under its token's digest."""
    tx.execute(
        insert(SESSIONS).values(
            token_sha256=token_sha256,
            account_id=account,
            csrf=csrf,
            created_at=at,
            expires_at=expires_at,
        )
    )


def session(tx: Connection, token_sha256: bytes, *, at: datetime) -> Session | None:
    """The live session of an account that is not disabled."""
    row = tx.execute(
        select(ACCOUNTS, SESSIONS.c.csrf, SESSIONS.c.expires_at)
        .join(SESSIONS, SESSIONS.c.account_id == ACCOUNTS.c.id)
        .where(
            SESSIONS.c.token_sha256 == token_sha256,
            SESSIONS.c.expires_at > at,
            ACCOUNTS.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    return Session(actor=_actor(row), csrf=row.csrf, expires_at=row.expires_at)


def end_session(tx: Connection, token_sha256: bytes) -> str | None:
    """Delete a session; the account it belonged to, or None when there was none."""
    gone = tx.execute(
        delete(SESSIONS)
        .where(SESSIONS.c.token_sha256 == token_sha256)
        .returning(SESSIONS.c.account_id)
    ).one_or_none()
    return None if gone is None else str(gone.account_id)


def forget_sessions(tx: Connection, *, before: datetime) -> None:
    """Drop sessions that ended before."""
    tx.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < before))


def add_key(tx: Connection, key: ApiKey, *, key_sha256: bytes) -> None:
    """Store a program's key under its digest."""
    tx.execute(
        insert(API_KEYS).values(
            id=key.id,
            name=key.name,
            key_sha256=key_sha256,
            roles=sorted(role.value for role in key.roles),
            created_at=key.created_at,
        )
    )


LIVE_KEY = select(API_KEYS.c.id, API_KEYS.c.name, API_KEYS.c.roles).where(
    API_KEYS.c.key_sha256 == bindparam("key_sha256"), API_KEYS.c.revoked_at.is_(None)
)
"""Identifier, name and roles of the key with the digest `key_sha256`, unless it was revoked."""


def key_by_digest(tx: Connection, key_sha256: bytes) -> ApiKey | None:
    """The key with this digest unless it was revoked."""
    row = tx.execute(
        select(API_KEYS).where(API_KEYS.c.key_sha256 == key_sha256, API_KEYS.c.revoked_at.is_(None))
    ).one_or_none()
    return None if row is None else _key(row)


def keys(tx: Connection) -> Sequence[ApiKey]:
    """All keys, oldest first, the revoked ones too."""
    return [_key(row) for row in tx.execute(select(API_KEYS).order_by(API_KEYS.c.created_at))]


def set_revoked(tx: Connection, key: AccountId, *, at: datetime) -> bool:
    """Revoke a live key; False when there is none of that id."""
    done = tx.execute(
        update(API_KEYS)
        .where(API_KEYS.c.id == key, API_KEYS.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return done.rowcount == 1


def _actor(row: Row[tuple[object, ...]]) -> Actor:
    """A person from a row that holds all columns of `accounts`."""
    return Actor(
        id=AccountId(row.id), login=row.login, roles=frozenset(Role(role) for role in row.roles)
    )


def _key(row: Row[tuple[object, ...]]) -> ApiKey:
    """A key from its row."""
    return ApiKey(
        id=AccountId(row.id),
        name=row.name,
        roles=frozenset(Role(role) for role in row.roles),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
