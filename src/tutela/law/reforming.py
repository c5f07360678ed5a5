"""An amendment as a patch: the book as it would be, and the difference that it makes.

A reform adds entries (one with an id of ours takes its place) and repeals others. It is never
stored in the book: what it makes is read as if it were enacted and checked, from its day on.
A section that governs an act alone takes it over from the recorded offences, which keep the rest
of their acts: otherwise what nobody checked of the old law would hide what the new one says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from typing import Any, cast

from tutela.law.assessing import Assessor, Met
from tutela.law.book import Lawbook
from tutela.law.clauses import PLACEHOLDER, Made
from tutela.law.linting import faults
from tutela.law.model import Cited, InForce, LegalStatus, Status
from tutela.law.offences import About, Dimension, Offence
from tutela.law.parsing import Reader
from tutela.primitives.errors import BadInput, NotFound

_KINDS = ("offences", "measures", "rules", "bases")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reform:
    """A patch: what it adds and the ids it repeals, with a title for people.

    `takes_over`: an added offence alone governs its acts, in place of every recorded one about
    the same (material, or a child). One with `requires` only adds to the law there is.
    """

    title: str
    adds: Made
    repeals: tuple[str, ...] = ()
    takes_over: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenOver:
    """A recorded offence and the acts that a reform takes over from it."""

    offence: str
    acts: tuple[str, ...]


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

    @property
    def worse(self) -> bool:
        """Whether the reform takes away that it is met."""
        return self.before.good and not self.after.good

    @property
    def doubtful(self) -> bool:
        """Whether a drafter must look: met no more, or surely met in part or not at all."""
        return self.worse or (
            self.before is Met.UNKNOWN and self.after in {Met.PARTLY, Met.NOT_MET}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a reform does: entries added, replaced, repealed or taken over, assessments turned."""

    jurisdiction: str
    as_of: date
    floor: Status
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    repealed: tuple[str, ...]
    taken_over: tuple[TakenOver, ...]
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
        if kind == "offences":
            kept = tuple(_left(kept, reform, code))
        changed[kind] = kept + made
    after = replace(book, **changed)
    if found := set(faults(_linted(after, code))) - set(faults(_linted(book, code))):
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
        taken_over=_taken_over(book, after, reform, code),
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


def _left(offences: Iterable[Offence], reform: Reform, code: str) -> Iterator[Offence]:
    """What remains of the recorded offences when the reform governs its acts alone."""
    for offence in offences:
        taken = _acts_governed(reform, offence.about) if offence.jurisdiction == code else set()
        if not taken:
            yield offence
            continue
        scope = [
            replace(row, covers=_but(row.covers, taken), excludes=_but(row.excludes, taken))
            if row.of is Dimension.ACT
            else row
            for row in offence.scope
        ]
        kept = tuple(row for row in scope if row.of is Dimension.AGE or row.covers or row.excludes)
        if any(row.of is Dimension.ACT for row in kept):
            yield replace(offence, scope=kept)


def _acts_governed(reform: Reform, about: About) -> set[str]:
    if not reform.takes_over:
        return set()
    return {
        act
        for offence in reform.adds.offences
        if offence.about is about and offence.requires is None
        for act in _acts(offence)
    }


def _acts(offence: Offence) -> set[str]:
    return {act for row in offence.rows(Dimension.ACT) for act in row.covers}


def _but(words: tuple[str, ...], taken: set[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in taken)


def _taken_over(book: Lawbook, after: Lawbook, reform: Reform, code: str) -> tuple[TakenOver, ...]:
    """Each recorded offence that loses acts to the reform, and which; repealed ones left out."""
    made = {_own_id(each.id, code) for each in reform.adds.offences}
    kept: dict[str, set[str]] = {}
    for each in after.offences:
        kept.setdefault(each.id, set()).update(_acts(each))
    lost: dict[str, set[str]] = {}
    for each in book.offences:
        if each.jurisdiction == code and each.id not in made | set(reform.repeals):
            lost.setdefault(each.id, set()).update(_acts(each) - kept.get(each.id, set()))
    return tuple(
        TakenOver(offence=name, acts=tuple(sorted(acts)))
        for name, acts in sorted(lost.items())
        if acts
    )


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


def _linted(book: Lawbook, code: str) -> Lawbook:
    """What of a book a reform can make faulty: the law of its place.

    Sources are as strong as any statement here, because a draft cites itself.
    """
    own: dict[str, Any] = {
        kind: tuple(each for each in getattr(book, kind) if each.jurisdiction == code)
        for kind in _KINDS
    }
    own["rules"] = own["rules"] or book.rules[:1]  # the lint refuses a book without any
    return replace(
        book,
        **own,
        sources={
            name: replace(source, status=Status.VERIFIED) for name, source in book.sources.items()
        },
        instruments=(),
        requirements=(),
        memberships=(),
        contacts=(),
        clauses=(),
    )


def better(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that turn a requirement to met."""
    return tuple(each for each in changes if each.better)


def worse(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes by which a requirement is met no longer."""
    return tuple(each for each in changes if each.worse)
