"""`tutela accounts` and `tutela keys`: people who work here, and programs that hand things in."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tutela.accounts import creating, keys, store
from tutela.accounts.model import PROGRAM_ROLES, Role
from tutela.cli.acting import machine_user
from tutela.cli.presenting import OUT, AsJson, emit, ids, note
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import AccountId
from tutela.primitives.redacted import Redacted
from tutela.wiring.opening import open_database

_PERSONAL = frozenset(Role) - {Role.PLATFORM}
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="Read the password from the first line of this file instead of asking for it.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add both groups."""
    accounts = typer.Typer(help="People who may sign in.", no_args_is_help=True)
    accounts.command("create")(create)
    accounts.command("list")(list_accounts)
    accounts.command("disable")(disable)
    app.add_typer(accounts, name="accounts")
    platform = typer.Typer(help="Keys of programs.", no_args_is_help=True)
    platform.command("create")(create_key)
    platform.command("list")(list_keys)
    platform.command("revoke")(revoke_key)
    app.add_typer(platform, name="keys")


def create(
    login: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[
        list[str],
        typer.Option("--role", help="reviewer, counsel, operator or auditor; may be repeated."),
    ],
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Make an account for a person."""
    roles = [_role(name) for name in role]
    password = _password(password_file)
    with open_database() as database, database.begin() as tx:
        actor = creating.create_account(
            tx,
            login=login,
            password=password,
            roles=roles,
            by=machine_user().id,
            at=SystemClock().now(),
        )
    emit(
        {"id": actor.id, "login": actor.login, "roles": sorted(r.value for r in actor.roles)},
        as_json=as_json,
        render=lambda: OUT.print(f"Account {actor.login} ({actor.id}) was made."),
    )


def list_accounts(as_json: AsJson = False) -> None:
    """List all accounts, the disabled ones too."""
    with open_database() as database, database.begin() as tx:
        found = store.accounts(tx)
    rows = [
        {
            "id": one.actor.id,
            "login": one.actor.login,
            "roles": sorted(role.value for role in one.actor.roles),
            "created_at": iso(one.created_at),
            "disabled_at": _when(one.disabled_at),
        }
        for one in found
    ]
    if as_json:
        for row in rows:
            emit(row, as_json=True, render=_nothing)
        return
    if not rows:
        OUT.print("Nobody may sign in yet; see `tutela accounts create --help`.")
        return
    table = Table("login", "roles", "made", "disabled", ids("id"), box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            str(row["login"]),
            ", ".join(row["roles"] or ()),
            str(row["created_at"]),
            str(row["disabled_at"] or ""),
            str(row["id"]),
        )
    OUT.print(table)


def disable(
    login: Annotated[str, typer.Argument(help="Name of the account.")], as_json: AsJson = False
) -> None:
    """Close an account and end its sessions. What it did stays in the ledger."""
    with open_database() as database, database.begin() as tx:
        actor = creating.disable_account(
            tx, login=login, by=machine_user().id, at=SystemClock().now()
        )
    emit(
        {"id": actor.id, "login": actor.login, "disabled": True},
        as_json=as_json,
        render=lambda: OUT.print(f"Account {actor.login} is disabled."),
    )


def create_key(
    name: Annotated[str, typer.Argument(help="Who uses the key.")],
    role: Annotated[
        list[str],
        typer.Option(
            "--role",
            help="platform (hands in media, looks up hashes; the default), operator or auditor; "
            "may be repeated.",
        ),
    ] = [],  # noqa: B006 - Typer's way to say none
    as_json: AsJson = False,
) -> None:
    """Make a key for a program. It is shown once; only a digest is stored.

    A platform's key goes with each request; an operator's stands in TUTELA_TOKEN when its
    commands run.
    """
    roles = [_role(one, PROGRAM_ROLES) for one in role] or [Role.PLATFORM]
    with open_database() as database, database.begin() as tx:
        key_id, secret = keys.create_key(
            tx, name=name, roles=roles, by=machine_user().id, at=SystemClock().now()
        )

    def render() -> None:
        OUT.print(secret.reveal(), soft_wrap=True)
        note(f"Key {key_id} was made. This is the only time it is shown.")

    data = {"id": key_id, "name": name, "roles": sorted(roles), "key": secret.reveal()}
    emit(data, as_json=as_json, render=render)


def list_keys(as_json: AsJson = False) -> None:
    """List all keys by name, the revoked ones too; never the keys themselves."""
    with open_database() as database, database.begin() as tx:
        found = store.keys(tx)
    if as_json:
        for key in found:
            emit(
                {
                    "id": key.id,
                    "name": key.name,
                    "roles": sorted(key.roles),
                    "created_at": iso(key.created_at),
                    "revoked_at": _when(key.revoked_at),
                },
                as_json=True,
                render=_nothing,
            )
        return
    if not found:
        OUT.print("There is no key yet. `tutela keys create NAME` makes one.")
        return
    table = Table("name", "roles", "made", "revoked", ids("id"), box=None, pad_edge=False)
    for key in found:
        roles = ", ".join(sorted(key.roles))
        table.add_row(key.name, roles, iso(key.created_at), _when(key.revoked_at) or "", key.id)
    OUT.print(table)


def revoke_key(
    key_id: Annotated[str, typer.Argument(help="The key's id (see `tutela keys list`).")],
    as_json: AsJson = False,
) -> None:
    """End a key at once."""
    key = AccountId.parse(key_id)
    with open_database() as database, database.begin() as tx:
        keys.revoke_key(tx, key, by=machine_user().id, at=SystemClock().now())
    emit(
        {"id": key, "revoked": True},
        as_json=as_json,
        render=lambda: OUT.print(f"Key {key} is revoked."),
    )


def _role(name: str, among: Collection[Role] = _PERSONAL) -> Role:
    """The role of that name, which must be one of `among`."""
    try:
        role = Role(name)
    except ValueError:
        role = None
    if role is None or role not in among:
        raise BadInput(
            "There is no such role",
            remedy=f"Choose from: {', '.join(sorted(among))}.",
        )
    return role


def _password(file: Path | None) -> Redacted[str]:
    """The new password: from the file, or asked for twice without showing it."""
    if file is None:
        return Redacted(
            typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        )
    try:
        with file.open(encoding="utf-8-sig") as stream:
            return Redacted(stream.readline().rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadInput(
            "The password file cannot be read",
            why=why,
            remedy="Give a text file whose first line is the password.",
        ) from error


def _when(moment: datetime | None) -> str | None:
    """The moment in RFC 3339, or None."""
    return None if moment is None else iso(moment)


def _nothing() -> None:
    """There is no other form than JSON here."""
