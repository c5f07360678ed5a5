"""Looking at an exhibit: reasoned, claimed, timed, and no longer than needed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.cases import store as cases
from tutela.evidence import store as evidence
from tutela.evidence.model import Exhibit
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.errors import Conflict, NotFound, Refused
from tutela.primitives.ids import CaseId, ExhibitId, ViewingId
from tutela.review import store
from tutela.review.model import Exposure, Rendition, Viewing, ViewReason

LONGEST_VIEW = timedelta(minutes=5)
"""A view that nobody closed ends by itself after this, so that a forgotten tab shows nothing."""
PAUSE_AFTER_VIEWS = 20
"""Full views in a day after which the pages suggest a pause. They never forbid the next one."""


def open_view(
    tx: Connection,
    *,
    case_id: CaseId,
    exhibit_id: ExhibitId,
    by: Actor,
    reason: ViewReason,
    at: datetime,
) -> Viewing:
    """Open the full view of one exhibit for the person who has claimed its case.

    A person looks at one thing at a time: an earlier view still open is closed first.
    Raises `Refused` without the permission, `Conflict` when the case is not claimed by this
    person or the exhibit holds no picture any more.
    """
    require(by, Permission.EXHIBIT_VIEW)
    case = cases.case(tx, case_id, for_update=True)  # nobody claims it, or looks, in between
    if case.claimed_by != by.id:
        raise Conflict(
            "This case is not claimed by you",
            remedy="Claim it first, so that two people do not look at the same thing.",
        )
    picture_of(tx, case_id=case_id, exhibit_id=exhibit_id)
    ran_out = at - LONGEST_VIEW
    for earlier in store.open_viewings(tx, opened_before=ran_out, by=by.id):
        if earlier.opened_at <= ran_out:
            _close(tx, earlier, actor="system", at=at, how="expired")
        else:
            _close(tx, earlier, actor=by.id, at=at, how="next_view")
    viewing = Viewing(
        id=ViewingId.new(),
        case_id=case_id,
        exhibit_id=exhibit_id,
        by=by.id,
        reason=reason,
        opened_at=at,
        closed_at=None,
    )
    store.add_viewing(tx, viewing)
    ledger.append(
        tx,
        at=at,
        actor=by.id,
        action=LedgerAction.EXHIBIT_VIEW_OPENED,
        subject=case_id,
        detail={"exhibit": exhibit_id, "viewing": viewing.id, "reason": reason.value},
    )
    return viewing


def still_open(tx: Connection, viewing_id: ViewingId, *, by: Actor, at: datetime) -> Viewing:
    """The view, if it is this person's and still open; otherwise `NotFound` or `Conflict`."""
    require(by, Permission.EXHIBIT_VIEW)
    viewing = store.viewing(tx, viewing_id)
    if viewing.by != by.id:
        raise NotFound("There is no such view")  # somebody else's view is none of yours
    if viewing.closed_at is not None or at >= viewing.opened_at + LONGEST_VIEW:
        raise Conflict(
            "This view is closed",
            remedy="Open a new one from the case, with its reason, if you need it.",
        )
    return viewing


def note_shown(
    tx: Connection, viewing_id: ViewingId, *, by: Actor, at: datetime, entire: bool
) -> None:
    """Note that the picture leaves for the browser; `entire` when it is all of the file."""
    still_open(tx, viewing_id, by=by, at=at)
    store.set_shown(tx, viewing_id, at=at, entire=entire)


def close_view(tx: Connection, viewing_id: ViewingId, *, by: Actor, at: datetime) -> Viewing:
    """End a view and write its duration down; a view that is closed already stays as it is."""
    viewing = store.viewing(tx, viewing_id, for_update=True)
    if viewing.by != by.id:
        raise Refused("Only the person who opened a view closes it")
    if viewing.closed_at is not None:
        return viewing
    return _close(tx, viewing, actor=by.id, at=at, how="closed")


def close_expired(tx: Connection, *, at: datetime) -> Sequence[Viewing]:
    """End every view that is older than `LONGEST_VIEW`, at the moment it ran out."""
    return [
        _close(tx, viewing, actor="system", at=at, how="expired")
        for viewing in store.open_viewings(tx, opened_before=at - LONGEST_VIEW)
    ]


def note_rendition(
    tx: Connection,
    *,
    case_id: CaseId,
    exhibit_id: ExhibitId,
    by: Actor,
    rendition: Rendition,
    at: datetime,
) -> Exhibit:
    """Note that a rendition goes to a person's browser; returns the exhibit to render."""
    require(by, Permission.EXHIBIT_RENDITION)
    exhibit = picture_of(tx, case_id=case_id, exhibit_id=exhibit_id)
    store.add_rendition(
        tx, case_id=case_id, exhibit_id=exhibit_id, by=by.id, rendition=rendition, at=at
    )
    ledger.append(
        tx,
        at=at,
        actor=by.id,
        action=LedgerAction.EXHIBIT_RENDITION_SHOWN,
        subject=case_id,
        detail={"exhibit": exhibit_id, "rendition": rendition.value},
    )
    return exhibit


def picture_of(tx: Connection, *, case_id: CaseId, exhibit_id: ExhibitId) -> Exhibit:
    """The exhibit of this case, if its sealed bytes are still there."""
    for exhibit in evidence.exhibits_of(tx, case_id):
        if exhibit.id == exhibit_id:
            if exhibit.blob_key is None or exhibit.destroyed_at is not None:
                raise Conflict(
                    "There is no picture to show",
                    why="it was destroyed"
                    if exhibit.destroyed_at is not None
                    else "only its hashes were handed in",
                )
            return exhibit
    raise NotFound("There is no such exhibit in this case")


def viewed_entirely(tx: Connection, exhibit_id: ExhibitId) -> bool:
    """Whether a person of this installation was shown all of the exhibit.

    A statement to an authority is derived from this and from nothing else: a view that was
    opened but whose picture never left the server does not count, and one frame of an
    animation or video does not count either.
    """
    return store.was_shown_entirely(tx, exhibit_id)


def exposure_today(tx: Connection, by: Actor, at: datetime) -> Exposure:
    """How many full views this person opened since midnight UTC, and for how many seconds."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    viewings = store.viewings_since(tx, by=by.id, since=midnight)
    return Exposure(
        views=len(viewings), seconds=sum(duration_seconds(viewing, at) for viewing in viewings)
    )


def duration_seconds(viewing: Viewing, at: datetime) -> int:
    """Whole seconds a view lasted, or has lasted until `at`; never more than the longest."""
    end = min(viewing.closed_at or at, viewing.opened_at + LONGEST_VIEW)
    return max(0, round((end - viewing.opened_at).total_seconds()))


def _close(tx: Connection, viewing: Viewing, *, actor: str, at: datetime, how: str) -> Viewing:
    """Write the end down: now, or when the view ran out, whichever was first."""
    end = max(viewing.opened_at, min(at, viewing.opened_at + LONGEST_VIEW))
    store.set_closed(tx, viewing.id, at=end)
    closed = store.viewing(tx, viewing.id)
    ledger.append(
        tx,
        at=at,
        actor=actor,
        action=LedgerAction.EXHIBIT_VIEW_CLOSED,
        subject=viewing.case_id,
        detail={
            "exhibit": viewing.exhibit_id,
            "viewing": viewing.id,
            "seconds": duration_seconds(closed, end),
            "how": how,
        },
    )
    return closed
