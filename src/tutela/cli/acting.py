"""Who acts at the command line: proven by a password or a key, never typed.

Every command that changes something takes its actor from `acting`. The name stands in the accounts
table only; the ledger gets the account's identifier.
"""

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from tutela.accounts import keys, store
from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import may, require
from tutela.accounts.signing_in import sign_in, sign_out
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Refused
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted
from tutela.wiring.settings import load_settings

TOKEN = "TUTELA_TOKEN"  # noqa: S105 - the variable's name
"""Environment variable with a program's key (`tutela keys create NAME --role operator`)."""

By = Annotated[
    str,
    typer.Option("--by", metavar="LOGIN", help="Your sign-in name; the password is asked for."),
]
"""For what a person answers for."""
MaybeBy = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="LOGIN",
        help="Your sign-in name; the password is asked for. Programs set TUTELA_TOKEN instead.",
    ),
]
"""For what a program may do as well, and the first one on a machine without accounts."""
FirstBy = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="LOGIN",
        help="Your sign-in name; the password is asked for. Needed as soon as an account may do "
        "this; a program's key does not.",
    ),
]
"""For what a person answers for as soon as there is one."""


def acting(database: Database, by: str, permission: Permission, *, programs: bool = True) -> Actor:
    """Whoever does what this permission is for: a person, or (`programs`) a program with a key.

    As long as no account (and, with `programs`, no key) has the permission, it is the user of
    this machine (`machine_user`): somebody has to be the first.
    """
    if by:
        return acting_person(database, by, permission)
    if programs and (token := os.environ.get(TOKEN)):
        return _program(database, Redacted(token), permission)
    with database.begin() as tx:
        held = _is_held(tx, permission, programs=programs)
    if held:
        raise BadInput(
            "Say who you are with --by and your sign-in name"
            + (", or set TUTELA_TOKEN to a program's key" if programs else ""),
            why=f"somebody has the permission {permission.value}, and only they may do this",
        )
    return machine_user()


def acting_person(database: Database, by: str, permission: Permission) -> Actor:
    """The person behind the sign-in name, who proves it with the password.

    It is asked for without showing it; where nobody sits at a terminal, it is the first line of
    the standard input.
    """
    password = _password_of(by)
    with database.begin() as tx:
        attempt = sign_in(
            tx,
            login=by,
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


def machine_user() -> Actor:
    """Whoever runs commands on this machine, by the number that the system knows: `cli:uid-1000`.

    For what needs no account: setting up, running, checking. It has no roles.
    """
    return Actor(id=AccountId(f"cli:uid-{os.getuid()}"), login="", roles=frozenset())


def _password_of(login: str) -> Redacted[str]:
    if sys.stdin.isatty():
        return Redacted(str(typer.prompt(f"Password of {login}", hide_input=True, err=True)))
    line = sys.stdin.readline()
    if not line:
        raise BadInput(
            "No password was given",
            why="this is not a terminal, and the standard input is empty",
            remedy="Run the command at a terminal, or pass the password as the first line of the "
            "standard input.",
        )
    return Redacted(line.rstrip("\r\n"))


def _program(database: Database, token: Redacted[str], permission: Permission) -> Actor:
    with database.begin() as tx:
        program = keys.actor_of(tx, token)
    if program is None:
        raise Refused(
            "The key in TUTELA_TOKEN opens nothing",
            reasons=("it is unknown or was revoked",),
            remedy="See `tutela keys list`, or make one: `tutela keys create NAME --role ROLE`.",
        )
    require(program, permission)
    return program


def _is_held(tx: Connection, permission: Permission, *, programs: bool) -> bool:
    """Whether any live account, or any live key, has the permission."""
    actors = [one.actor for one in store.accounts(tx) if one.disabled_at is None]
    if programs:
        actors += [key.actor for key in store.keys(tx) if key.revoked_at is None]
    return any(may(actor, permission).allowed for actor in actors)
