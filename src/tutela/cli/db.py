"""`tutela db`: the schema of an external database."""

from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from tutela.adapters.postgres import migrate, schema_state, with_driver
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.wiring.opening import database_url
from tutela.wiring.settings import Settings, load_settings
from tutela.workflows.engine import prepare

db_app = typer.Typer(help="The database's schema.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    app.add_typer(db_app, name="db")


@db_app.command("migrate")
def migrate_command(
    revision: Annotated[
        str, typer.Argument(help="Target revision, never one below what is there.")
    ] = "head",
    as_json: AsJson = False,
) -> None:
    """Bring the schema to REVISION (default: what this program needs), the engine's too."""
    settings = load_settings()
    with database_url(settings) as url:
        owner = _owner(settings) or url
        migrate(owner, revision=revision, upwards_only=True)
        if owner != url:
            prepare(owner, login=make_url(url).username)
        present, needed = schema_state(owner)
    emit(
        {"revision": present, "needed": needed},
        as_json=as_json,
        render=lambda: OUT.print(f"The schema is at {present}; this program needs {needed}."),
    )


def _owner(settings: Settings) -> str | None:
    """The role that owns the tables, when the operator named one."""
    url = settings.database_admin_url
    return with_driver(url.get_secret_value()) if url else None
