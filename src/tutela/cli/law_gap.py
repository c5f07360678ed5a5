"""`tutela law gap`, `instruments`, `lint`: a country's law beside the treaties."""

from typing import Annotated, cast

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli.law_asking import (
    AsOf,
    Jurisdiction,
    StatusFloor,
    day,
    percent,
    the_floor,
    the_lawbook,
)
from tutela.cli.presenting import OUT, AsJson, emit, emit_each, ids
from tutela.law.assessing import Assessment, Met
from tutela.law.elements import ElementAnswer
from tutela.law.gaps import USUAL, Gap, Row, gap
from tutela.law.instruments import Instrument
from tutela.law.serialising import as_plain
from tutela.primitives.errors import BadInput

MET_WORDS = {
    Met.MET: "met",
    Met.MET_WITH_VARIATION: "met with variation",
    Met.PARTLY: "partly",
    Met.NOT_MET: "not met",
    Met.NOT_APPLICABLE: "not asked of states",
    Met.UNKNOWN: "cannot say",
}
_SHOWN_PRECEDENTS = 6


def add_to(law_app: typer.Typer) -> None:
    """Add the commands to `tutela law`."""
    law_app.command("gap")(gap_command)
    law_app.command("instruments")(instruments_command)
    law_app.command("lint")(lint_command)


def gap_command(
    jurisdiction: Jurisdiction,
    against: Annotated[
        str, typer.Option(help="Instruments, separated by commas (uncc,opsc,lanzarote ...).")
    ] = ",".join(USUAL).lower(),
    as_of: AsOf = "",
    status: StatusFloor = "secondary",
    only: Annotated[
        str, typer.Option(help="Show only rows that ended so: met, partly, not_met, unknown ...")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Assess a country's law against treaties: met, with variation, partly, not met, unknown."""
    known = [each.value for each in Met]
    if only and only not in known:
        raise BadInput("There is no such outcome", remedy=f"Choose from {', '.join(known)}.")
    book = the_lawbook()
    found = gap(
        book,
        jurisdiction.upper(),
        against=[each for each in against.split(",") if each.strip()],
        as_of=day(as_of),
        floor=the_floor(status),
    )
    data = found.as_json()
    if only:
        rows = cast("list[dict[str, object]]", data["requirements"])
        data["requirements"] = [row for row in rows if row["outcome"] == only]
    emit(data, as_json=as_json, render=lambda: _show(found, only))


def instruments_command(
    instrument: Annotated[
        str, typer.Argument(help="One instrument's id: its requirements are listed.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the instruments, or the requirements of one with their elements."""
    book = the_lawbook()
    if instrument:
        listed = book.requirements_of(book.instrument(instrument).id)
        emit_each(
            [as_plain(each) for each in listed],
            as_json=as_json,
            render=lambda: _show_requirements(book.instrument(instrument)),
        )
        return
    emit_each(
        [as_plain(each) for each in book.instruments],
        as_json=as_json,
        render=_show_instruments,
    )


def lint_command(as_json: AsJson = False) -> None:
    """Check the whole lawbook, the operator's own folder included; say what it holds."""
    book = the_lawbook()
    counts = {
        name: len(getattr(book, name))
        for name in (
            "instruments",
            "requirements",
            "rules",
            "offences",
            "measures",
            "memberships",
            "contacts",
            "bases",
            "clauses",
            "sources",
        )
    }
    data = {"clean": True, "jurisdictions": list(book.countries), **counts}

    def show() -> None:
        held = ", ".join(f"{number} {name}" for name, number in counts.items())
        OUT.print(f"No fault found in {len(book.countries)} jurisdictions: {held}.")

    emit(data, as_json=as_json, render=show)


def _show(found: Gap, only: str) -> None:
    headings = ids("Requirement"), "Outcome", "Bound", "What decides", "Met elsewhere"
    table = Table(*headings, show_lines=True)
    table.title = (
        f"{found.jurisdiction} as of {found.as_of.isoformat()}, "
        f"read at status {found.floor.value} and better"
    )
    for row in found.rows:
        if only and row.assessment.outcome.value != only:
            continue
        table.add_row(*(Text(cell) for cell in _cells(row)))
    OUT.print(table)
    for name in found.against:
        tally = found.tally(name)
        told = ", ".join(
            f"{tally.counts.get(met, 0)} {MET_WORDS[met]}"
            for met in Met
            if tally.counts.get(met, 0)
        )
        unknown = percent(tally.unknown_share)
        OUT.print(Text(f"{name}: {told}. Unknown: {unknown} of {tally.applicable} that apply."))
    whole = found.tally()
    OUT.print(
        Text(
            f"All: {percent(whole.unknown_share)} of {whole.applicable} cannot be said from "
            "what is recorded and checked; places are not ranked."
        )
    )


def _cells(row: Row) -> tuple[str, ...]:
    found = row.assessment
    shown = ", ".join(row.precedents[:_SHOWN_PRECEDENTS])
    more = len(row.precedents) - _SHOWN_PRECEDENTS
    return (
        f"{found.requirement}\n{found.title}",
        _outcome(found),
        found.bound.value.replace("_", " "),
        _deciding(found.failing() or found.elements[0]),
        shown + (f" and {more} more" if more > 0 else ""),
    )


def _outcome(found: Assessment) -> str:
    said = MET_WORDS[found.outcome]
    if found.outcome is Met.UNKNOWN and found.gap.value == "yes":
        said += ", with a sure gap"
    if found.variations_used:
        said += f"\n({', '.join(dict.fromkeys(found.variations_used))})"
    return said + (f"\n[{found.status.value}]" if found.status else "")


def _deciding(element: ElementAnswer) -> str:
    where = f" ({element.part})" if element.part else ""
    return f"{element.id}: {element.result.value}{where}\n{element.why}"


def _show_instruments() -> None:
    book = the_lawbook()
    table = Table(ids("Id"), "Title", "Legal status", "In force", "Requirements", "Status")
    for each in book.instruments:
        span = each.in_force
        begins = span.from_.isoformat() if span.from_ else "not in force"
        table.add_row(
            each.id,
            Text(each.title),
            each.legal_status.value.replace("_", " "),
            begins + (f" to {span.to.isoformat()}" if span.to else ""),
            str(len(book.requirements_of(each.id))),
            each.status.value,
        )
    OUT.print(table)


def _show_requirements(instrument: Instrument) -> None:
    headings = ids("Id"), "Where", "Force", "What it asks for", "Elements", "Status"
    table = Table(*headings, show_lines=True)
    table.title = Text(instrument.title)
    for each in the_lawbook().requirements_of(instrument.id):
        table.add_row(
            each.id,
            Text(each.locator),
            each.force.value,
            Text(each.paraphrase),
            Text("\n".join(element.text for element in each.elements)),
            each.status.value,
        )
    OUT.print(table)
