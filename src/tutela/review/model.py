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
    """One full view by one person; `closed_at` None while it is open.

    Opening is the step a person takes; `shown_at` is when the picture left for the browser
    (None: it never did). `entire` says that what was shown was all of the file: one frame of
    an animation is not.
    """

    id: ViewingId
    case_id: CaseId
    exhibit_id: ExhibitId
    by: AccountId
    reason: ViewReason
    opened_at: datetime
    closed_at: datetime | None
    shown_at: datetime | None = None
    entire: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """What one person had to look at since midnight UTC: full views and their seconds."""

    views: int
    seconds: int
