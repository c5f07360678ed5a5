"""Accounts for tests of commands, where a person proves who acts."""

from datetime import UTC, datetime

from tutela.accounts.creating import create_account
from tutela.accounts.model import Actor, Role
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted

SECRET = "four fictitious words here"
"""Everybody's password in tests."""


def account(database: Database, login: str, *roles: Role) -> Actor:
    """Make an account with these roles, and `SECRET` as its password."""
    with database.begin() as tx:
        return create_account(
            tx,
            login=login,
            password=Redacted(SECRET),
            roles=roles,
            by="tests",
            at=datetime.now(UTC),
        )
