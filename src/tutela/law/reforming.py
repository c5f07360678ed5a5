"""An amendment as a patch: the book as it would be, and the difference that it makes.

A reform adds entries (one with an id of ours takes its place) and repeals others. It is never
stored in the book: what it makes is read as if it were enacted and checked, from its day on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from typing import Any, cast

from tutela.law.assessing import Assessor, Met
from tutela.law.book import Lawbook
from tutela.law.clauses import PLACEHOLDER, Made
from tutela.law.linting import faults
from tutela.law.model import Cited, InForce, LegalStatus, Status
from tutela.law.parsing import Reader
from tutela.primitives.errors import BadInput, NotFound

_KINDS = ("offences", "measures", "rules", "bases")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reform:
    """A patch: what it adds and the ids it repeals, with a title for people."""

    title: str
    adds: Made
    repeals: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One requirement whose assessment a reform turns."""

    requirement: str
    instrument: str
    locator: str
    title: str
    before: Met
    after: Met

    @property
    def better(self) -> bool:
        """Whether the reform makes it met."""
        return self.after.good and not self.before.good


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a reform does: entries added, replaced and repealed, assessments turned."""

    jurisdiction: str
    as_of: date
    floor: Status
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    repealed: tuple[str, ...]
    changes: tuple[Change, ...]


def read_reform(book: Lawbook, data: Mapping[str, object], *, where: str) -> Reform:
    """A reform from plain data in the lawbook's own shape; refuse with `BadInput`."""
    reader = Reader(vocabulary=book.vocabulary, sets=book.sets)
    reform = reader.build(Reform, data, where=where)
    if not reform.repeals and not any(getattr(reform.adds, kind) for kind in _KINDS):
        raise BadInput(f"{where} changes nothing", why="it adds and repeals nothing")
    return reform


def reformed(book: Lawbook, reform: Reform, code: str, *, on: date) -> Lawbook:
    """The book with the reform in force in `code` from `on`; raise `NotFound`, `BadInput`."""
    gone = _repealed(book, reform, code)
    changed: dict[str, Any] = {}
    for kind in _KINDS:
        made = tuple(enacted(each, code, on=on) for each in getattr(reform.adds, kind))
        ids = {each.id for each in made} | gone
        kept = tuple(each for each in getattr(book, kind) if each.id not in ids)
        changed[kind] = kept + made
    after = replace(book, **changed)
    if found := set(faults(_unchecked(after))) - set(faults(_unchecked(book))):
        raise BadInput(
            "The reform is refused",
            why="; ".join(sorted(found)[:5]),
            remedy="docs/reference/lawbook.md says what each key means.",
        )
    return after


def effect(
    book: Lawbook, reform: Reform, code: str, *, as_of: date, floor: Status = Status.SECONDARY
) -> Effect:
    """Assess every requirement before and after, and list what turns."""
    after = reformed(book, reform, code, on=as_of)
    then = Assessor(book, as_of=as_of, floor=floor)
    now = Assessor(after, as_of=as_of, floor=floor)
    changes = []
    for requirement in book.requirements:
        before, later = then.assess(requirement, code), now.assess(requirement, code)
        if before.outcome is not later.outcome:
            changes.append(
                Change(
                    requirement=requirement.id,
                    instrument=requirement.instrument,
                    locator=requirement.locator,
                    title=requirement.title,
                    before=before.outcome,
                    after=later.outcome,
                )
            )
    had = {each.id for kind in _KINDS for each in getattr(book, kind)}
    made = [_own_id(each.id, code) for kind in _KINDS for each in getattr(reform.adds, kind)]
    return Effect(
        jurisdiction=code,
        as_of=as_of,
        floor=floor,
        added=tuple(sorted(each for each in made if each not in had)),
        replaced=tuple(sorted(each for each in made if each in had)),
        repealed=tuple(sorted(_repealed(book, reform, code))),
        changes=tuple(changes),
    )


def enacted(entry: Any, code: str, *, on: date) -> Any:  # noqa: ANN401 - any entry of a reform
    """An entry as if it were law in `code` from `on`, its text beyond doubt."""
    changed = _certain(entry)
    span = InForce(
        from_=on,
        to=None,
        before=entry.in_force.before,
        cite=entry.in_force.cite,
        source=entry.in_force.source,
        status=Status.VERIFIED,
    )
    return replace(
        changed,
        id=_own_id(entry.id, code),
        jurisdiction=code,
        in_force=span,
        legal_status=LegalStatus.IN_FORCE,
    )


def _own_id(entry_id: str, code: str) -> str:
    prefix = f"{PLACEHOLDER.lower()}."
    return (
        f"{code.lower()}.{entry_id.removeprefix(prefix)}"
        if entry_id.startswith(prefix)
        else entry_id
    )


def _repealed(book: Lawbook, reform: Reform, code: str) -> set[str]:
    known = {
        each.id for kind in _KINDS for each in getattr(book, kind) if each.jurisdiction == code
    }
    if strange := sorted(set(reform.repeals) - known):
        raise NotFound(
            f"There is nothing called {strange[0][:80]!r} to repeal in {code}",
            remedy="`tutela law show` lists the entries of a jurisdiction",
        )
    return set(reform.repeals)


def _certain(thing: Any) -> Any:  # noqa: ANN401 - walks any entry
    """The same with every statement's status at its highest."""
    if isinstance(thing, tuple):
        return tuple(_certain(each) for each in thing)
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    values = {each.name: _certain(getattr(thing, each.name)) for each in fields(thing)}
    if isinstance(thing, Cited):
        values["status"] = Status.VERIFIED
    return replace(cast("Any", thing), **values)


def _unchecked(book: Lawbook) -> Lawbook:
    """For the lint: sources as strong as any statement, because a draft cites itself."""
    strong = {
        name: replace(source, status=Status.VERIFIED) for name, source in book.sources.items()
    }
    return replace(book, sources=strong)


def better(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that turn a requirement to met."""
    return tuple(each for each in changes if each.better)
