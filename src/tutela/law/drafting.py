"""Model clauses for a parliament: text with its brackets, notes, and the proof of its effect.

The proof is a reform: the law that the chosen wording would make is applied to the country's
record, in place of what the record says of the same acts, and every requirement is assessed
before and after.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tutela.law.book import Lawbook
from tutela.law.clauses import Bracket, Choice, Clause, Made, Option
from tutela.law.model import Status
from tutela.law.reforming import Effect, Reform, effect
from tutela.law.serialising import as_plain
from tutela.primitives.errors import BadInput, NotFound

_BRACKET = re.compile(r"\[\[([a-z0-9_-]+)\]\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafted:
    """One clause in one wording. `asked` is the option asked for, where another was taken."""

    clause: str
    title: str
    option: Choice
    asked: Choice
    for_: tuple[str, ...]
    text: str
    brackets: tuple[Bracket, ...]
    note: str
    childrens_rights: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """Clauses for some requirements in one jurisdiction, with what they would change."""

    jurisdiction: str
    as_of: date
    option: Choice
    clauses: tuple[Drafted, ...]
    effect: Effect

    def as_json(self) -> dict[str, object]:
        """Plain data."""
        plain = as_plain(self)
        if not isinstance(plain, dict):
            raise TypeError("a draft is a mapping")
        return plain


def draft(
    book: Lawbook,
    code: str,
    requirements: Iterable[str],
    *,
    option: Choice = Choice.FLOOR,
    as_of: date,
    floor: Status = Status.SECONDARY,
) -> Draft:
    """Clauses for the requirements, each once; raise `NotFound` where there is none."""
    wanted = [book.requirement(each).id for each in requirements]
    if not wanted:
        raise BadInput("No requirement is named", remedy="Say --for UNCC-14-1c, for instance.")
    book.jurisdiction(code)
    chosen: dict[str, tuple[Clause, Option]] = {}
    for name in wanted:
        clause = clause_for(book, name)
        chosen[clause.id] = clause, _option(clause, option)
    reform = Reform(
        title=", ".join(clause.title for clause, _ in chosen.values()),
        adds=_joined(each.made for _, each in chosen.values()),
        takes_over=True,
    )
    return Draft(
        jurisdiction=code,
        as_of=as_of,
        option=option,
        clauses=tuple(_drafted(clause, each, option) for clause, each in chosen.values()),
        effect=effect(book, reform, code, as_of=as_of, floor=floor),
    )


def clause_for(book: Lawbook, requirement: str) -> Clause:
    """The clause that answers a requirement; raise `NotFound` with what has one."""
    for clause in book.clauses:
        if requirement in clause.for_:
            return clause
    having = sorted({name for clause in book.clauses for name in clause.for_})
    raise NotFound(
        f"There is no model clause for {requirement}",
        remedy=f"There is one for {', '.join(having)}",
    )


def _option(clause: Clause, wanted: Choice) -> Option:
    """The wording asked for, else the floor, else the first: never none."""
    for choice in (wanted, Choice.FLOOR):
        for each in clause.options:
            if each.id is choice:
                return each
    return clause.options[0]


def _joined(made: Iterable[Made]) -> Made:
    listed = list(made)
    return Made(
        offences=tuple(entry for each in listed for entry in each.offences),
        measures=tuple(entry for each in listed for entry in each.measures),
        rules=tuple(entry for each in listed for entry in each.rules),
        bases=tuple(entry for each in listed for entry in each.bases),
    )


def _drafted(clause: Clause, option: Option, asked: Choice) -> Drafted:
    words = {each.id: each.text for each in option.brackets}
    return Drafted(
        clause=clause.id,
        title=clause.title,
        option=option.id,
        asked=asked,
        for_=clause.for_,
        text=_BRACKET.sub(lambda found: f"[{words[found.group(1)]}]", option.text),
        brackets=option.brackets,
        note=clause.note,
        childrens_rights=clause.childrens_rights,
    )
