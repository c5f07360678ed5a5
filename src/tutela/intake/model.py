"""What is handed in, by whom, in which context."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tutela.hashing.model import Hashed
from tutela.indicators.model import MatchResult
from tutela.primitives.ids import CaseId, ExhibitId, SubmissionId
from tutela.primitives.redacted import Redacted


class Origin(StrEnum):
    """How something came to us."""

    API_FILE = "api_file"
    API_HASHES = "api_hashes"
    SCAN = "scan"
    PUBLIC_FORM = "public_form"


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the service knows about an upload; every field may be unknown (empty or None).

    Kept only when the item matches. Times are aware. Countries are two-letter codes.
    """

    item_reference: str = ""  # the service's own name for the item, for the restriction order
    uploader_reference: str = ""  # the service's account identifier
    uploader_screen_name: Redacted[str] | None = None
    uploader_email: Redacted[str] | None = None
    uploader_ip: Redacted[str] | None = None
    uploader_port: int | None = None
    uploader_location: str = ""
    uploaded_at: datetime | None = None
    location_url: Redacted[str] | None = None
    publicly_available: bool | None = None
    file_name: Redacted[str] | None = None
    service: str = ""
    channel: str = ""  # public, hosted, interpersonal
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """The answer to a submission. For a non-match all identifiers are None: nothing was kept."""

    result: MatchResult
    hashed: Hashed
    submission_id: SubmissionId | None = None
    exhibit_id: ExhibitId | None = None
    case_id: CaseId | None = None
    already_known: bool = False  # the same item reference and bytes were admitted before
