"""What waits for a person: the most urgent and oldest first, in pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from tutela.accounts.model import Actor, Permission
from tutela.accounts.permissions import require
from tutela.cases import store as cases
from tutela.cases.model import Case, MatchFound, State
from tutela.indicators.reasons import nearness
from tutela.review.clustering import how_many_alike

PAGE_SIZE = 25


class Shelf(StrEnum):
    """One view of the queue."""

    OPEN = "open"
    DECIDED = "decided"
    CLOSED = "closed"
    ALL = "all"


STATES: Mapping[Shelf, tuple[State, ...]] = {
    Shelf.OPEN: (State.RECEIVED, State.MATCHED, State.REVIEWED),
    Shelf.DECIDED: (State.DECIDED,),
    Shelf.CLOSED: (State.CLOSED,),
    Shelf.ALL: tuple(State),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One case in the queue with what a person needs to choose it."""

    case: Case
    lists: tuple[str, ...]
    nearest: MatchFound | None  # the first of its matches in the order of `nearness`
    waiting_for_second: bool
    mine: bool
    first_decided_by_me: bool
    alike: int  # how many others wait with a picture like this one


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePage:
    """One page of one shelf. `page` counts from 1; `counts` has every shelf."""

    shelf: Shelf
    items: tuple[Waiting, ...]
    page: int
    pages: int
    counts: Mapping[Shelf, int]


def queue(tx: Connection, by: Actor, *, shelf: Shelf = Shelf.OPEN, page: int = 1) -> QueuePage:
    """The cases of one shelf as `by` sees them; a page beyond the end is the last one."""
    require(by, Permission.QUEUE_READ)
    by_state = cases.counts(tx)
    counts = {name: sum(by_state[state] for state in states) for name, states in STATES.items()}
    pages = max(1, -(-counts[shelf] // PAGE_SIZE))
    page = min(max(1, page), pages)
    found = cases.queue(tx, states=STATES[shelf], limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    alike = how_many_alike(tx, [case.id for case in found])
    return QueuePage(
        shelf=shelf,
        items=tuple(_waiting(tx, case, by, alike=alike[case.id]) for case in found),
        page=page,
        pages=pages,
        counts=counts,
    )


def _waiting(tx: Connection, case: Case, by: Actor, *, alike: int) -> Waiting:
    """One line of the queue."""
    matches = cases.matches_of(tx, case.id)
    pending = cases.pending_decision(tx, case.id) if case.second_person else None
    return Waiting(
        case=case,
        lists=tuple(sorted({found.match.list_name for found in matches})),
        nearest=min(matches, key=lambda found: nearness(found.match), default=None),
        waiting_for_second=pending is not None,
        mine=case.claimed_by == by.id,
        first_decided_by_me=pending is not None and pending.by == by.id,
        alike=alike,
    )
