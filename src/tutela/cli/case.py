"""`tutela case`: look at cases and hand them over, without a browser and offline."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tutela.accounts.model import Actor, Permission
from tutela.adapters.blobs import open_blobs
from tutela.cases.model import State
from tutela.cases.store import queue
from tutela.cli.acting import By, MaybeBy, acting, acting_person
from tutela.cli.presenting import OUT, AsJson, emit, ids
from tutela.ledger.chain import as_json as line_json
from tutela.primitives.clock import iso
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import CaseId
from tutela.reporting.dossier import Dossier, dossier
from tutela.reporting.packaging import pack
from tutela.reporting.reports import Restriction, RestrictionState
from tutela.reporting.restricting import done_by_person, restrictions_of, send_again
from tutela.wiring.evidence_key import require_pair_if_here
from tutela.wiring.opening import open_database
from tutela.wiring.settings import load_settings

case_app = typer.Typer(help="Look at cases and hand them over.", no_args_is_help=True)
_NUMBERS = frozenset({"distance_bits", "threshold_bits", "video"})
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="A case identifier (case_…).")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    app.add_typer(case_app, name="case")


@case_app.command("list")
def list_cases(
    state: Annotated[str, typer.Option(help="Only cases in this state.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List cases, the most urgent first."""
    if state and state not in set(State):
        raise BadInput("There is no such state", why="choose " + ", ".join(State))
    wanted = [State(state)] if state else list(State)
    with open_database() as database, database.begin() as tx:
        found = queue(tx, states=wanted, limit=limit)
    if as_json:
        for case in found:
            emit(
                {
                    "id": case.id,
                    "state": case.state.value,
                    "opened_at": iso(case.opened_at),
                    "known_item": case.known_item,
                    "reached": sorted(case.reached),
                },
                as_json=True,
                render=lambda: None,
            )
        return
    if not found:
        OUT.print("There are no cases here. `tutela scan FOLDER` or the API opens them.")
        return
    table = Table(ids("case"), "state", "opened", "reached", box=None, pad_edge=False)
    for case in found:
        opened = case.opened_at.strftime("%Y-%m-%d %H:%M")
        table.add_row(case.id, case.state.value, opened, ", ".join(sorted(case.reached)))
    OUT.print(table)


@case_app.command("show")
def show(case: CaseArgument, as_json: AsJson = False) -> None:
    """Show what was found, decided, reported and kept, with the case's ledger lines."""
    with open_database() as database, database.begin() as tx:
        read = dossier(tx, CaseId.parse(case))
    data: dict[str, Any] = {
        **read.summary,
        "duties": read.assessment,
        "ledger": [line_json(line) for line in read.lines],
    }
    emit(data, as_json=as_json, render=lambda: _render(read))


@case_app.command("export")
def export(
    case: CaseArgument,
    out: Annotated[Path, typer.Option(help="Folder that gets the package.")] = Path(),
    by: MaybeBy = "",
    as_json: AsJson = False,
) -> None:
    """Pack the case as a BagIt bag: sealed exhibits, report bytes, receipt, ledger lines."""
    settings = load_settings()
    blobs = open_blobs(settings.blobs_url, home=settings.folder)
    with open_database(settings) as database:
        require_pair_if_here(settings, database)
        person = acting(database, by, Permission.CASE_EXPORT)
        with database.begin() as tx:
            place = pack(
                tx,
                CaseId.parse(case),
                blobs=blobs,
                folder=out.resolve(),
                by=person.id,
                at=datetime.now(UTC),
            )
    emit(
        {"case": case, "package": str(place)},
        as_json=as_json,
        render=lambda: OUT.print(f"Packed: {place}\nCheck it: bagit.py --validate {place}"),
    )


@case_app.command("restrict-done")
def restrict_done(
    case: CaseArgument,
    by: By,
    as_json: AsJson = False,
) -> None:
    """Say that you have disabled access by hand, where no webhook could."""
    case_id = CaseId.parse(case)
    with open_database() as database:
        person = acting_person(database, by, Permission.ACCESS_RESTRICT)
        waiting = _done(database, case_id, person)
    emit(
        {"case": case, "orders": [order.id for order in waiting]},
        as_json=as_json,
        render=lambda: OUT.print(f"{len(waiting)} done."),
    )


def _done(database: Database, case_id: CaseId, person: Actor) -> list[Restriction]:
    with database.begin() as tx:
        waiting = [
            order
            for order in restrictions_of(tx, case_id)
            if order.state in {RestrictionState.MANUAL, RestrictionState.FAILED}
        ]
        if not waiting:
            raise NotFound("No order of this case waits for a person")
        for order in waiting:
            done_by_person(tx, order.id, by=person.id, at=datetime.now(UTC))
    return waiting


@case_app.command("restrict-retry")
def restrict_retry(
    case: CaseArgument,
    by: By,
    as_json: AsJson = False,
) -> None:
    """Send the failed orders of a case again, under the same identifiers. The worker does it."""
    case_id = CaseId.parse(case)
    with open_database() as database:
        person = acting_person(database, by, Permission.ACCESS_RESTRICT)
        with database.begin() as tx:
            again = send_again(tx, case_id, by=person.id, at=datetime.now(UTC))
    emit(
        {"case": case, "orders": [order.id for order in again]},
        as_json=as_json,
        render=lambda: OUT.print("Asked for. The worker takes it up (`tutela worker`)."),
    )


def _render(read: Dossier) -> None:
    summary = read.summary
    OUT.rule(f"{read.case.id}  {read.case.state.value}")
    for title, rows in (
        ("Matches", [_in_words(match) for match in summary["matches"]]),
        ("Exhibits", summary["exhibits"]),
        ("Decisions", summary["decisions"]),
        ("Reports", [{k: v for k, v in r.items() if k != "calls"} for r in summary["reports"]]),
        ("Orders to the platform", summary["restrictions"]),
        ("Holds", summary["holds"]),
    ):
        OUT.print()
        OUT.print(Text.assemble((title, "bold"), "" if rows else ": none"))
        for row in rows:
            OUT.print("  " + "  ".join(f"{key}={_short(value)}" for key, value in row.items()))
    OUT.print()
    OUT.print("Ledger", style="bold")
    table = Table("line", "at", "actor", "action", box=None, pad_edge=False)
    for line in read.lines:
        table.add_row(str(line.seq), iso(line.at), line.actor, line.action)
    OUT.print(table)


def _in_words(match: Mapping[str, Any]) -> dict[str, Any]:
    """A match without the numbers that its reasons say."""
    return {key: value for key, value in match.items() if key not in _NUMBERS}


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return "; ".join(str(each) for each in value) or "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {each}" for key, each in value.items()) or "none"
    return "not known" if value is None else str(value)
