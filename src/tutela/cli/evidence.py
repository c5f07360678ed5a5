"""`tutela evidence`: verifying it, what may be destroyed, and destroying it by two persons."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from tutela.accounts.model import Permission
from tutela.adapters.blobs import open_blobs
from tutela.cli.acting import By, acting_person
from tutela.cli.evidence_verify import verify
from tutela.cli.presenting import OUT, AsJson, emit, ids
from tutela.evidence.destroying import destroy, request_destruction
from tutela.evidence.retention import obstacles
from tutela.evidence.store import destruction, exhibits_kept, holds_of_exhibit
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.ids import ExhibitId
from tutela.wiring.opening import open_database, outward_gate
from tutela.wiring.settings import load_settings

evidence_app = typer.Typer(help="Keeping and destroying evidence.", no_args_is_help=True)
ExhibitArgument = Annotated[
    str, typer.Argument(metavar="EXHIBIT", help="An exhibit's identifier (exh_…).")
]


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    evidence_app.command("verify")(verify)
    app.add_typer(evidence_app, name="evidence")


@evidence_app.command("due")
def due(as_json: AsJson = False) -> None:
    """List exhibits that no hold keeps any more. Nothing is ever destroyed by itself."""
    now = datetime.now(UTC)
    rows = []
    with open_database() as database, database.begin() as tx:
        for exhibit in exhibits_kept(tx):
            if obstacles(holds_of_exhibit(tx, exhibit.id), at=now):
                continue
            asked = destruction(tx, exhibit.id)
            rows.append(
                {
                    "id": exhibit.id,
                    "case": exhibit.case_id,
                    "received_at": iso(exhibit.received_at),
                    "asked_for_by": asked.requested_by if asked else None,
                }
            )
    if as_json:
        for row in rows:
            emit(row, as_json=True, render=lambda: None)
        return
    if not rows:
        OUT.print("Every exhibit is still held; nothing may be destroyed.")
        return
    table = Table(ids("exhibit"), ids("case"), "received", "asked for by", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["id"], row["case"], row["received_at"], row["asked_for_by"] or "nobody")
    OUT.print(table)


@evidence_app.command("request")
def request(exhibit: ExhibitArgument, by: By, as_json: AsJson = False) -> None:
    """Ask, as the first of two persons, that an exhibit's bytes be destroyed."""
    found = ExhibitId.parse(exhibit)
    with open_database() as database:
        person = acting_person(database, by, Permission.EVIDENCE_DESTROY)
        with database.begin() as tx:
            request_destruction(tx, found, by=person, at=datetime.now(UTC))
    emit(
        {"exhibit": found, "asked_for_by": person.id},
        as_json=as_json,
        render=lambda: OUT.print("Asked for. Another operator must confirm it."),
    )


@evidence_app.command("destroy")
def destroy_command(exhibit: ExhibitArgument, by: By, as_json: AsJson = False) -> None:
    """Confirm as the second person, and destroy the bytes; row, hashes and ledger lines stay."""
    settings = load_settings()
    found = ExhibitId.parse(exhibit)
    blobs = open_blobs(settings.blobs_url, home=settings.folder)
    with open_database(settings) as database:
        person = acting_person(database, by, Permission.EVIDENCE_DESTROY)
        outward = outward_gate(settings, database, SystemClock())
        done = destroy(database, blobs, found, by=person, at=datetime.now(UTC), outward=outward)
    when = iso(done.destroyed_at) if done.destroyed_at else None
    emit(
        {"exhibit": found, "destroyed_at": when},
        as_json=as_json,
        render=lambda: OUT.print(f"Destroyed at {when}. Its row and history remain."),
    )
