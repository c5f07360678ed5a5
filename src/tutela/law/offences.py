"""Offences of a country as data: which conduct its law punishes, dimension by dimension.

A scope row says what an offence covers and what it leaves out; what no row names is unknown,
never "not punished". The one exception is the act: an offence speaks of the acts it lists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import product

from tutela.law.model import Cited, Expr, InForce, LegalStatus, Scalar, Unless


class Dimension(Enum):
    """What a scope row speaks of, in the order in which a divergence is named."""

    AGE = "age"
    MEDIUM = "medium"
    DEPICTION = "depiction"
    CONTENT = "content"
    ACT = "act"

    @property
    def fact(self) -> str:
        """The fact of a conduct that is held against the row."""
        return _FACT_OF[self]


_FACT_OF: Mapping[Dimension, str] = {
    Dimension.AGE: "victim.age",
    Dimension.MEDIUM: "material.medium",
    Dimension.DEPICTION: "material.depiction",
    Dimension.CONTENT: "material.content",
    Dimension.ACT: "conduct.act",
}


class About(Enum):
    """What an offence is about: material, or a child directly."""

    MATERIAL = "material"
    CHILD = "child"

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What must be known of every conduct to judge it."""
        if self is About.CHILD:
            return (Dimension.AGE, Dimension.ACT)
        return (Dimension.AGE, Dimension.MEDIUM, Dimension.DEPICTION, Dimension.ACT)


class Hook(Enum):
    """What lets a state judge an offence committed elsewhere or by or against its people."""

    TERRITORY = "territory"
    FLAG = "flag"
    NATIONAL_OFFENDER = "national_offender"
    RESIDENT_OFFENDER = "resident_offender"
    NATIONAL_VICTIM = "national_victim"
    EFFECTS = "effects"
    UNIVERSAL = "universal"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeRow(Cited):
    """One statement on the reach of an offence.

    `covers` and `excludes` hold words of the dimension; an age row has `below` (years, not
    included) and `from` (included, 0 when left out) instead.
    """

    of: Dimension
    covers: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    from_: int | None = None
    below: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Penalty(Cited):
    """Imprisonment in months, as far as it is recorded."""

    max_months: int | None = None
    min_months: int | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach(Cited):
    """One ground of jurisdiction; `dual` says whether the act must be punishable there too."""

    hook: Hook
    dual: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered(Cited):
    """A yes or no about an offence, with its source; left out where nobody recorded it."""

    says: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Offence(Cited):
    """One offence of one jurisdiction, for one span of dates.

    `requires` is what must be true beside the scope (for distribution, obscene ...), `unless`
    are the exceptions. `version` is filled in on loading.
    """

    id: str
    jurisdiction: str
    title: str
    summary: str
    legal_status: LegalStatus
    in_force: InForce
    about: About
    scope: tuple[ScopeRow, ...]
    requires: Expr | None = None
    mens_rea: str | None = None
    unless: tuple[Unless, ...] = ()
    penalty: Penalty | None = None
    attempt: Answered | None = None
    legal_person: Answered | None = None
    reaches: tuple[Reach, ...] = ()
    version: str = field(default="", metadata={"derived": True})

    def rows(self, dimension: Dimension) -> tuple[ScopeRow, ...]:
        """The rows that speak of one dimension."""
        return tuple(row for row in self.scope if row.of is dimension)

    def names_act(self, act: object) -> bool:
        """Whether the offence speaks of the act at all, to cover it or to leave it out."""
        return any(act in row.covers or act in row.excludes for row in self.rows(Dimension.ACT))


@dataclass(frozen=True, kw_only=True, slots=True)
class Conducts:
    """A family of conducts: every combination of the listed values of each fact."""

    values: tuple[tuple[str, tuple[Scalar, ...]], ...]

    def each(self) -> Iterator[dict[str, Scalar]]:
        """The conducts one by one, as facts."""
        names = [name for name, _ in self.values]
        for combined in product(*(listed for _, listed in self.values)):
            yield dict(zip(names, combined, strict=True))
