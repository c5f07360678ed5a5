"""`tutela oversight`: figures for the public, counted from the ledger; packs for parliament."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from tutela.cli import oversight_pack
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.ledger.store import lines
from tutela.oversight.measuring import SMALLEST, measure
from tutela.oversight.model import Figures
from tutela.primitives.errors import BadInput
from tutela.wiring.opening import open_database

oversight_app = typer.Typer(help="Figures for the public and for parliament.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    oversight_pack.add_to(oversight_app)
    app.add_typer(oversight_app, name="oversight")


@oversight_app.command("figures")
def figures(
    since: Annotated[str, typer.Option(help="First day, YYYY-MM-DD (UTC).")] = "",
    until: Annotated[str, typer.Option(help="Day after the last, YYYY-MM-DD (UTC).")] = "",
    smallest: Annotated[
        int, typer.Option(min=1, help="Figures below this are withheld.")
    ] = SMALLEST,
    as_json: AsJson = False,
) -> None:
    """Count what was done in a period (default: this year so far)."""
    today = datetime.now(UTC).date()
    first = _day(since) if since else date(today.year, 1, 1)
    last = _day(until) if until else today + timedelta(days=1)
    with open_database() as database, database.begin() as tx:
        counted = measure(lines(tx), since=first, until=last, smallest=smallest)
    emit(counted.as_json(), as_json=as_json, render=lambda: _table(counted))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("This is no day", why="expected YYYY-MM-DD") from None


def _table(counted: Figures) -> None:
    table = Table("figure", "count", "unit", box=None, pad_edge=False)
    for figure in counted.figures:
        shown = f"<{counted.smallest}" if figure.count is None else str(figure.count)
        table.add_row(figure.meaning, shown, figure.unit)
    OUT.print(f"From {counted.since} until {counted.until}, {counted.ledger_lines} ledger lines")
    OUT.print(table)
