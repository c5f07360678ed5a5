"""What is handed in, by whom, in which context."""

from dataclasses import dataclass
from enum import StrEnum

from tutela.evidence.model import Context
from tutela.hashing.model import Hashed
from tutela.indicators.model import MatchResult
from tutela.primitives.ids import CaseId, ExhibitId, SubmissionId

__all__ = ["Admission", "Context", "Ignored", "Origin"]


class Origin(StrEnum):
    """How something came to us."""

    API_FILE = "api_file"
    API_HASHES = "api_hashes"
    SCAN = "scan"
    PUBLIC_FORM = "public_form"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """A field beside an item of which not all was taken as given; `why` never repeats its value."""

    field: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """The answer to a submission. For a non-match all identifiers are None: nothing was kept."""

    result: MatchResult
    hashed: Hashed
    submission_id: SubmissionId | None = None
    exhibit_id: ExhibitId | None = None
    case_id: CaseId | None = None
    already_known: bool = False  # the same item reference and bytes were admitted before
