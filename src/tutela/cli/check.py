"""`tutela check`: what is configured, what is missing, and what that means."""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli.presenting import OUT, AsJson, emit_each
from tutela.wiring.checking import Check, check_everything
from tutela.wiring.settings import load_settings

_STYLES = {"ok": "green", "missing": "red", "off": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(as_json: AsJson = False) -> None:
    """Show what is configured and what is missing, with reasons. Exit 7 when something is."""
    checks = check_everything(load_settings())
    emit_each([asdict(one) for one in checks], as_json=as_json, render=lambda: _table(checks))
    if any(one.state == "missing" for one in checks):
        raise typer.Exit(7)


def _table(checks: list[Check]) -> None:
    table = Table("part", "state", "why", box=None, pad_edge=False)
    for one in checks:
        table.add_row(one.part, Text(one.state, style=_STYLES[one.state]), one.why)
    OUT.print(table)
