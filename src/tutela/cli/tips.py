"""`tutela tips`: what the public form has taken in, opened by staff only."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from tutela.accounts.model import Permission
from tutela.adapters.blobs import open_blobs
from tutela.cli.acting import By, acting_person
from tutela.cli.presenting import OUT, AsJson, emit, ids
from tutela.intake.tips import TipState, advance, tip, tips
from tutela.ledger.actions import LedgerAction
from tutela.ledger.store import append
from tutela.primitives.clock import iso
from tutela.primitives.ids import SubmissionId
from tutela.wiring.evidence_key import checked_pair
from tutela.wiring.opening import open_database
from tutela.wiring.settings import load_settings

tips_app = typer.Typer(help="Reports by the public form.", no_args_is_help=True)
TipArgument = Annotated[str, typer.Argument(metavar="TIP", help="A tip's identifier (sub_…).")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands."""
    app.add_typer(tips_app, name="tips")


@tips_app.command("list")
def list_tips(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List tips, the newest first; nothing is opened."""
    with open_database() as database, database.begin() as tx:
        found = tips(tx, limit=limit)
    rows = [
        {"id": one.id, "received_at": iso(one.received_at), "state": one.state.value}
        for one in found
    ]
    if as_json:
        for row in rows:
            emit(row, as_json=True, render=lambda: None)
        return
    if not rows:
        OUT.print("Nobody has sent a report by the public form.")
        return
    table = Table(ids("tip"), "received", "state", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["id"], row["received_at"], row["state"])
    OUT.print(table)


@tips_app.command("show")
def show(tip_id: TipArgument, by: By, as_json: AsJson = False) -> None:
    """Open one tip with the evidence key and print it; this is a ledger line."""
    settings = load_settings()
    blobs = open_blobs(settings.blobs_url, home=settings.folder)
    with open_database(settings) as database:
        _, unsealer = checked_pair(settings, database, blobs)
        person = acting_person(database, by, Permission.TIP_HANDLE)
        with database.begin() as tx:
            found = tip(tx, SubmissionId.parse(tip_id))
            answers = json.loads(unsealer.unseal(found.sealed))
            now = datetime.now(UTC)
            append(
                tx,
                at=now,
                actor=person.id,
                action=LedgerAction.TIP_OPENED,
                subject=found.id,
                detail={},
            )
    data = {"id": found.id, "state": found.state.value, "answers": answers}
    emit(data, as_json=as_json, render=lambda: _render(answers))


@tips_app.command("advance")
def advance_tip(
    tip_id: TipArgument,
    state: Annotated[TipState, typer.Argument(help="How far it has come.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Say how far a tip has come; its sender sees that with the code."""
    found = SubmissionId.parse(tip_id)
    with open_database() as database:
        person = acting_person(database, by, Permission.TIP_HANDLE)
        with database.begin() as tx:
            advance(tx, found, state=state, by=person.id, at=datetime.now(UTC))
    emit(
        {"id": found, "state": state.value},
        as_json=as_json,
        render=lambda: OUT.print(f"{found} is now {state.value}."),
    )


def _render(answers: dict[str, str]) -> None:
    for question, text in answers.items():
        OUT.print(question, style="bold")
        OUT.print(text)
