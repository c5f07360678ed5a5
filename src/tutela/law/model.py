"""Facts of the law room: truth values, review status, sources, expressions and rules."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum


class Truth(Enum):
    """Three values (strong Kleene): what is not known is `UNKNOWN`, never `NO`."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Status(Enum):
    """How far a legal statement has been checked; compares from `DISPUTED` up to `VERIFIED`."""

    DISPUTED = "disputed"
    RECALLED = "recalled"
    SECONDARY = "secondary"
    SINGLE_REVIEWER = "single_reviewer"
    VERIFIED = "verified"

    rank: int
    """0 for the weakest status, growing with trust."""

    def __init__(self, _word: str) -> None:
        self.rank = len(type(self).__members__)

    def __lt__(self, other: "Status") -> bool:
        return self.rank < other.rank

    def __le__(self, other: "Status") -> bool:
        return self.rank <= other.rank

    @property
    def weaker(self) -> tuple["Status", ...]:
        """The statuses below this one that can still count, the strongest first."""
        return tuple(each for each in reversed(Status) if Status.DISPUTED < each < self)


class SourceKind(Enum):
    """What sort of text a source is."""

    OFFICIAL_TEXT = "official_text"
    OFFICIAL_COPY = "official_copy"
    DEPOSITARY = "depositary"
    COURT = "court"
    REGULATOR = "regulator"
    SECONDARY = "secondary"
    RECALLED = "recalled"
    DRAFT = "draft"


class LegalStatus(Enum):
    """Where a text stands in its life; only some of these can bind anyone."""

    BILL = "bill"
    AGREED_NOT_ADOPTED = "agreed_not_adopted"
    ENACTED_NOT_COMMENCED = "enacted_not_commenced"
    IN_FORCE = "in_force"
    PARTLY_IN_FORCE = "partly_in_force"
    SUSPENDED = "suspended"
    LAPSED = "lapsed"
    REPEALED = "repealed"


class Beyond(Enum):
    """What holds outside the recorded dates: no law, or law that this book does not record."""

    NOT_LAW = "not_law"
    UNRECORDED = "unrecorded"


class Action(Enum):
    """What a duty asks for.

    `RESTRICT` leaves the choice between removing and disabling access; `REMOVE` asks for
    deletion from the service, `BLOCK` for a barrier on the way to it, `DESTROY` for the end of
    every copy.
    """

    REPORT = "report"
    PRESERVE = "preserve"
    RESTRICT = "restrict"
    INFORM_AUTHORITY = "inform_authority"
    NOTIFY_USER = "notify_user"
    ACKNOWLEDGE_NOTICE = "acknowledge_notice"
    REGISTER = "register"
    REMOVE = "remove"
    BLOCK = "block"
    DESTROY = "destroy"
    DO_NOT_TELL = "do_not_tell"
    DETECT = "detect"
    PUBLISH_REPORT = "publish_report"


class ClockKind(Enum):
    """Law sets deadlines in three ways, or not at all; one is never turned into another."""

    FIXED = "fixed"
    QUALITATIVE = "qualitative"
    DELEGATED = "delegated"
    NONE = "none"


class Unit(Enum):
    """Units of a legal period; months and years are calendar ones."""

    HOURS = "h"
    DAYS = "d"
    MONTHS = "m"
    YEARS = "y"


class Afterwards(Enum):
    """What the law says about the time after a keeping period."""

    DESTROY = "destroy"
    MAY_KEEP = "may_keep"
    NOT_RECORDED = "not_recorded"


class Op(Enum):
    """How a leaf tests one fact. `BETWEEN` is half open, `[low, high)`."""

    EQ = "eq"
    IN = "in"
    GE = "ge"
    LT = "lt"
    BETWEEN = "between"
    COVERS = "covers"
    EXISTS = "exists"


Scalar = str | int | bool | datetime
Literal = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a legal statement was read. `text_sha256` is `None` when no text is kept."""

    id: str
    kind: SourceKind
    locator: str
    retrieved: date
    text_sha256: str | None
    reviewers: tuple[str, ...]
    status: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Cited:
    """A statement with the place in the law it rests on, its source and its review status."""

    cite: str
    source: str
    status: Status


class Expr:
    """A condition over facts; one of the five node classes below."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class All(Expr):
    """Every part holds."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyOf(Expr):
    """At least one part holds."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Not(Expr):
    """The part does not hold."""

    part: Expr


@dataclass(frozen=True, kw_only=True, slots=True)
class AtLeast(Expr):
    """At least `n` of the parts hold."""

    n: int
    parts: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf(Cited, Expr):
    """One test of one fact, with its own citation."""

    fact: str
    op: Op
    value: Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class InForce(Cited):
    """The dates `[from, to)`; `from` is `None` for a text that has not commenced."""

    from_: date | None
    to: date | None
    before: Beyond
    after: Beyond | None = None

    def covers(self, day: date) -> bool:
        """Whether the text is in force on `day`."""
        if self.from_ is None or day < self.from_:
            return False
        return self.to is None or day < self.to


@dataclass(frozen=True, kw_only=True, slots=True)
class Unless(Cited):
    """An exception. The highest priority that holds wins.

    `lifts` true: the duty falls away; false: the duty stands after all (an exception to
    an exception). Two of one priority that contradict each other are a conflict.
    """

    id: str
    priority: int
    lifts: bool
    reason: str
    when: Expr


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing(Cited):
    """How long a bearer has, in one of the three ways of the law.

    `n` and `unit` stand only with fixed, `standard` and `legal_text` only with qualitative,
    `delegated_to` only with delegated.
    """

    kind: ClockKind
    n: int | None = None
    unit: Unit | None = None
    standard: str | None = None
    legal_text: str | None = None
    delegated_to: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockLevel(Timing):
    """A timing for a priority level; levels are listed strictest first."""

    id: str
    when: Expr


@dataclass(frozen=True, kw_only=True, slots=True)
class Precondition(Cited):
    """What must be in place before the duty can be performed, or before its clock may run.

    It never lifts the duty.
    """

    id: str
    text: str
    met_when: Expr


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause(Cited):
    """A time that does not count, from the moment in fact `from` to the one in fact `until`."""

    id: str
    text: str
    from_: str
    until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension(Cited):
    """A longer time where `when` holds: `n` units more."""

    id: str
    text: str
    when: Expr
    n: int
    unit: Unit


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock(Timing):
    """The timing when no level holds, the fact whose moment starts it, and what bends it."""

    starts: str | None = None
    levels: tuple[ClockLevel, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    pauses: tuple[Pause, ...] = ()
    extends: tuple[Extension, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient(Cited):
    """Who is to be told, through what; `when` limits it, none means always.

    `payload_allowed` lists all that may be handed over (empty: the law recorded sets no
    list), `payload_forbidden` what may not.
    """

    id: str
    body: str
    channel: str | None = None
    when: Expr | None = None
    payload_allowed: tuple[str, ...] = ()
    payload_forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention(Cited):
    """What must be kept, for how long, counted from the moment in fact `from`.

    `n` and `unit` are left out together where no period is recorded: that keeping has no end.
    """

    id: str
    what: tuple[str, ...]
    n: int | None = None
    unit: Unit | None = None
    from_: str
    then: Afterwards


@dataclass(frozen=True, kw_only=True, slots=True)
class Discharge(Cited):
    """What makes an owed duty done or unnecessary."""

    id: str
    by: str
    when: Expr


@dataclass(frozen=True, kw_only=True, slots=True)
class Provision(Cited):
    """A legal statement for people to read; `since` when it began later than the rule."""

    id: str
    text: str
    since: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One duty of a provider under one law, for one span of dates.

    `status` is at most that of the weakest part that drives an answer. `version` is the
    digest of the whole content, its sources and its facts, and is filled in on loading.
    """

    id: str
    jurisdiction: str
    title: str
    summary: str
    legal_status: LegalStatus
    legal_basis: tuple[Cited, ...]
    in_force: InForce
    status: Status
    reviewers: tuple[str, ...]
    action: Action
    bearer: Expr
    connection: Expr
    trigger: Expr
    clock: Clock
    unless: tuple[Unless, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    retention: tuple[Retention, ...] = ()
    discharged_by: tuple[Discharge, ...] = ()
    safeguards: tuple[Provision, ...] = ()
    prohibits: tuple[Provision, ...] = ()
    permits: tuple[Provision, ...] = ()
    not_required: tuple[Provision, ...] = ()
    sanction: tuple[Provision, ...] = ()
    notes: tuple[Provision, ...] = ()
    version: str = field(default="", metadata={"derived": True})


REFERENCE_ONLY = "report_reference"
KEPT = ("content", "report_contents", "metadata", "user_data", "assessment", REFERENCE_ONLY)
"""What a retention may speak of; `report_reference` alone does not hold back the content."""
PAYLOAD = ("url", "ip_address", "domain", "content", "hash", "account", "user_data", "metadata")
"""What a recipient's payload lists may name."""
