"""The facts a rule may ask for, and the door through which a case's facts come in."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tutela.law.model import Literal, Op, Scalar
from tutela.primitives.errors import BadInput

FACT_NAME = re.compile(r"^[a-z][a-z_]*\.[a-z][a-z0-9_]*$")
NONE_WORD = "none"
_YEARS = range(1900, 2200)
"""Between these a period of law can be counted from a moment, in any zone."""


class Known(Enum):
    """A fact that is known to have no value: it has not happened, there is none."""

    NONE = NONE_WORD


class FactKind(Enum):
    """The type of a fact."""

    BOOL = "bool"
    COUNTRY = "country"
    COUNTRIES = "countries"
    CHOICE = "choice"
    MOMENT = "moment"
    INTEGER = "integer"


class Asked(Enum):
    """Who can answer the question."""

    SYSTEM = "system"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    COUNSEL = "counsel"


OPS_OF: Mapping[FactKind, frozenset[Op]] = {
    FactKind.BOOL: frozenset({Op.EQ, Op.EXISTS}),
    FactKind.COUNTRY: frozenset({Op.EQ, Op.IN, Op.EXISTS}),
    FactKind.COUNTRIES: frozenset({Op.COVERS, Op.EXISTS}),
    FactKind.CHOICE: frozenset({Op.EQ, Op.IN, Op.EXISTS}),
    FactKind.MOMENT: frozenset({Op.GE, Op.LT, Op.BETWEEN, Op.EXISTS}),
    FactKind.INTEGER: frozenset({Op.EQ, Op.IN, Op.GE, Op.LT, Op.BETWEEN, Op.EXISTS}),
}

Value = Literal | Known


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One name in the vocabulary. `may_be_none`: the word `none` says that there is none."""

    name: str
    kind: FactKind
    asked: Asked
    question: str
    meaning: str
    allowed: tuple[str, ...] = ()
    may_be_none: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Every fact by name, and the country codes that are accepted."""

    facts: Mapping[str, Fact]
    countries: frozenset[str]

    def fact(self, name: str) -> Fact:
        """The fact of that name; raise `BadInput` with the nearest names when there is none."""
        if name in self.facts:
            return self.facts[name]
        near = difflib.get_close_matches(name, self.facts, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See docs/reference/lawbook.md."
        raise BadInput(
            f"There is no fact called {name[:80]!r}",
            why="the lawbook's facts.yaml does not list it",
            remedy=hint,
        )

    def admit(self, facts: Mapping[str, object]) -> dict[str, Value]:
        """The facts with checked names and types; `None` counts as not known and is left out.

        Moments are aware `datetime`s or RFC 3339 text, countries ISO 3166-1 alpha-2 codes,
        `"none"` says that there is none where the fact allows it. Raises `BadInput`; the
        message never repeats a value.
        """
        admitted: dict[str, Value] = {}
        for name in sorted(facts):
            fact, value = self.fact(name), facts[name]
            if value is None:
                continue
            if value == NONE_WORD or value is Known.NONE:
                if not fact.may_be_none:
                    raise _bad(fact, "this fact cannot be 'none'; leave it out when not known")
                admitted[name] = Known.NONE
            else:
                admitted[name] = self.literal(fact, value)
        return admitted

    def literal(self, fact: Fact, value: object) -> Literal:
        """`value` as the type of `fact`; raise `BadInput` when it is not of that type."""
        if fact.kind is not FactKind.COUNTRIES:
            return self.scalar(fact, value)
        if not isinstance(value, list | tuple | set | frozenset):
            raise _bad(fact, "expected a list of country codes")
        return tuple(sorted({str(self.scalar(fact, code)) for code in value}))

    def scalar(self, fact: Fact, value: object) -> Scalar:
        """One value of the fact's type (of its elements, when it is a list)."""
        match fact.kind:
            case FactKind.BOOL if isinstance(value, bool):
                return value
            case FactKind.INTEGER if isinstance(value, int) and not isinstance(value, bool):
                if value < 0:  # an age or a count: it would quietly lie below every limit
                    raise _bad(fact, "it cannot be below 0")
                return value
            case FactKind.CHOICE if isinstance(value, str) and value in fact.allowed:
                return value
            case FactKind.COUNTRY | FactKind.COUNTRIES:
                return self._country(fact, value)
            case FactKind.MOMENT:
                return _moment(fact, value)
        raise _bad(fact, _EXPECTED[fact.kind] + ", ".join(fact.allowed))

    def _country(self, fact: Fact, value: object) -> str:
        if isinstance(value, str) and value in self.countries:
            return value
        why = "expected an ISO 3166-1 alpha-2 code in capitals"
        if value == "UK":  # a wrong code would quietly answer "no" to every test for GB
            why += "; the United Kingdom is GB"
        raise _bad(fact, why)


_EXPECTED: Mapping[FactKind, str] = {
    FactKind.BOOL: "expected true or false",
    FactKind.INTEGER: "expected a whole number",
    FactKind.CHOICE: "expected one of ",
}


def _moment(fact: Fact, value: object) -> datetime:
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise _bad(fact, "expected a date and time with its zone, as 2026-04-07T09:30:00Z")
    if moment.year not in _YEARS:
        raise _bad(fact, f"its year is not one from {_YEARS[0]} to {_YEARS[-1]}")
    return moment


def _bad(fact: Fact, why: str) -> BadInput:
    return BadInput(f"The fact {fact.name} cannot be read", why=why, remedy=fact.question)
