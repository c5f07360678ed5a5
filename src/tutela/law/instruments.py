"""Treaties, acts of the Union, guidelines and indices as numbered atomic requirements."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from tutela.law.model import Action, Cited, InForce, LegalStatus
from tutela.law.offences import Conducts


class InstrumentKind(Enum):
    """What sort of text it is; only treaties and Union acts can bind a state."""

    TREATY = "treaty"
    UNION_ACT = "union_act"
    GUIDELINE = "guideline"
    RESOLUTION = "resolution"
    MODEL = "model"
    INDEX = "index"


class RequirementType(Enum):
    """What a requirement is about."""

    CRIM = "CRIM"
    DEF = "DEF"
    PROC = "PROC"
    PROV = "PROV"
    VICT = "VICT"
    PREV = "PREV"
    COOP = "COOP"
    OVER = "OVER"
    PRIV = "PRIV"


class Force(Enum):
    """How strongly it is asked for."""

    SHALL = "shall"
    SHOULD = "should"
    MAY = "may"


class Addressee(Enum):
    """Who is asked."""

    STATE = "state"
    PARLIAMENT = "parliament"
    PROVIDER = "provider"
    IGO = "igo"
    ALL = "all"


class Effect(Enum):
    """What a permitted variation does to an element."""

    NARROWS = "narrows"
    EXCLUDES = "excludes"
    EXTENDS = "extends"


class WhoMay(Enum):
    """How a state comes to use a variation."""

    STATE_CHOICE = "state_choice"
    RESERVATION = "reservation"
    DECLARATION = "declaration"


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopted(Cited):
    """The day on which a text was adopted or opened for signature."""

    on: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding(Cited):
    """The named set of states that an act of the Union binds without ratification."""

    states: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note(Cited):
    """A statement for people to read."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrument(Cited):
    """One text. `in_force` is its own entry into force, not a state's."""

    id: str
    title: str
    short: str
    kind: InstrumentKind
    legal_status: LegalStatus
    in_force: InForce
    summary: str
    adopted: Adopted | None = None
    binds: Binding | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation(Cited):
    """What the text itself permits a state to do otherwise; never a gap."""

    id: str
    effect: Effect
    text: str
    who_may: WhoMay


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """One thing a requirement asks for, tested in exactly one way.

    `conduct`: the law punishes every conduct of the family. `measure`: the country has the
    measure of that name (`measures.yaml`). `duty`: a provider duty of that kind is in force.
    `party`: the state is party to that instrument. `variations` are those that excuse it.
    """

    id: str
    text: str
    conduct: Conducts | None = None
    measure: str | None = None
    duty: Action | None = None
    party: str | None = None
    variations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement(Cited):
    """One atomic thing an instrument asks for, in our own words."""

    id: str
    instrument: str
    locator: str
    title: str
    type: RequirementType
    force: Force
    addressee: Addressee
    paraphrase: str
    elements: tuple[Element, ...]
    variations: tuple[Variation, ...] = ()
    prevails_over: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    version: str = field(default="", metadata={"derived": True})
