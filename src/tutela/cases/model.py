"""A case: its state, what was found, what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tutela.evidence.model import Viewed
from tutela.indicators.model import Match
from tutela.primitives.ids import AccountId, CaseId, DecisionId, ExhibitId


class State(StrEnum):
    """Where a case stands. DECIDED stays until every outcome it needs has been reached."""

    RECEIVED = "received"
    MATCHED = "matched"
    REVIEWED = "reviewed"
    DECIDED = "decided"
    CLOSED = "closed"


class Event(StrEnum):
    """What can happen to a case."""

    MATCH_FOUND = "match_found"
    REVIEW_FINISHED = "review_finished"
    DECISION_MADE = "decision_made"
    REPORTED = "reported"
    RESTRICTED = "restricted"
    PRESERVED = "preserved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What must follow a decision, each reached on its own."""

    REPORTED = "reported"
    RESTRICTED = "restricted"
    PRESERVED = "preserved"


class Verdict(StrEnum):
    """What a reviewer finds."""

    APPARENT_CSAM = "apparent_csam"
    NOT_CSAM = "not_csam"
    CANNOT_SAY = "cannot_say"


class AgeBand(StrEnum):
    """Apparent age of the depicted person."""

    PREPUBESCENT = "prepubescent"
    PUBESCENT = "pubescent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One case as it stands. `needed` outcomes are known once decided."""

    id: CaseId
    state: State
    opened_at: datetime
    priority: int  # 0 most urgent
    claimed_by: AccountId | None
    claimed_at: datetime | None
    known_item: bool  # a final verdict on the same hash exists: no view is needed
    second_person: bool  # a matched list asks for a second opinion
    needed: frozenset[Outcome]
    reached: Mapping[Outcome, datetime]
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchFound:
    """A match as it was when found: kept with the case even if the list changes later."""

    exhibit_id: ExhibitId
    match: Match
    found_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One person's decision. A second person's opinion names the decision it confirms.

    `category` is "scheme/version/code"; `facts` answer the law's questions
    (`decision.imminent_threat`, …): a fact that is absent is unknown. `viewed` is what the view
    log says this person was shown of each exhibit before deciding.
    """

    id: DecisionId
    case_id: CaseId
    by: AccountId
    at: datetime
    verdict: Verdict
    category: str
    age_band: AgeBand
    facts: Mapping[str, object]
    note: str
    confirms: DecisionId | None
    final: bool
    viewed: Mapping[ExhibitId, Viewed]


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownVerdict:
    """A final verdict on the same bytes, or on a picture with the very same PDQ hash."""

    verdict: Verdict
    category: str
    case_id: CaseId
    decided_at: datetime
    by_hash: str  # "sha256" or "pdq"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """The duties of a case as derived on one day from one state of the lawbook."""

    id: int
    case_id: CaseId
    as_of: datetime
    book_digest: str
    result: Mapping[str, object]
    created_at: datetime
