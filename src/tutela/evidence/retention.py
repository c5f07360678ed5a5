"""How long an exhibit is kept: as long as any reason to keep it lasts.

A hold is one reason. Live holds never shorten each other: the latest end wins, and a hold
without an end beats every date. A duty to destroy waits until the last hold has ended.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tutela.evidence import store
from tutela.evidence.model import Exhibit, Hold
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId, ExhibitId, HoldId

CASE_OPEN = "case open"
"""Basis of the hold that every exhibit gets when its case opens; it has no end."""


def place_hold(
    tx: Connection,
    *,
    exhibit_id: ExhibitId,
    case_id: CaseId,
    basis: str,
    until: datetime | None,
    by: str,
    at: datetime,
) -> Hold:
    """Give a reason to keep an exhibit until `until` (None: no end is known).

    The same live reason with the same end is returned, not placed twice. An extension is a
    new hold beside the old one. Raises `Conflict` when destruction has been confirmed.
    """
    if not basis:
        raise BadInput("A hold needs its basis", why="a rule, an order or a reference")
    if until is not None and until.tzinfo is None:
        raise BadInput("The end of a hold needs a time zone")
    exhibit = store.exhibit(tx, exhibit_id, for_update=True)
    _require_kept(tx, exhibit)
    for hold in store.holds_of_exhibit(tx, exhibit_id):
        if hold.released_at is None and (hold.basis, hold.until) == (basis, until):
            return hold
    hold = Hold(
        id=HoldId.new(),
        exhibit_id=exhibit_id,
        case_id=case_id,
        basis=basis,
        until=until,
        placed_at=at,
        released_at=None,
    )
    store.add_hold(tx, hold)
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.HOLD_PLACED,
        subject=exhibit_id,
        detail={"hold": hold.id, "basis": basis, "until": iso(until) if until else None},
    )
    return hold


def release_hold(tx: Connection, hold_id: HoldId, *, by: str, at: datetime) -> Hold:
    """End a reason to keep. Nothing is destroyed by it; releasing twice changes nothing."""
    hold = store.hold(tx, hold_id, for_update=True)
    if hold.released_at is not None:
        return hold
    store.note_released(tx, hold_id, at=at)
    ledger.append(
        tx,
        at=at,
        actor=by,
        action=LedgerAction.HOLD_RELEASED,
        subject=hold.exhibit_id,
        detail={"hold": hold_id, "basis": hold.basis},
    )
    return store.hold(tx, hold_id)


def preserve_until(tx: Connection, exhibit_id: ExhibitId) -> datetime | None:
    """Until when an exhibit must be kept; None: no end is known, so it stays."""
    return latest_end(store.holds_of_exhibit(tx, exhibit_id))


def latest_end(holds: Sequence[Hold]) -> datetime | None:
    """The latest end of the live holds; None when one has no end, or nobody ever placed one.

    When all have been released it is the moment of the last release: from then on nothing
    asks to keep the exhibit, and it waits for two persons to destroy it.
    """
    if not holds:
        return None
    live = [hold for hold in holds if hold.released_at is None]
    if not live:
        return max(hold.released_at for hold in holds if hold.released_at is not None)
    ends = [hold.until for hold in live if hold.until is not None]
    return max(ends) if len(ends) == len(live) else None


def destruction_due(holds: Sequence[Hold], *, must_destroy_at: datetime | None) -> datetime | None:
    """When a duty to destroy falls due: never before the last hold ends.

    None says that nothing is due: there is no such duty, or no end of keeping is known.
    """
    end = latest_end(holds)
    if must_destroy_at is None or end is None:
        return None
    return max(must_destroy_at, end)


def obstacles(holds: Sequence[Hold], *, at: datetime) -> tuple[str, ...]:
    """Every reason why an exhibit may not be destroyed at `at`; empty when it may."""
    if not holds:
        return ("no hold was ever placed, so nobody has said how long it must be kept",)
    reasons = []
    for hold in holds:
        if hold.released_at is not None:
            continue
        if hold.until is None:
            reasons.append(f"hold “{hold.basis}” has no end yet")
        elif hold.until > at:
            reasons.append(f"hold “{hold.basis}” lasts until {iso(hold.until)}")
    return tuple(reasons)


def _require_kept(tx: Connection, exhibit: Exhibit) -> None:
    """Nothing can be held that is gone or, with two persons' consent, going."""
    request = store.destruction(tx, exhibit.id)
    if exhibit.destroyed_at is not None or (request and request.confirmed_at is not None):
        raise Conflict(
            "The exhibit cannot be held any more",
            why="two persons have destroyed its bytes, or have just agreed to",
            remedy="Its row, hashes and ledger lines remain.",
        )
