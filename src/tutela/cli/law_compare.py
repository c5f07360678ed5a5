"""`tutela law compare`: whether two laws punish the same conduct."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli.law_asking import (
    OF_A_CASE,
    AsOf,
    StatusFloor,
    day,
    tell_unasked,
    text_of,
    the_floor,
    the_lawbook,
)
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.law.comparing import Comparison, Purpose, compare
from tutela.law.expressions import Trace
from tutela.law.model import Truth
from tutela.law.parsing import read_facts
from tutela.law.punishing import Punished


def add_to(law_app: typer.Typer) -> None:
    """Add the command to `tutela law`."""
    law_app.command("compare")(compare_command)


def compare_command(
    requesting: Annotated[str, typer.Argument(help="The state that asks, e.g. GB.")],
    requested: Annotated[str, typer.Argument(help="The state that is asked, e.g. JP.")],
    conduct: Annotated[Path, typer.Option(help="What was done: a JSON or YAML file of facts.")],
    purpose: Annotated[
        Purpose, typer.Option(help="What the comparison is for.")
    ] = Purpose.EXTRADITION,
    as_of: AsOf = "",
    status: StatusFloor = "secondary",
    as_json: AsJson = False,
) -> None:
    """Compare two laws on one conduct, not by label: both punish it, or where they part."""
    given = read_facts(text_of(conduct, "the conduct"), where=conduct.name)
    tell_unasked(given, of=OF_A_CASE, instead="`tutela law duties`")
    found = compare(
        the_lawbook(),
        requesting.upper(),
        requested.upper(),
        given,
        purpose=purpose,
        as_of=day(as_of),
        floor=the_floor(status),
    )
    emit(found.as_json(), as_json=as_json, render=lambda: _show(found))


def _show(found: Comparison) -> None:
    answer = {Truth.YES: "yes", Truth.NO: "no", Truth.UNKNOWN: "cannot say"}
    purpose = found.purpose.value.replace("_", " ")
    OUT.print(
        Text(
            f"Dual criminality for {purpose}, {found.requesting} asks {found.requested}, as of "
            f"{found.as_of.isoformat()}, read at status {found.floor.value}:",
        ),
        Text(answer[found.outcome], style="bold"),
    )
    OUT.print(Text(found.why))
    if found.divergence:
        OUT.print(Text(f"First divergent element: {found.divergence} ({found.divergence_side})"))
    for waiver in found.waivers:
        OUT.print(Text(f"{waiver.requirement}: {waiver.text} Applies: {answer[waiver.applies]}."))
    if found.penalty_floor is not None:
        OUT.print(Text(f"Both maxima at least one year: {answer[found.penalty_floor]}"))
    table = Table("Element", *(f"{side.jurisdiction}" for side in found.sides))
    table.add_row("punished", *(answer[side.outcome] for side in found.sides))
    for name in _elements(found.sides):
        table.add_row(name, *(Text(_cell(side, name)) for side in found.sides))
    OUT.print(table)
    for missing in found.missing:
        fact = the_lawbook().vocabulary.facts[missing.fact]
        OUT.print(Text(f"? {fact.question} [{fact.name}]"))


def _elements(sides: tuple[Punished, Punished]) -> list[str]:
    names: list[str] = []
    for side in sides:
        if side.nearest:
            names += [part.path for part in side.nearest.trace.parts if part.path not in names]
    return names


def _cell(side: Punished, name: str) -> str:
    if side.nearest is None:
        return side.why
    part = next((each for each in side.nearest.trace.parts if each.path == name), None)
    if part is None:
        return "-"
    return f"{part.result.value}{_checked(part)}\n{part.cite or side.nearest.cite}"


def _checked(part: Trace) -> str:
    if part.op == "unrecorded":
        return " (not recorded)"
    if part.missing:
        return " (fact missing)"
    return f" [{part.status.value}]" if part.status else ""
