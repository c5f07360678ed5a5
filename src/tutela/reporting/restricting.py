"""Ordering the platform to disable access: one order per item, until it is confirmed.

An order leaves as a signed message (`adapters/webhook.py`) or, where none is configured or
the service named no item, waits for a person who does it and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import Connection

from tutela.cases import outcomes
from tutela.cases import store as cases
from tutela.cases.concluding import FOLLOWING
from tutela.cases.model import Outcome as Reached
from tutela.evidence import store as evidence
from tutela.evidence.ports import Opens
from tutela.ledger import store as ledger
from tutela.ledger.actions import LedgerAction
from tutela.primitives import events
from tutela.primitives.clock import Clock
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, Misconfigured
from tutela.primitives.ids import CaseId
from tutela.reporting import store
from tutela.reporting.conversing import Next
from tutela.reporting.reports import Restriction, RestrictionState

ACTION: Final = "disable_access"
_DONE = RestrictionState.DELIVERED


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What came of sending an order once. `again`: it may be sent again after a wait."""

    delivered: bool
    again: bool
    why: str


class Platform(Protocol):
    """The service that can disable access to its items."""

    def disable_access(self, order: Restriction, *, at: datetime) -> Delivery:
        """Send one order; the same order may come twice and must be obeyed once."""
        ...


def order(
    tx: Connection, case_id: CaseId, *, has_platform: bool, at: datetime
) -> Sequence[Restriction]:
    """The orders of a case, made once; those that still have to be delivered are returned.

    A failed order, and one that waited for a person because no platform was configured, are
    taken up again when there is a platform now.
    """
    if Reached.RESTRICTED not in cases.case(tx, case_id, for_update=True).needed:
        return ()
    new = not store.restrictions_of(tx, case_id)
    names_item = evidence.submission_of(tx, case_id).reference_digest != ""
    made = store.order(tx, case_id=case_id, names_item=names_item, at=at)
    orders = []
    for each in [made, *(one for one in store.restrictions_of(tx, case_id) if one != made)]:
        if each.state is _DONE:
            continue
        sendable = has_platform and each.names_item
        state = RestrictionState.ORDERED if sendable else RestrictionState.MANUAL
        why = "" if sendable else _by_hand(each)
        if (each.state, each.last_why) != (state, why):
            store.change_restriction(tx, each.id, state=state, last_why=why)
        if sendable:
            orders.append(store.restriction(tx, each.id))
    if new:
        _tell(tx, made, LedgerAction.RESTRICTION_ORDERED, actor="system", at=at)
    return orders


def restrictions_of(tx: Connection, case_id: CaseId) -> Sequence[Restriction]:
    """Every order about a case, the oldest first."""
    return store.restrictions_of(tx, case_id)


def deliver(
    database: Database, platform: Platform, order_id: str, *, unsealer: Opens, clock: Clock
) -> Next:
    """Send one order once and store what came of it. May be run again at any moment.

    Raises `OutwardWaits`, with nothing sent or stored, while no outward act may leave.
    """
    with database.begin() as tx:
        order_ = store.restriction(tx, order_id)
    if order_.state is not RestrictionState.ORDERED:
        return Next.DONE if order_.state is _DONE else Next.STOPPED
    delivery = _sent(database, platform, order_, unsealer=unsealer, at=clock.now())
    at = clock.now()
    with database.begin() as tx:
        cases.case(tx, order_.case_id, for_update=True)
        order_ = store.restriction(tx, order_id)
        if order_.state is not RestrictionState.ORDERED:
            return Next.DONE if order_.state is _DONE else Next.STOPPED
        attempts = order_.attempts + 1
        if delivery.delivered:
            _delivered(tx, order_, attempts=attempts, by="system", done_by=None, at=at)
            return Next.DONE
        store.change_restriction(
            tx, order_.id, attempts=attempts, last_why=delivery.why, next_try_at=None
        )
        if delivery.again:
            return Next.AGAIN
        fail(tx, order_.id, why=delivery.why, at=at)
        return Next.STOPPED


def _sent(
    database: Database, platform: Platform, order_: Restriction, *, unsealer: Opens, at: datetime
) -> Delivery:
    """Send the order with the item's name, which is opened for this alone."""
    try:
        with database.begin() as tx:
            reference = cases.item_reference_of(tx, order_.case_id, unsealer)
    except Misconfigured as error:
        return Delivery(delivered=False, again=False, why=f"The item's name stays sealed: {error}")
    return platform.disable_access(replace(order_, item_reference=reference), at=at)


def fail(tx: Connection, order_id: str, *, why: str, at: datetime) -> None:
    """Stop sending an order; a person sees it, and the next worker start tries again."""
    order_ = store.restriction(tx, order_id)
    if order_.state is not RestrictionState.ORDERED:
        return
    store.change_restriction(
        tx, order_.id, state=RestrictionState.FAILED, last_why=why, next_try_at=None
    )
    _tell(tx, order_, LedgerAction.RESTRICTION_FAILED, actor="system", at=at)


def send_again(tx: Connection, case_id: CaseId, *, by: str, at: datetime) -> Sequence[Restriction]:
    """A person asks for the failed orders of a case again; the worker sends them.

    The identifiers stay, so a platform that took an order already changes nothing. Raises
    `Conflict` when no order of the case has failed.
    """
    cases.case(tx, case_id, for_update=True)
    failed = [
        each for each in store.restrictions_of(tx, case_id) if each.state is RestrictionState.FAILED
    ]
    if not failed:
        raise Conflict(
            "No order of this case has failed",
            remedy="An order that is on its way is sent again by itself.",
        )
    for each in failed:
        store.change_restriction(tx, each.id, state=RestrictionState.ORDERED, last_why="")
        _tell(tx, each, LedgerAction.RESTRICTION_ASKED_AGAIN, actor=by, at=at)
    events.ask_for(tx, kind=FOLLOWING[Reached.RESTRICTED], subject=case_id, at=at)
    return failed


def done_by_person(tx: Connection, order_id: str, *, by: str, at: datetime) -> Restriction:
    """A person has disabled access and says so; raises `Conflict` when it is done already."""
    case_id = store.case_of_restriction(tx, order_id)
    cases.case(tx, case_id, for_update=True)  # before the order's own row, as the worker does
    order_ = store.restriction(tx, order_id)
    if order_.state is _DONE:
        raise Conflict("Access is disabled already")
    _delivered(tx, order_, attempts=order_.attempts, by=by, done_by=by, at=at)
    return store.restriction(tx, order_id)


def _delivered(
    tx: Connection,
    order_: Restriction,
    *,
    attempts: int,
    by: str,
    done_by: str | None,
    at: datetime,
) -> None:
    store.change_restriction(
        tx,
        order_.id,
        state=_DONE,
        attempts=attempts,
        last_why="",
        next_try_at=None,
        delivered_at=at,
        done_by=done_by,
    )
    # What the law says changes with it (a statement of reasons falls due): assessed anew.
    events.ask_for(tx, kind=FOLLOWING[Reached.PRESERVED], subject=order_.case_id, at=at)
    _tell(tx, order_, LedgerAction.RESTRICTION_DELIVERED, actor=by, at=at)
    left = [each for each in store.restrictions_of(tx, order_.case_id) if each.state is not _DONE]
    if not left:
        outcomes.reach(tx, order_.case_id, Reached.RESTRICTED, at=at, by=by)


def _tell(
    tx: Connection, order_: Restriction, action: LedgerAction, *, actor: str, at: datetime
) -> None:
    ledger.append(
        tx,
        at=at,
        actor=actor,
        action=action,
        subject=order_.case_id,
        detail={"restriction": order_.id},
    )


def _by_hand(order_: Restriction) -> str:
    if not order_.names_item:
        return "The service named no item; a person must find it and disable access."
    return "No webhook is configured; a person must disable access (`tutela case restrict-done`)."
