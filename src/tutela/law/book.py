"""The lawbook in memory: every entry by kind, and the looking up by id, place and day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, TypeVar

from tutela.law.clauses import Clause
from tutela.law.countries import Basis, Contact, Jurisdiction, Measure, Membership, Term
from tutela.law.instruments import Instrument, Requirement
from tutela.law.model import Beyond, Cited, InForce, Rule, Scalar, Source
from tutela.law.offences import Offence
from tutela.law.serialising import digest
from tutela.law.vocabulary import Vocabulary
from tutela.primitives.errors import NotFound


class Dated(Protocol):
    """What has an id and dates: a rule, an offence, a measure, a basis."""

    @property
    def id(self) -> str:
        """Its id, shared by its editions."""
        ...

    @property
    def in_force(self) -> InForce:
        """Its dates."""
        ...


D = TypeVar("D", bound=Dated)
N = TypeVar("N")


KINDS_NAMED: Mapping[str, str] = {
    "rules": "rules",
    "bases": "bases",
    "offences": "offences",
    "measures": "measures",
    "requirements": "requirements",
    "instruments": "instruments",
    "clauses": "clauses",
    "contacts": "contacts",
    "memberships": "memberships",
    "jurisdictions": "jurisdiction_entries",
}
"""What an entry may be, and the field of `Lawbook` that holds the entries of that kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSet(Cited):
    """A named list of country codes that conditions may use."""

    name: str
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumption:
    """What is taken as given of the conduct by which a treaty is held against a law."""

    fact: str
    value: Scalar
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lawbook:
    """Every entry in all its editions, the sources they rest on and the facts they may ask.

    `origins` names the entries (`kind id`) that an operator's own folder put in or replaced.
    """

    rules: tuple[Rule, ...]
    sources: Mapping[str, Source]
    vocabulary: Vocabulary
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
    ordinary: tuple[Assumption, ...] = ()
    jurisdiction_entries: tuple[Jurisdiction, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    offences: tuple[Offence, ...] = ()
    measures: tuple[Measure, ...] = ()
    memberships: tuple[Membership, ...] = ()
    contacts: tuple[Contact, ...] = ()
    bases: tuple[Basis, ...] = ()
    clauses: tuple[Clause, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One digest over all rule versions: two equal digests, the same duties."""
        return digest(sorted([rule.id, rule.version] for rule in self.rules))

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """The jurisdictions that have a rule, sorted."""
        return tuple(sorted({rule.jurisdiction for rule in self.rules}))

    @property
    def countries(self) -> tuple[str, ...]:
        """Every jurisdiction that the book says anything of, sorted."""
        return tuple(sorted(each.code for each in self.jurisdiction_entries))

    def ids(self) -> tuple[str, ...]:
        """Every rule id once, sorted."""
        return tuple(sorted({rule.id for rule in self.rules}))

    def editions(self, rule_id: str) -> tuple[Rule, ...]:
        """All dated editions of a rule, oldest first; raise `NotFound` for an unknown id."""
        found = [rule for rule in self.rules if rule.id == rule_id]
        if not found:
            raise NotFound(
                f"There is no rule called {rule_id[:80]!r}",
                remedy="`tutela law rules` lists them",
            )
        return tuple(sorted(found, key=lambda rule: rule.in_force.from_ or date.min))

    def entry(self, name: str) -> tuple[str, tuple[object, ...]]:
        """The kind and every edition, oldest first, of whatever has this id.

        A jurisdiction goes by its code, a treaty status by `DE OPSC`. Any case will do where
        nothing is called exactly so. Raise `NotFound`.
        """
        for alike in (str, str.casefold):
            for kind, field_name in KINDS_NAMED.items():
                listed = getattr(self, field_name)
                found = [each for each in listed if alike(named(each)) == alike(name.strip())]
                if found:
                    return kind, tuple(sorted(found, key=_begins))
        raise NotFound(
            f"The lawbook has no entry called {name[:80]!r}",
            remedy="`tutela law search WORDS` finds entries by their words",
        )

    def acceptable(self, entry_id: str) -> tuple[Rule, ...] | tuple[Basis, ...]:
        """The editions of what counsel may accept: a basis of detection, else a rule."""
        bases = tuple(each for each in self.bases if each.id == entry_id)
        return bases or self.editions(entry_id)

    def edition(self, rule_id: str, *, on: date) -> tuple[Rule, Beyond | None]:
        """The edition in force on a day, or the nearest one and what holds outside its dates."""
        return edition_on(self.editions(rule_id), on=on)

    def jurisdiction(self, code: str) -> Jurisdiction:
        """The entry of a jurisdiction; raise `NotFound`: not recorded is not "no law"."""
        for each in self.jurisdiction_entries:
            if each.code == code:
                return each
        raise NotFound(
            f"The lawbook has no jurisdiction called {code[:20]!r}",
            why="that a law is not recorded does not mean that there is none",
            remedy=f"Add it to the lawbook, or choose from {', '.join(self.countries)}",
        )

    def instrument(self, instrument_id: str) -> Instrument:
        """The instrument of that id (any case); raise `NotFound`."""
        for each in self.instruments:
            if each.id.lower() == instrument_id.strip().lower():
                return each
        known = ", ".join(each.id for each in self.instruments)
        raise NotFound(
            f"There is no instrument called {instrument_id[:40]!r}", remedy=f"Choose from {known}"
        )

    def requirement(self, requirement_id: str) -> Requirement:
        """The requirement of that id (any case); raise `NotFound`."""
        for each in self.requirements:
            if each.id.lower() == requirement_id.strip().lower():
                return each
        raise NotFound(
            f"There is no requirement called {requirement_id[:40]!r}",
            remedy="`tutela law instruments` lists them",
        )

    def requirements_of(self, instrument_id: str) -> tuple[Requirement, ...]:
        """The requirements of one instrument, in the order of its text."""
        return tuple(each for each in self.requirements if each.instrument == instrument_id)

    def in_place(self, entries: Iterable[D], code: str, *, on: date) -> tuple[D, ...]:
        """One edition of every entry of a jurisdiction: that of the day, else the nearest."""
        grouped: dict[str, list[D]] = {}
        for each in entries:
            if getattr(each, "jurisdiction", None) == code:
                grouped.setdefault(each.id, []).append(each)
        return tuple(edition_on(each, on=on)[0] for each in grouped.values())


def named(entry: object) -> str:
    """What makes an entry one: its id or code; a treaty status is a state and an instrument."""
    if isinstance(entry, Membership):
        return f"{entry.jurisdiction} {entry.instrument}"
    if isinstance(entry, Jurisdiction):
        return entry.code
    return str(getattr(entry, "id"))  # noqa: B009 - every other entry has one


def _begins(entry: object) -> date:
    span = getattr(entry, "in_force", None)
    return span.from_ or date.min if isinstance(span, InForce) else date.min


def edition_on(editions: Iterable[D], *, on: date) -> tuple[D, Beyond | None]:
    """The edition whose dates hold `on`, else the nearest earlier one (or the first) and why not.

    The second value is `None` when the edition is in force on that day. Between two editions
    there is no law only where both say so.
    """
    ordered = sorted(editions, key=lambda each: each.in_force.from_ or date.min)
    nearest, beyond = ordered[0], ordered[0].in_force.before
    for each in ordered:
        span = each.in_force
        if span.covers(on):
            return each, None
        if span.from_ is not None and span.from_ <= on:
            nearest, beyond = each, span.after or Beyond.UNRECORDED
        elif span.from_ is not None:
            return nearest, span.before if beyond is Beyond.NOT_LAW else beyond
    return nearest, beyond
