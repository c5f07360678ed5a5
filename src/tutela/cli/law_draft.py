"""`tutela law draft` and `reform`: model clauses and amendments, with what they would change."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli.law_asking import (
    AsOf,
    Jurisdiction,
    StatusFloor,
    day,
    text_of,
    the_floor,
    the_lawbook,
)
from tutela.cli.law_gap import MET_WORDS
from tutela.cli.presenting import OUT, AsJson, emit, ids
from tutela.law.clauses import Choice
from tutela.law.drafting import Draft, Drafted, draft
from tutela.law.parsing import read_yaml
from tutela.law.reforming import Effect, effect, read_reform, worse
from tutela.law.serialising import as_plain


def add_to(law_app: typer.Typer) -> None:
    """Add the commands to `tutela law`."""
    law_app.command("draft")(draft_command)
    law_app.command("reform")(reform_command)


def draft_command(
    jurisdiction: Jurisdiction,
    for_: Annotated[
        str, typer.Option("--for", help="Requirements, separated by commas (UNCC-14-1c ...).")
    ],
    option: Annotated[
        Choice, typer.Option(help="How far the wording goes; another is taken where it lacks.")
    ] = Choice.FLOOR,
    as_of: AsOf = "",
    status: StatusFloor = "secondary",
    as_json: AsJson = False,
) -> None:
    """Draft model clauses with bracketed choices, and show which assessments they turn."""
    found = draft(
        the_lawbook(),
        jurisdiction.upper(),
        [name for each in for_.split(",") if (name := each.strip())],
        option=option,
        as_of=day(as_of),
        floor=the_floor(status),
    )
    emit(found.as_json(), as_json=as_json, render=lambda: _show(found))


def reform_command(
    file: Annotated[Path, typer.Argument(help="A patch: title, adds and repeals, in YAML.")],
    jurisdiction: Jurisdiction,
    as_of: AsOf = "",
    status: StatusFloor = "secondary",
    as_json: AsJson = False,
) -> None:
    """Show what an amendment would change: entries and assessments, before and after."""
    text = text_of(file, "the patch")
    book = the_lawbook()
    reform = read_reform(book, read_yaml(text, where=file.name), where=file.name)
    found = effect(book, reform, jurisdiction.upper(), as_of=day(as_of), floor=the_floor(status))
    emit(as_plain(found), as_json=as_json, render=lambda: _show_effect(found))


def _show(found: Draft) -> None:
    for each in found.clauses:
        _show_clause(each)
    _show_effect(found.effect)


def _show_clause(clause: Drafted) -> None:
    OUT.print(Text(f"{clause.title} ({clause.clause}, {clause.option.value})", style="bold"))
    if clause.option is not clause.asked:
        OUT.print(Text(f"There is no {clause.asked.value} wording; this is {clause.option.value}."))
    OUT.print(Text(clause.text))
    OUT.print("Choices left to parliament:")
    for bracket in clause.brackets:
        permitted = f" Permitted by {bracket.variation}." if bracket.variation else ""
        OUT.print(Text(f"  [{bracket.text}] {bracket.choice}{permitted}"))
    OUT.print(Text(f"Drafting note: {clause.note}"))
    OUT.print(Text(f"Children's rights: {clause.childrens_rights}"))
    OUT.print()


def _show_effect(found: Effect) -> None:
    for name, listed in (
        ("Adds", found.added),
        ("Replaces", found.replaced),
        ("Repeals", found.repealed),
    ):
        if listed:
            OUT.print(Text(f"{name}: {', '.join(listed)}"))
    for each in found.taken_over:
        OUT.print(Text(f"Takes over from {each.offence}: {', '.join(each.acts)}"))
    if lost := worse(found.changes):
        OUT.print(Text(f"No longer met: {', '.join(each.requirement for each in lost)}"))
    if not found.changes:
        OUT.print("No assessment changes.")
        return
    table = Table(ids("Requirement"), "What it asks for", "Before", "After")
    table.title = Text(
        f"As if in force in {found.jurisdiction} on {found.as_of.isoformat()}, the rest read at "
        f"status {found.floor.value}"
    )
    for change in found.changes:
        table.add_row(
            change.requirement,
            Text(change.title),
            MET_WORDS[change.before],
            MET_WORDS[change.after],
        )
    OUT.print(table)
