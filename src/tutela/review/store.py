"""What the review room writes into the view log and asks of it; the log is kept for good."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, exists, insert, select, update

from tutela.evidence.view_log import RENDITION_LOG, VIEWINGS
from tutela.primitives.errors import NotFound
from tutela.primitives.ids import AccountId, CaseId, ExhibitId, ViewingId
from tutela.review.model import Rendition, Viewing, ViewReason


def add_viewing(tx: Connection, viewing: Viewing) -> None:
    """Store a view that was just opened."""
    tx.execute(
        insert(VIEWINGS).values(
            id=viewing.id,
            case_id=viewing.case_id,
            exhibit_id=viewing.exhibit_id,
            by_actor=viewing.by,
            reason=viewing.reason.value,
            opened_at=viewing.opened_at,
            entire=False,
        )
    )


def viewing(tx: Connection, viewing_id: ViewingId, *, for_update: bool = False) -> Viewing:
    """One view; with `for_update` nobody else changes it until the transaction ends."""
    query = select(VIEWINGS).where(VIEWINGS.c.id == viewing_id)
    row = tx.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        raise NotFound("There is no such view")
    return _viewing(row)


def open_viewings(
    tx: Connection, *, opened_before: datetime, by: str | None = None
) -> Sequence[Viewing]:
    """Views nobody has closed that are as old, and all of this person's; oldest first, locked.

    One statement locks them in one order, before whoever closes them writes in the ledger.
    """
    wanted = VIEWINGS.c.opened_at <= opened_before
    if by is not None:
        wanted |= VIEWINGS.c.by_actor == by
    query = select(VIEWINGS).where(VIEWINGS.c.closed_at.is_(None), wanted)
    return [_viewing(row) for row in tx.execute(query.order_by(VIEWINGS.c.id).with_for_update())]


def viewings_of(tx: Connection, case_id: CaseId) -> Sequence[Viewing]:
    """All views of a case, oldest first."""
    rows = tx.execute(
        select(VIEWINGS).where(VIEWINGS.c.case_id == case_id).order_by(VIEWINGS.c.opened_at)
    )
    return [_viewing(row) for row in rows]


def viewings_since(tx: Connection, *, by: str, since: datetime) -> Sequence[Viewing]:
    """One person's views that were opened at `since` or later."""
    rows = tx.execute(
        select(VIEWINGS).where(
            VIEWINGS.c.by_actor == by,
            VIEWINGS.c.opened_at >= since,
        )
    )
    return [_viewing(row) for row in rows]


def set_shown(tx: Connection, viewing_id: ViewingId, *, at: datetime, entire: bool) -> None:
    """Note the first time the picture left for the browser."""
    tx.execute(
        update(VIEWINGS)
        .where(VIEWINGS.c.id == viewing_id, VIEWINGS.c.shown_at.is_(None))
        .values(shown_at=at, entire=entire)
    )


def set_closed(tx: Connection, viewing_id: ViewingId, *, at: datetime) -> None:
    """Note the end of a view."""
    tx.execute(update(VIEWINGS).where(VIEWINGS.c.id == viewing_id).values(closed_at=at))


def was_shown_entirely(tx: Connection, exhibit_id: ExhibitId) -> bool:
    """Whether all of the exhibit was ever shown to a person."""
    return bool(
        tx.execute(
            select(
                exists().where(
                    VIEWINGS.c.exhibit_id == exhibit_id,
                    VIEWINGS.c.shown_at.is_not(None),
                    VIEWINGS.c.entire,
                )
            )
        ).scalar_one()
    )


def add_rendition(
    tx: Connection,
    *,
    case_id: CaseId,
    exhibit_id: ExhibitId,
    by: str,
    rendition: Rendition,
    at: datetime,
) -> None:
    """Note that a rendition left for the browser."""
    tx.execute(
        insert(RENDITION_LOG).values(
            case_id=case_id,
            exhibit_id=exhibit_id,
            by_actor=by,
            rendition=rendition.value,
            at=at,
        )
    )


def _viewing(row: Row[tuple[object, ...]]) -> Viewing:
    """A view from its row."""
    return Viewing(
        id=ViewingId(row.id),
        case_id=CaseId(row.case_id),
        exhibit_id=ExhibitId(row.exhibit_id),
        by=AccountId(row.by_actor),
        reason=ViewReason(row.reason),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        shown_at=row.shown_at,
        entire=row.entire,
    )
