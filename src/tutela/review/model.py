"""Looking at an exhibit: how, why, how long."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tutela.primitives.ids import AccountId, CaseId, ExhibitId, ViewingId


class Rendition(StrEnum):
    """The server-made forms of a picture that may reach a browser without a reasoned view."""

    THUMB = "thumb"  # 64 px on the long side
    BLUR = "blur"
    GREY = "grey"
    LINEART = "lineart"


class ViewReason(StrEnum):
    """Why a full view is needed; one must be chosen."""

    MATCH_DOUBTFUL = "match_doubtful"
    CATEGORY_UNCLEAR = "category_unclear"
    AGE_UNCLEAR = "age_unclear"
    IMMINENT_DANGER = "imminent_danger"
    SECOND_OPINION = "second_opinion"


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewing:
    """One full view by one person; `closed_at` None while it is open."""

    id: ViewingId
    case_id: CaseId
    exhibit_id: ExhibitId
    by: AccountId
    reason: ViewReason
    opened_at: datetime
    closed_at: datetime | None
