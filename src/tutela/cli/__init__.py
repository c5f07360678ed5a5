"""The command line: one file a noun, no business rule."""

import importlib
import io
import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand, TyperGroup

import tutela
from tutela.cli.loading import loading
from tutela.cli.terminal import guard_output, write_line
from tutela.primitives.errors import BadInput, Refused, TutelaError, Unavailable

if TYPE_CHECKING:
    from typer._click.formatting import HelpFormatter

NOUNS = {
    "accounts": ("accounts", "People who may sign in."),
    "case": ("case", "Look at cases and hand them over."),
    "check": ("check", "Show what is configured and what is missing, with reasons."),
    "db": ("db", "The database's schema."),
    "demo": ("demo", "Draw pictures, find the listed ones, open and decide cases."),
    "docs": ("docs", "Generated reference pages."),
    "evidence": ("evidence", "Keeping and destroying evidence."),
    "hash": ("hash", "Hash files: PDQ with quality, MD5, SHA-1, SHA-256."),
    "init": ("init", "Create the home folder, the evidence key and the database's schema."),
    "keys": ("accounts", "Keys of programs that hand in media."),
    "law": ("law", "The lawbook: rules, duties and their clocks."),
    "ledger": ("ledger", "The log of what was done."),
    "lists": ("lists", "Hash lists: import, list, show, withdraw, configure, compare."),
    "oversight": ("oversight", "Figures for the public and for parliament."),
    "report": ("report", "Reports to authorities: state, bytes, retry."),
    "sandbox": ("sandbox", "Stand-ins for authorities on this machine."),
    "scan": ("scan", "Hash and match every file; a match opens a case."),
    "serve": ("serve", "Run a process that answers browsers."),
    "tips": ("tips", "Reports by the public form."),
    "worker": ("worker", "Take follow-up jobs until Ctrl-C: reports, orders, preservation."),
}
"""Each command, the file it stands in, and its line in the overview. A file is read only when its
command is asked for: some take a second to load."""


class Nouns(TyperGroup):
    """Loads one noun's file at a time, so that a command does not pay for all the others."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Every command by name."""
        del ctx
        return sorted(NOUNS)

    def format_commands(self, ctx: typer.Context, formatter: "HelpFormatter") -> None:  # type: ignore[override]
        """The overview, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(noun, line) for noun, (_, line) in sorted(NOUNS.items())])

    def get_command(  # type: ignore[override]
        self, ctx: typer.Context, cmd_name: str
    ) -> TyperCommand | TyperGroup | None:
        """The command, read from its file now."""
        if cmd_name not in NOUNS:
            return None
        shelf = typer.Typer(add_completion=False, rich_markup_mode=None)
        shelf.callback()(lambda: None)
        with loading():
            importlib.import_module(f"{__name__}.{NOUNS[cmd_name][0]}").register(shelf)
            found = typer.main.get_group(shelf).get_command(ctx, cmd_name)
        return found if isinstance(found, TyperCommand | TyperGroup) else None


app = typer.Typer(
    name="tutela",
    cls=Nouns,
    help="Find known material by hash, decide, report, remove, preserve, and prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(show: bool) -> None:  # noqa: FBT001 - Typer's callback shape
    if show:
        write_line(f"tutela {tutela.__version__}")
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


def main() -> None:
    """Run the command; our own errors become one message and their exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a sign that this place cannot show ends nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    guard_output()
    _end_orderly_when_told_to()
    try:
        app()
    except TutelaError as error:
        _show(error)
        sys.exit(error.exit_code)
    except UnicodeEncodeError:  # the output takes every sign, so it is an argument
        odd = BadInput("An argument cannot be used", why="it holds bytes that are no UTF-8")
        _show(odd)
        sys.exit(odd.exit_code)
    except OSError as error:  # a full disk, an output that is gone: never a page of code
        away = Unavailable(
            "The system refused to go on", why=error.strerror or type(error).__name__
        )
        _show(away)
        _silence()
        sys.exit(away.exit_code)


def _end_orderly_when_told_to() -> None:
    """SIGTERM ends a command as Ctrl-C does: what it holds (the embedded database) is let go.

    Processes that answer requests, and the worker, have handlers of their own.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _silence() -> None:
    """What is still buffered for an output that takes nothing is dropped without a word."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(error: TutelaError) -> None:
    """One error shape: JSON for programs, a sentence for people."""
    if "--json" in sys.argv:
        body = {"code": error.code, "what": error.what, "why": error.why, "remedy": error.remedy}
        if isinstance(error, Refused):
            body["reasons"] = list(error.reasons)  # type: ignore[assignment]
        write_line(json.dumps({"error": body}, ensure_ascii=False), to_stderr=True)
    else:
        write_line(f"tutela: {error}", to_stderr=True)
