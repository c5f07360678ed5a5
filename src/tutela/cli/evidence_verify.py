"""`tutela evidence verify`: read every sealed item back and compare it with its custody record."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from tutela.adapters.blobs import open_blobs
from tutela.cli.acting import machine_user
from tutela.cli.presenting import OUT, AsJson, emit, ids, note, progress
from tutela.evidence import verification_store as notes
from tutela.evidence.verifying import Verified, Verifier
from tutela.primitives.clock import SystemClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput
from tutela.wiring.evidence_key import checked_pair
from tutela.wiring.opening import open_database
from tutela.wiring.settings import load_settings

FAULTS = 1
_ROUND = "command"


def verify(
    sample: Annotated[
        str,
        typer.Option(
            metavar="N|P%", help="Check only so many exhibits, or so many percent, by chance."
        ),
    ] = "",
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin again where an earlier run was interrupted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every sealed item: there, unchanged, opened by the key, and what was handed in.

    A run that is interrupted goes on with the next call. Exit code 0: all is whole; 1: something
    is missing or damaged, which the console, `tutela check` and the ledger then say, too.
    """
    if sample and restart:
        raise BadInput("A sample has nothing to begin again", remedy="Leave out --restart.")
    settings = load_settings()
    blobs = open_blobs(settings.blobs_url, home=settings.folder)
    with open_database(settings) as database:
        _, unsealer = checked_pair(settings, database, blobs)
        verifier = Verifier(database, blobs, unsealer, SystemClock(), actor=machine_user().id)
        with database.begin() as tx:
            total = notes.how_many(tx)
        done = _run(verifier, database, sample=sample, restart=restart, total=total)
        with database.begin() as tx:
            known = list(notes.open_faults(tx))
    emit(_as_json(done, total, known), as_json=as_json, render=lambda: _show(done, known))
    if done.found:
        raise typer.Exit(FAULTS)


def how_many(sample: str, *, total: int) -> int:
    """The exhibits in a sample `N` or `P%` of `total`, at least one; raises `BadInput`."""
    number, percent = sample.removesuffix("%").strip(), sample.endswith("%")
    if not number.isascii() or not number.isdigit() or not int(number):
        raise BadInput(
            "Invalid --sample: expected a number, or a percentage such as 5%",
            why=f"got {sample!r}",
        )
    if not percent:
        return min(int(number), total)
    if int(number) > 100:  # noqa: PLR2004 - percent
        raise BadInput("Invalid --sample: expected 1% to 100%", why=f"got {sample!r}")
    return -(-total * int(number) // 100)


def _run(
    verifier: Verifier, database: Database, *, sample: str, restart: bool, total: int
) -> Verified:
    if not sample:
        with progress("Verifying", total=total) as bar:
            return verifier.go_on(_ROUND, more=_shown(bar), restart=restart)
    with database.begin() as tx:
        chosen = notes.some(tx, limit=how_many(sample, total=total))
    with progress("Verifying", total=len(chosen)) as bar:
        return verifier.check_these(chosen, on_each=_shown(bar))


def _shown(bar: Callable[[float], None]) -> Callable[[Verified], bool]:
    def show(done: Verified) -> bool:
        bar(done.before + done.checked)
        return True

    return show


def _as_json(done: Verified, total: int, known: list[notes.OpenFault]) -> dict[str, Any]:
    return {
        "exhibits": total,
        "checked": done.checked,
        "checked_before": done.before,
        "finished": done.finished,
        "found": [
            {"exhibit": each.exhibit_id, "case": each.case_id, "fault": each.fault.value}
            for each in done.found
        ],
        "open_faults": len(known),
    }


def _show(done: Verified, known: list[notes.OpenFault]) -> None:
    if done.before:
        note(f"{done.before} were checked by the run before, which was interrupted.")
    if not done.found:
        OUT.print(f"Whole: {done.checked} checked, none missing or damaged.")
    else:
        table = Table(ids("exhibit"), ids("case"), "fault", box=None, pad_edge=False)
        for each in done.found:
            table.add_row(each.exhibit_id, each.case_id, each.fault.value)
        OUT.print(table)
        OUT.print(
            f"{len(done.found)} of {done.checked} are missing or damaged. Restore their blobs from "
            "a backup, and find out who could write to the store; then verify again."
        )
    if len(known) > len(done.found):
        note(f"{len(known)} exhibits are noted as missing or damaged in all.")
