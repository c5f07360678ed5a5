"""`tutela report`: where reports stand, what was sent, and asking again after a correction."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from tutela.accounts.model import Permission
from tutela.accounts.permissions import require
from tutela.cli.acting import By, acting_person
from tutela.cli.presenting import OUT, AsJson, emit, ids
from tutela.primitives.clock import SystemClock, iso
from tutela.primitives.errors import BadInput, NotFound
from tutela.primitives.ids import CaseId
from tutela.reporting import gating, releasing, store
from tutela.reporting.reports import KeptExchange, Report, ReportState
from tutela.wiring.opening import open_database

report_app = typer.Typer(
    name="report", help="Reports to authorities: state, bytes, retry.", no_args_is_help=True
)
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="A case identifier (case_…).")]


def register(app: typer.Typer) -> None:
    """Add `tutela report` to the command line."""
    app.add_typer(report_app)


@report_app.command("list")
def list_reports(
    state: Annotated[
        str, typer.Option(help="Only in this state: " + ", ".join(ReportState) + ".")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List reports, the oldest first; a held one says what it waits for."""
    if state and state not in set(ReportState):
        raise BadInput("There is no such state", why="choose " + ", ".join(ReportState))
    wanted = (ReportState(state),) if state else ()
    with open_database() as database, database.begin() as tx:
        found = store.in_state(tx, *wanted, limit=limit)
    if as_json:
        for each in found:
            emit(_told(each), as_json=True, render=lambda: None)
        return
    table = Table(ids("case, report"), "state", "because", ids("number"), box=None, pad_edge=False)
    for each in found:
        named, number = f"{each.case_id}\n{each.id}", each.authority_report_id or ""
        table.add_row(named, each.state, each.held_because or "", number)
    OUT.print(table if found else "There are no reports here.")


@report_app.command("show")
def show(case: CaseArgument, as_json: AsJson = False) -> None:
    """Show every report about a case: state, reasons, numbers, receipt."""
    with open_database() as database, database.begin() as tx:
        found = store.reports_of(tx, _known(case))
    if not found:
        raise NotFound("There is no report about this case")
    data = {"case": case, "reports": [_told(each) for each in found]}
    emit(data, as_json=as_json, render=lambda: _show(found))


@report_app.command("exchanges")
def exchanges(case: CaseArgument, as_json: AsJson = False) -> None:
    """Show every call about a case in order: intents, answers, codes, request ids, digests."""
    with open_database() as database, database.begin() as tx:
        lines = [
            line
            for report in store.reports_of(tx, _known(case))
            for line in store.exchanges_of(tx, report.id)
        ]
    if as_json:
        for each in lines:
            emit(_line(each), as_json=True, render=lambda: None)
        return
    names = ("line", "answers", "call", Column("at", overflow="fold"), "HTTP", "code")
    table = Table(*names, Column("request", overflow="fold"), "bytes", box=None, pad_edge=False)
    for each in lines:
        told = _line(each)
        sizes = f"{told['sent_bytes'] or '-'} / {told['received_bytes'] or '-'}"
        columns = ("line", "answers", "call", "at", "http_status", "code", "request_id")
        table.add_row(*("" if told[name] is None else str(told[name]) for name in columns), sizes)
    OUT.print(table if lines else "No call has been made about this case.")


@report_app.command("retry")
def retry(
    case: CaseArgument,
    by: By,
    voluntary: Annotated[
        str, typer.Option(help="Order a report that no recorded duty asks for; say why.")
    ] = "",
    not_finished: Annotated[
        bool,
        typer.Option(
            "--not-finished", help="The authority says that an uncertain report is not finished."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a case's report again: after a correction, or after asking the authority.

    It passes the same gate as the first time. The worker does it. Ordering a voluntary report
    is counsel's.
    """
    case_id, at = CaseId.parse(case), SystemClock().now()
    with open_database() as database:
        person = acting_person(database, by, Permission.REPORT_RETRY)
        if voluntary:
            require(person, Permission.REPORT_VOLUNTARY)
        with database.begin() as tx:
            releasing.retry(tx, case_id, by=person.id, at=at, not_finished=not_finished)
            if voluntary:
                gating.order_voluntary(tx, case_id, by=person.id, note=voluntary, at=at)
    emit(
        {"case": case, "asked": True},
        as_json=as_json,
        render=lambda: OUT.print("Asked for. The worker takes it up (`tutela worker`)."),
    )


def _known(case: str) -> CaseId:
    return CaseId.parse(case)


def _told(report: Report) -> dict[str, Any]:
    return {
        "report": report.id,
        "case": report.case_id,
        "channel": report.channel,
        "state": report.state.value,
        "held_because": report.held_because.value if report.held_because else None,
        "why": report.why,
        "attempts": report.attempts,
        "last_error": report.last_error,
        "next_try_at": iso(report.next_try_at) if report.next_try_at else None,
        "authority_report_id": report.authority_report_id,
        "abandoned_ids": list(report.abandoned_ids),
        "schema_sha256": report.schema_sha256,
        "composed_at": iso(report.composed_at) if report.composed_at else None,
        "opened_at": iso(report.opened_at) if report.opened_at else None,
        "finished_at": iso(report.finished_at) if report.finished_at else None,
        "receipt": report.receipt.decode("utf-8", "replace") if report.receipt else None,
    }


def _line(line: KeptExchange) -> dict[str, Any]:
    """One line of the book of calls, without the bytes, which name people."""
    return {
        "line": line.id,
        "report": line.report_id,
        "answers": line.answers,
        "call": line.call,
        "method": line.method,
        "at": iso(line.received_at or line.sent_at),
        "http_status": line.http_status,
        "code": line.reply_code,
        "request_id": line.request_id,
        "note": line.sent_note,
        "exhibit": line.exhibit_id,
        "sandbox": line.sandbox,
        "sent_sha256": line.sent_sha256,
        "sent_bytes": None if line.sent is None else len(line.sent),
        "received_bytes": None if line.received is None else len(line.received),
    }


def _show(found: Sequence[Report]) -> None:
    for report in found:
        for name, value in _told(report).items():
            if value not in (None, "", []):
                OUT.print(Text(f"{name:>20}  {value}"))
        OUT.print()
