"""The command line: one file a noun, no business rule."""

import importlib
import json
import pkgutil
import sys
from typing import Annotated

import click
import typer

import tutela
from tutela.primitives.errors import Refused, TutelaError

app = typer.Typer(
    name="tutela",
    help="Find known material by hash, decide, report, remove, preserve, and prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(show: bool) -> None:  # noqa: FBT001 - Typer's callback shape
    if show:
        typer.echo(f"tutela {tutela.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Exit codes: 0 done, 1 broken or failed, 2 bad input, 3 not found, 4 refused by a rule,
    5 conflict, 6 something is away (try again), 7 settings."""  # noqa: D205, D209 - shown as help
    del version


for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    _register = getattr(importlib.import_module(f"{__name__}.{_module}"), "register", None)
    if _register:
        _register(app)


def main() -> None:
    """Run the command; our own errors become one message and their exit code."""
    try:
        code = app(standalone_mode=False)
    except TutelaError as error:
        _show(error)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(misuse.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        typer.echo("Stopped. What was committed so far stays.", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _show(error: TutelaError) -> None:
    """One error shape: JSON for programs, a sentence for people."""
    if "--json" in sys.argv:
        body = {"code": error.code, "what": error.what, "why": error.why, "remedy": error.remedy}
        if isinstance(error, Refused):
            body["reasons"] = list(error.reasons)  # type: ignore[assignment]
        typer.echo(json.dumps({"error": body}, ensure_ascii=False), err=True)
    else:
        typer.echo(f"tutela: {error}", err=True)
