"""What a lawbook holds of a country beside offences and duties: treaties, measures, contacts."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from tutela.law.instruments import Note
from tutela.law.model import Cited, Expr, InForce, LegalStatus


class CountryKind(Enum):
    """A state, or a union of states whose acts stand beside the states' own law."""

    STATE = "state"
    UNION = "union"


class PartyState(Enum):
    """Where a state stands with an instrument."""

    PARTY = "party"
    SIGNED_ONLY = "signed_only"
    NOT_PARTY = "not_party"
    UNKNOWN = "unknown"


class Role(Enum):
    """What a contact is for; hotline, police and regulator are different bodies."""

    HOTLINE = "hotline"
    HELPLINE = "helpline"
    POLICE = "police"
    EMERGENCY = "emergency"
    REGULATOR = "regulator"
    AUTHORITY = "authority"


class Tier(Enum):
    """How deep a detector looks."""

    KNOWN_HASH = "known_hash"
    UNKNOWN_IMAGE = "unknown_image"
    TEXT_PATTERN = "text_pattern"


class Channel(Enum):
    """Where a detector looks."""

    PUBLIC = "public"
    HOSTED = "hosted"
    INTERPERSONAL = "interpersonal"
    END_TO_END_ENCRYPTED = "end_to_end_encrypted"
    AUDIO = "audio"


class Stance(Enum):
    """What the law says of a detector."""

    REQUIRED = "required"
    PERMITTED = "permitted"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, kw_only=True, slots=True)
class Jurisdiction(Cited):
    """A country of the book. `read_on` is the day on which its law was collected."""

    code: str
    name: str
    kind: CountryKind
    read_on: date
    summary: str
    member_of: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation(Cited):
    """A variation that the state has declared to the depositary."""

    variation: str
    from_: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership(Cited):
    """One state and one instrument. `since` is the day of ratification or accession."""

    jurisdiction: str
    instrument: str
    state: PartyState
    signed: date | None = None
    since: date | None = None
    text: str | None = None
    reservations: tuple[Reservation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Contact(Cited):
    """A body that takes reports or helps. `url` and `phone` as published; `tested` when tried.

    An address nobody has tried is shown as such, never as working.
    """

    id: str
    jurisdiction: str
    role: Role
    name: str
    url: str | None = None
    phone: str | None = None
    tested: date | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A measure that a requirement may ask for, with the question that decides it."""

    name: str
    question: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure(Cited):
    """Whether a country has a measure (`holds`), under what text, and since when."""

    id: str
    jurisdiction: str
    measure: str
    holds: bool
    text: str
    legal_status: LegalStatus
    in_force: InForce


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis(Cited):
    """What the law of a place says of one detector on some channels, for a span of dates.

    `when` limits it to facts; none means always. `version` is filled in on loading.
    """

    id: str
    jurisdiction: str
    tier: Tier
    channels: tuple[Channel, ...]
    stance: Stance
    summary: str
    legal_status: LegalStatus
    in_force: InForce
    when: Expr | None = None
    conditions: tuple[Note, ...] = ()
    version: str = field(default="", metadata={"derived": True})
