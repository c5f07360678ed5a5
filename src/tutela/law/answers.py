"""What the law room answers: duties with their state, clock, recipients, questions and trace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import cast

from tutela.law.clocks import Due, Kept
from tutela.law.evaluating import Checked, Evaluation, Unchecked
from tutela.law.expressions import NO, Trace
from tutela.law.model import Action, Cited, LegalStatus, Provision, Status, Truth
from tutela.law.serialising import as_plain, from_plain

_BESIDE = "preserve_until"
"""Derived, and written beside the fields for readers of the JSON."""


class State(Enum):
    """Where a duty stands. UNKNOWN is treated as pending, never as no duty."""

    OWED = "owed"
    DISCHARGED = "discharged"
    UNKNOWN = "unknown"
    NOT_OWED = "not_owed"
    NOT_IN_FORCE = "not_in_force"


class MattersTo(Enum):
    """What a missing fact would settle."""

    OUTCOME = "outcome"
    DISCHARGE = "discharge"
    RECIPIENT = "recipient"
    CLOCK = "clock"
    KEEPING = "keeping"
    PRECONDITION = "precondition"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told(Cited):
    """A recipient; `result` says whether it is the one on these facts.

    `unchecked`: it would be, but who is to be told is below the floor.
    """

    id: str
    body: str
    channel: str | None
    result: Truth
    unchecked: bool
    payload_allowed: tuple[str, ...]
    payload_forbidden: tuple[str, ...]
    trace: Trace | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Weaker:
    """What the rule would say if read at a lower status: shown beside, never the answer."""

    floor: Status
    state: State


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A missing fact as a question for `asked`; `decides` counts the places it would settle."""

    fact: str
    question: str
    asked: str
    decides: int
    matters_to: tuple[MattersTo, ...]
    rules: tuple[str, ...]

    @property
    def decides_outcome(self) -> bool:
        """Whether it could settle that a duty exists."""
        return MattersTo.OUTCOME in self.matters_to


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """One rule's answer, read at `floor`; `why` is a sentence for people.

    `status` is that of the weakest statement this answer rests on, `rule_status` that of the
    whole rule. `unchecked` lists what is below the floor and keeps the state from being said
    or from being discharged, `weaker` the state at the nearest lower floor where it differs.
    `conflict` is set when the rule contradicts itself on these facts.
    """

    rule_id: str
    rule_version: str
    jurisdiction: str
    title: str
    summary: str
    action: Action
    state: State
    outcome: Truth
    why: str
    legal_status: LegalStatus
    legal_basis: tuple[Cited, ...]
    in_force_from: date | None
    in_force_to: date | None
    rule_status: Status
    status: Status
    floor: Status
    unchecked: tuple[Unchecked, ...] = ()
    weaker: Weaker | None = None
    recipients: tuple[Told, ...] = ()
    due: Due | None = None
    keep: tuple[Kept, ...] = ()
    discharge: Truth = NO
    discharged_by: tuple[Checked, ...] = ()
    preconditions: tuple[Checked, ...] = ()
    questions: tuple[Question, ...] = ()
    safeguards: tuple[Provision, ...] = ()
    prohibits: tuple[Provision, ...] = ()
    permits: tuple[Provision, ...] = ()
    not_required: tuple[Provision, ...] = ()
    sanction: tuple[Provision, ...] = ()
    notes: tuple[Provision, ...] = ()
    conflict: str | None = None
    evaluation: Evaluation | None = None

    @property
    def weakest_state(self) -> State:
        """The state at a lower status where this one cannot be said; never a ground to act."""
        unsaid = self.state is State.UNKNOWN and self.weaker is not None
        return self.weaker.state if unsaid and self.weaker else self.state


@dataclass(frozen=True, kw_only=True, slots=True)
class Preservation:
    """What must be kept, over all rules.

    `until` is the longest mandatory end for the content, `None` while any end is open (then
    nothing may be destroyed on the law's account) or nothing is required. `required_by` lists
    the rules that surely ask, `undetermined` those that may, `at_least` the latest known end.
    """

    required: Truth
    until: datetime | None
    at_least: datetime | None
    required_by: tuple[str, ...]
    undetermined: tuple[str, ...]


class Step(Enum):
    """What is done while the law leaves something open: each can be undone or ended."""

    RESTRICT_ACCESS = "restrict_access"
    SEAL_A_COPY = "seal_a_copy"
    DESTROY_NOTHING = "destroy_nothing"
    PREPARE_THE_REPORT = "prepare_the_report"
    TELL_NOBODY_YET = "tell_nobody_yet"
    ASK_COUNSEL = "ask_counsel"


class ClashKind(Enum):
    """Duties that cannot both be done."""

    DELETE_OR_PRESERVE = "delete_or_preserve"
    TELL_OR_SILENCE = "tell_or_silence"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporting:
    """One recipient, with every duty that asks for it; `by` is the earliest fixed moment.

    `limited`: a duty limits what may be handed over; then only `payload_allowed` may be (none
    of it, when that is empty). `payload_forbidden` may not be in any case.
    """

    body: str
    channel: str | None
    result: Truth
    rules: tuple[str, ...]
    by: datetime | None
    words: tuple[str, ...]
    limited: bool
    payload_allowed: tuple[str, ...]
    payload_forbidden: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """Removing or disabling access: `by` the earliest fixed moment, `words` where law has none."""

    required: Truth
    by: datetime | None
    words: tuple[str, ...]
    required_by: tuple[str, ...]
    undetermined: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """Two rules that cannot both be obeyed; a lawyer decides, `steps` are taken meanwhile.

    `result` is UNKNOWN while one of the two may not be owed.
    """

    kind: ClashKind
    result: Truth
    rules: tuple[str, str]
    versions: tuple[str, str]
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A duty that may be owed: what is open, the facts to ask, the careful steps meanwhile."""

    rule_id: str
    action: Action
    open_parts: tuple[str, ...]
    asks: tuple[str, ...]
    unchecked: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """All duties together. `may_destroy` YES: no recorded duty holds the content back."""

    reports: tuple[Reporting, ...]
    removal: Removal
    may_destroy: Truth
    clashes: tuple[Clash, ...]
    pending: tuple[Pending, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Duties:
    """All duties of the chosen jurisdictions on one set of facts, sorted by rule id.

    `uncovered` lists countries named in the facts about which the lawbook says nothing:
    their law is unknown, which is not the same as no duty.
    """

    as_of: date | datetime
    floor: Status
    book_digest: str
    jurisdictions: tuple[str, ...]
    uncovered: tuple[str, ...]
    duties: tuple[Duty, ...]
    preservation: Preservation
    resolution: Resolution
    questions: tuple[Question, ...]

    @property
    def preserve_until(self) -> datetime | None:
        """The longest mandatory end for the content; `None` while any end is open."""
        return self.preservation.until

    def by_state(self, *states: State) -> tuple[Duty, ...]:
        """The duties in any of the given states."""
        return tuple(duty for duty in self.duties if duty.state in states)

    def of(self, rule_id: str) -> Duty:
        """The duty of that rule; raise `KeyError` when it was not asked for."""
        for duty in self.duties:
            if duty.rule_id == rule_id:
                return duty
        raise KeyError(rule_id)

    def as_json(self) -> dict[str, object]:
        """Plain JSON types; equal facts, date and lawbook give equal output."""
        data = cast("dict[str, object]", as_plain(self))
        return data | {_BESIDE: as_plain(self.preserve_until)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "Duties":
        """The answer that `as_json` wrote; refuses with `BadInput` what is none."""
        return from_plain(cls, {key: each for key, each in data.items() if key != _BESIDE})
