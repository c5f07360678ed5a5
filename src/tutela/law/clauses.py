"""Model clauses in our own words, with bracketed choices and the law each option would make."""

from dataclasses import dataclass
from enum import Enum

from tutela.law.countries import Basis, Measure
from tutela.law.model import Rule
from tutela.law.offences import Offence

PLACEHOLDER = "XX"
"""The jurisdiction in a clause's own law; an id there begins with `xx.`."""


class Choice(Enum):
    """How far a draft goes: beyond the treaties, their floor, or one of two models."""

    STRICT = "strict"
    FLOOR = "floor"
    LANZAROTE = "lanzarote"
    ICMEC = "icmec"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bracket:
    """A choice left to parliament; `variation` names what the treaty permits, if it does."""

    id: str
    text: str
    choice: str
    variation: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The law that an option would make, as data, so that its effect can be shown."""

    offences: tuple[Offence, ...] = ()
    measures: tuple[Measure, ...] = ()
    rules: tuple[Rule, ...] = ()
    bases: tuple[Basis, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One wording. In `text`, `[[id]]` stands where a bracket goes."""

    id: Choice
    text: str
    made: Made
    brackets: tuple[Bracket, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Clause:
    """A model clause for some requirements, with its notes for the drafter."""

    id: str
    title: str
    for_: tuple[str, ...]
    options: tuple[Option, ...]
    note: str
    childrens_rights: str
