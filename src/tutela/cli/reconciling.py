"""`tutela ledger reconcile`: a person says that a database from an older copy counts as it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from tutela.accounts.model import Permission
from tutela.cli.acting import FirstBy, acting
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.evidence import store as evidence
from tutela.ledger.outward import Reconciled, Standing
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.errors import BadInput
from tutela.primitives.ids import CaseId, ExhibitId
from tutela.reporting import restored
from tutela.wiring.opening import open_database, outward_gate
from tutela.wiring.settings import load_settings

_Waiting = Mapping[CaseId, Sequence[ExhibitId]]
_SHOWN = 20
_MEANWHILE = """\
What this means. The database is not the one that last worked here, most likely an older copy.
What was done after the copy was made is not in it, and cannot be taken back:
- Reports may have been filed. Cases that ask for a report and have none in this database may
  have one at the authority. Sign in to the authority's account, list the reports filed in that
  time, and look for the files below: each was sent under the name of its exhibit (exh_….jpg).
- Orders to disable access may have been sent. They come again; a platform obeys them once.
- Evidence may have been destroyed. `tutela evidence verify` finds what is missing.
- Evidence may have been sealed that no case names now. It is kept, and never swept.
- Decisions, claims and holds of that time are gone: people have to look again.

After reconciling, reports about the cases below stay held until somebody has asked the authority:
  tutela report retry CASE --by LOGIN --not-finished
Do this only for a case that the authority has no finished report about."""


def reconcile(
    by: FirstBy = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let reports, orders and sweeps leave again after the database was put back from a copy.

    Writes a ledger line with the head that was noted and the one that is there, and notes the new
    head. Reports that may be filed already stay held, each until a person releases it.
    """
    settings = load_settings()
    clock = SystemClock()
    with open_database(settings) as database:
        gate = outward_gate(settings, database, clock)
        standing = gate.standing(strict=True)
        if standing.open:
            emit(
                {"reconciled": False, "why": "the noted head stands in the ledger"},
                as_json=as_json,
                render=lambda: OUT.print("Nothing to reconcile: the noted head is in the ledger."),
            )
            return
        with database.begin() as tx:
            until = standing.noted.at if standing.noted else clock.now()
            waiting = {
                case_id: [exhibit.id for exhibit in evidence.exhibits_of(tx, case_id)]
                for case_id in restored.unfinished(tx, until=until)
            }
        if not as_json:
            _explain(standing, until, waiting)
        actor = acting(database, by, Permission.LEDGER_RECONCILE, programs=False).id
        if not yes and not typer.confirm(
            "Does the ledger count as it is now, and may outward acts go on?", err=True
        ):
            raise BadInput("Nothing was changed", why="it was not confirmed")
        done = gate.reconcile(by=actor, at=clock.now())
    emit(_as_json(done, waiting), as_json=as_json, render=lambda: _show(done))


def _explain(standing: Standing, until: datetime, waiting: _Waiting) -> None:
    OUT.print(Text(f"Outward acts wait: {standing.why}."), soft_wrap=True)
    OUT.print(Text(_MEANWHILE), soft_wrap=True)
    OUT.print(Text(f"\nCases up to {iso(until)} without a finished report: {len(waiting)}"))
    for case_id, exhibits in list(waiting.items())[:_SHOWN]:
        OUT.print(Text(f"  {case_id}  {', '.join(exhibits)}"), soft_wrap=True)
    if len(waiting) > _SHOWN:
        OUT.print(Text(f"  … and {len(waiting) - _SHOWN} more (--json lists all)"))


def _as_json(done: Reconciled, waiting: _Waiting) -> dict[str, object]:
    def head(anchor: object) -> object:
        seq, digest = getattr(anchor, "seq", None), getattr(anchor, "digest", None)
        return None if seq is None else {"seq": seq, "digest": digest}

    return {
        "reconciled": True,
        "why": done.reason.value,
        "noted": head(done.old),
        "found": head(done.found),
        "head": head(done.new),
        "acts_until": iso(done.acts_until),
        "may_be_filed": [
            {"case": case_id, "exhibits": exhibits} for case_id, exhibits in waiting.items()
        ],
    }


def _show(done: Reconciled) -> None:
    OUT.print(Text(f"Reconciled in line {done.new.seq}; head {done.new.digest}."), soft_wrap=True)
    OUT.print("Outward acts go on. Reports that may be filed already stay held.")
