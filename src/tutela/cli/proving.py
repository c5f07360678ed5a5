"""Who acts at the command line: a person proves it with the password of an account."""

from datetime import UTC, datetime

import typer

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.accounts.signing_in import sign_in, sign_out
from tutela.primitives.database import Database
from tutela.primitives.redacted import Redacted
from tutela.wiring.settings import load_settings


def signed_in(database: Database, login: str, permission: Permission) -> Actor:
    """The person behind the name, who proves it with the password and has this permission."""
    password = Redacted(str(typer.prompt(f"Password of {login}", hide_input=True, err=True)))
    with database.begin() as tx:
        attempt = sign_in(
            tx,
            login=login,
            password=password,
            at=datetime.now(UTC),
            hours=1,
            attempts=load_settings().sign_in_attempts,
        )
    token, session = attempt.granted()
    with database.begin() as tx:
        sign_out(tx, token, datetime.now(UTC))
    require(session.actor, permission)
    return session.actor
