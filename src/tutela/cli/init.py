"""`tutela init`: make what an installation needs before its first process."""

from dataclasses import asdict

import typer

from tutela.cli.presenting import OUT, AsJson, emit, marked
from tutela.wiring.initialising import Initialised, initialise
from tutela.wiring.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(as_json: AsJson = False) -> None:
    """Create the home folder, the evidence key and the database's schema.

    What is there already is left as it is: it may be run again, and after an update it brings
    the schema up. `tutela check` then says what else is missing.
    """
    done = initialise(load_settings())
    emit(asdict(done), as_json=as_json, render=lambda: _show(done))


def _show(done: Initialised) -> None:
    OUT.print(marked("home", done.home, style="bold"), soft_wrap=True)
    OUT.print(marked("evidence key", done.recipient, style="bold"), soft_wrap=True)
    OUT.print(f"The schema is at {done.revision}; this program needs {done.needed}.")
    OUT.print(f"Created: {', '.join(done.made) or 'nothing, all of it was there'}.")
