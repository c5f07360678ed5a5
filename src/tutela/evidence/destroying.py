"""Destroying an exhibit's bytes: two different persons, and no hold that still lasts.

1. one person asks (`request_destruction`);
2. another confirms; from then on no hold can be placed (committed);
3. the blob is removed;
4. the row is marked and the ledger line written (committed).
The row, its hashes and its history stay for ever. Each step may run twice: after a crash
between 2 and 4 either of the two calls `destroy` again and it ends where it stopped.
"""

from datetime import datetime

from sqlalchemy import Connection

from tutela.accounts.model import Actor
from tutela.evidence import store
from tutela.evidence.model import Destruction, Exhibit
from tutela.evidence.ports import BlobStore
from tutela.evidence.retention import obstacles
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.ledger.outward import Clears
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, Refused
from tutela.primitives.ids import ExhibitId


def request_destruction(
    tx: Connection, exhibit_id: ExhibitId, *, by: Actor, at: datetime
) -> Destruction:
    """Step 1. Raises `Refused` with every hold that still lasts."""
    exhibit = store.exhibit(tx, exhibit_id, for_update=True)
    _require_there(exhibit)
    _require_free(tx, exhibit, at=at)
    known = store.destruction(tx, exhibit_id)
    if known is not None:
        return known
    request = Destruction(
        exhibit_id=exhibit_id,
        requested_by=by.id,
        requested_at=at,
        confirmed_by=None,
        confirmed_at=None,
    )
    store.add_destruction(tx, request)
    ledger.append(
        tx,
        at=at,
        actor=by.id,
        action=LedgerAction.EXHIBIT_DESTRUCTION_REQUESTED,
        subject=exhibit_id,
        detail={},
    )
    return request


def destroy(
    database: Database,
    blobs: BlobStore,
    exhibit_id: ExhibitId,
    *,
    by: Actor,
    at: datetime,
    outward: Clears,
) -> Exhibit:
    """Steps 2 to 4. Raises `Refused` unless another person asked and no hold lasts.

    Raises `OutwardWaits` while the database may be an older copy, which knows no newer hold.
    """
    outward.clear()
    with database.begin() as tx:  # 2
        exhibit = store.exhibit(tx, exhibit_id, for_update=True)
        if exhibit.destroyed_at is not None:
            return exhibit
        request = store.destruction(tx, exhibit_id)
        if request is None or request.confirmed_at is None:
            _require_second_person(request, by)
            _require_free(tx, exhibit, at=at)
            store.note_confirmed(tx, exhibit_id, by=by.id, at=at)
            ledger.append(
                tx,
                at=at,
                actor=by.id,
                action=LedgerAction.EXHIBIT_DESTRUCTION_CONFIRMED,
                subject=exhibit_id,
                detail={},
            )
        elif by.id not in {request.requested_by, request.confirmed_by}:
            raise Refused(
                "The destruction was confirmed by somebody else",
                reasons=("only the two persons who agreed to it can carry it on",),
            )
    if exhibit.blob_key is not None:  # 3
        outward.clear()
        blobs.delete(exhibit.blob_key)
    with database.begin() as tx:  # 4
        exhibit = store.exhibit(tx, exhibit_id, for_update=True)
        if exhibit.destroyed_at is not None:
            return exhibit
        request = store.destruction(tx, exhibit_id)
        store.note_destroyed(tx, exhibit_id, at=at)
        ledger.append(
            tx,
            at=at,
            actor=by.id,
            action=LedgerAction.EXHIBIT_DESTROYED,
            subject=exhibit_id,
            detail={
                "case": exhibit.case_id,
                "requested_by": request.requested_by if request else None,
                "confirmed_by": request.confirmed_by if request else None,
                "sealed_sha256": exhibit.sealed_sha256,
            },
        )
        return store.exhibit(tx, exhibit_id)


def _require_there(exhibit: Exhibit) -> None:
    if exhibit.destroyed_at is not None:
        raise Conflict("The exhibit's bytes are destroyed already")


def _require_free(tx: Connection, exhibit: Exhibit, *, at: datetime) -> None:
    reasons = obstacles(store.holds_of_exhibit(tx, exhibit.id), at=at)
    if reasons:
        raise Refused(
            "The exhibit must be kept",
            reasons=reasons,
            remedy="Wait for the last hold to end, or let whoever placed it release it.",
        )


def _require_second_person(request: Destruction | None, by: Actor) -> None:
    if request is None:
        raise Refused(
            "Two persons must agree to destroy evidence",
            reasons=("nobody has asked for it yet",),
            remedy="Let one person ask for the destruction and another confirm it.",
        )
    if request.requested_by == by.id:
        raise Refused(
            "Two persons must agree to destroy evidence",
            reasons=("the same person asked for it",),
            remedy="Let somebody else confirm it.",
        )
