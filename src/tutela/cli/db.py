"""`tutela db`: the schema of an external database."""

from typing import Annotated

import typer

from tutela.cli.presenting import OUT, AsJson, emit
from tutela.wiring.initialising import bring_schema
from tutela.wiring.settings import load_settings

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
    _, present, needed = bring_schema(load_settings(), revision=revision)
    emit(
        {"revision": present, "needed": needed},
        as_json=as_json,
        render=lambda: OUT.print(f"The schema is at {present}; this program needs {needed}."),
    )
