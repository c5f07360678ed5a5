"""`tutela law`: what the lawbook says, and what it asks on given facts."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tutela.cli import accepting, law_compare, law_detection, law_draft, law_gap, law_search
from tutela.cli.law_asking import OF_A_CONDUCT, tell_unasked, text_of, the_lawbook
from tutela.cli.law_search import origin
from tutela.cli.presenting import OUT, AsJson, emit
from tutela.law.answers import Duties, Duty, Resolution, Told
from tutela.law.book import Lawbook
from tutela.law.clocks import Kept
from tutela.law.duties import duties
from tutela.law.model import Rule, Status, Truth
from tutela.law.parsing import read_facts
from tutela.law.serialising import as_plain
from tutela.primitives.clock import SystemClock
from tutela.primitives.errors import BadInput

law_app = typer.Typer(
    name="law", help="The lawbook: rules, duties and their clocks.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add `tutela law` to the command line."""
    law_gap.add_to(law_app)
    law_compare.add_to(law_app)
    law_draft.add_to(law_app)
    law_detection.add_to(law_app)
    law_search.add_to(law_app)
    accepting.add_to(law_app)
    app.add_typer(law_app)


@law_app.command("duties")
def duties_command(
    facts: Annotated[Path, typer.Option(help="The case's facts: a JSON or YAML file.")],
    as_of: Annotated[
        str, typer.Option(help="The day (2026-11-21) or moment whose law counts; default now.")
    ] = "",
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="Only this one (US, GB, EU); may be repeated.")
    ] = None,
    status: Annotated[
        str,
        typer.Option(
            help="From which review status on text counts: verified, single_reviewer, "
            "secondary or recalled."
        ),
    ] = Status.SECONDARY.value,
    as_json: AsJson = False,
) -> None:
    """Derive every duty from facts, as of a day: what, to whom, by when, and what is missing.

    Text below the asked status leaves the answer open; what it would say stands beside.
    """
    given = read_facts(text_of(facts, "the facts"), where=facts.name)
    tell_unasked(given, of=OF_A_CONDUCT, instead="`tutela law compare`")
    answer = duties(
        the_lawbook(),
        given,
        _as_of(as_of) if as_of else SystemClock().now(),
        floor=_floor(status),
        jurisdictions=jurisdiction or None,
    )
    emit(answer.as_json(), as_json=as_json, render=lambda: _show_duties(answer))


@law_app.command("rules")
def rules_command(as_json: AsJson = False) -> None:
    """List every rule with its dates, version and review status."""
    book = the_lawbook()
    rows = [
        {
            "id": rule.id,
            "jurisdiction": rule.jurisdiction,
            "title": rule.title,
            "action": rule.action.value,
            "legal_status": rule.legal_status.value,
            "in_force_from": as_plain(rule.in_force.from_),
            "in_force_to": as_plain(rule.in_force.to),
            "status": rule.status.value,
            "version": rule.version,
            "origin": origin(book, "rules", rule.id),
        }
        for rule in book.rules
    ]
    data = {"book_digest": book.digest, "rules": rows}
    emit(data, as_json=as_json, render=lambda: _show_rules(book))


def _as_of(text: str) -> date | datetime:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    raise BadInput("This is no day or moment", remedy="Write 2026-11-21 or 2026-11-21T12:00:00Z.")


def _floor(text: str) -> Status:
    """The asked status; a disputed text counts for nobody."""
    allowed = [Status.VERIFIED, *Status.VERIFIED.weaker]
    for each in allowed:
        if each.value == text:
            return each
    raise BadInput(
        "This is no review status that can be asked for",
        remedy=f"Choose one of {', '.join(each.value for each in allowed)}.",
    )


def _table(first: str, *headings: str) -> Table:
    """A table whose first column, the rule's id, is never cut."""
    table = Table(show_lines=True)
    table.add_column(first, no_wrap=True, overflow="fold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _show_duties(answer: Duties) -> None:
    table = _table("Rule", "Duty and state", "To whom, by when, how far checked")
    table.title = f"Duties as of {as_plain(answer.as_of)}, text from {answer.floor.value} on"
    for duty in answer.duties:
        cells = (
            duty.rule_id,
            f"{duty.title}\n{_state(duty)}",
            "\n".join(filter(None, (*_recipients(duty), _clock(duty), _checked(duty)))),
        )
        table.add_row(*(Text(cell) for cell in cells))
    OUT.print(table)
    keep = answer.preservation
    until = as_plain(keep.until) or "no end yet: destroy nothing"
    if keep.required is Truth.NO:
        until = "no recorded rule asks for it on these facts"
    for line in _together(answer.resolution):
        OUT.print(Text(line))
    OUT.print(Text(f"Preserve until: {until}"))
    if answer.uncovered:
        listed = ", ".join(answer.uncovered)
        OUT.print(
            Text(f"National law not in this book (ask counsel; not the same as no duty): {listed}")
        )
    for question in answer.questions:
        OUT.print(Text(f"? {question.question} [{question.fact}, ask the {question.asked}]"))


def _together(resolution: Resolution) -> list[str]:
    """What all duties ask for together, a line each."""
    lines = []
    for told in resolution.reports:
        limits = f"; only {', '.join(told.payload_allowed) or 'nothing'}" if told.limited else ""
        limits += f"; never {', '.join(told.payload_forbidden)}" if told.payload_forbidden else ""
        lines.append(f"Report to: {told.body} ({', '.join(told.rules)}{limits})")
    removal = resolution.removal
    if removal.required_by:
        soon = str(as_plain(removal.by)) if removal.by else ", ".join(removal.words)
        lines.append(f"Disable access: {soon or 'no time recorded'}")
    for clash in resolution.clashes:
        sure = "" if clash.result is Truth.YES else " (one of them may not be owed)"
        steps = ", ".join(step.value.replace("_", " ") for step in clash.steps)
        lines.append(f"! {clash.rules[0]} stands against {clash.rules[1]}{sure}: {steps}")
    return lines


def _checked(duty: Duty) -> str:
    """The review status of what the answer rests on and, where weaker, of the whole rule."""
    whole = f", rule {duty.rule_status.value}" if duty.rule_status < duty.status else ""
    return f"[answer {duty.status.value}{whole}]"


def _state(duty: Duty) -> str:
    """The state and its reason; many a reason begins with the state."""
    said, state = _why(duty), duty.state.value.replace("_", " ")
    return said if said.lower().startswith(state) else f"{state}: {said}"


def _why(duty: Duty) -> str:
    """The reason, and beside it what the rule would say if weaker text counted."""
    if duty.weaker is None:
        return duty.why
    return f"{duty.why}; with --status {duty.weaker.floor.value}: {duty.weaker.state.value}"


def _recipients(duty: Duty) -> list[str]:
    return [each.body + _unsure(each) for each in duty.recipients if each.result is not Truth.NO]


def _period(kept: Kept) -> str:
    if kept.n is None or kept.unit is None:
        return "for a time that is not recorded"
    return f"{kept.n} {kept.unit.value}"


def _unsure(told: Told) -> str:
    if told.unchecked:
        return f" ({told.status.value}: not checked enough)"
    return " (if so)" if told.result is Truth.UNKNOWN else ""


def _clock(duty: Duty) -> str:
    if duty.due is not None and duty.due.delegated_to is not None:
        return f"set by {duty.due.delegated_to}"
    if duty.due is None or (duty.due.standard is None and duty.due.due_at is None):
        return "\n".join(
            (f"keep {each.n} {each.unit.value}" if each.unit else "keep, no end recorded,")
            + f" from {each.starts}"
            + (f" ({each.status.value}: not checked enough)" if each.unchecked else "")
            for each in duty.keep
        )
    words = duty.due.legal_text or str(as_plain(duty.due.due_at))
    if duty.due.unchecked:
        words += f" ({duty.due.status.value}: not checked enough)"
    level = duty.due.level or " or ".join(duty.due.candidates)
    target = f"\npolicy: {as_plain(duty.due.target_at)}" if duty.due.target_at else ""
    return words + (f" ({level})" if level else "") + target


def _show_rules(book: Lawbook) -> None:
    table = _table("Rule", "Duty", "In force", "Review status", "Version")
    for rule in book.rules:
        own = origin(book, "rules", rule.id)
        begin, end = as_plain(rule.in_force.from_), as_plain(rule.in_force.to)
        pending = f"not law: {rule.legal_status.value.replace('_', ' ')}"
        span = f"from {begin}" + (f" to {end}" if end else "") if begin else pending
        cells = (rule.id, rule.title, span, _reviewed(rule, own), rule.version[:12])
        table.add_row(*(Text(cell) for cell in cells))
    OUT.print(table)


def _reviewed(rule: Rule, own: str | None) -> str:
    return f"{rule.status.value}\nyour own: {own}" if own else f"{rule.status.value}"
