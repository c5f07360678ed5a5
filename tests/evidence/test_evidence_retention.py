"""Holds never shorten each other, and nothing is due for destruction before the last has ended."""

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import update

from cases.case_parts import AT, Desk
from tutela.evidence import store
from tutela.evidence.model import Hold
from tutela.evidence.retention import (
    destruction_due,
    latest_end,
    obstacles,
    place_hold,
    preserve_until,
    release_hold,
)
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, Conflict
from tutela.primitives.ids import CaseId, ExhibitId, HoldId

DAY = timedelta(days=1)
moments = st.integers(-400, 4000).map(lambda days: AT + days * DAY)


@st.composite
def holds(draw: st.DrawFn) -> Hold:
    return Hold(
        id=HoldId("hold_x"),
        exhibit_id=ExhibitId("exh_x"),
        case_id=CaseId("case_x"),
        basis=draw(st.sampled_from(["case open", "rule a", "order b"])),
        until=draw(st.none() | moments),
        placed_at=AT,
        released_at=draw(st.none() | moments),
    )


some_holds = st.lists(holds(), min_size=1, max_size=6)


@given(some=some_holds, extra=holds())
def test_another_live_hold_never_shortens(some: list[Hold], extra: Hold) -> None:
    assume(extra.released_at is None)
    assume(any(hold.released_at is None for hold in some))
    before, after = latest_end(some), latest_end([*some, extra])
    assert after is None or (before is not None and after >= before)


@given(some=some_holds)
def test_a_live_hold_without_an_end_beats_every_date(some: list[Hold]) -> None:
    endless = any(hold.until is None and hold.released_at is None for hold in some)
    if endless or not some:
        assert latest_end(some) is None
    else:
        assert latest_end(some) is not None


@given(some=some_holds, at=moments)
def test_what_may_be_destroyed_is_held_by_nothing(some: list[Hold], at: datetime) -> None:
    assume(not obstacles(some, at=at))
    live = [hold for hold in some if hold.released_at is None]
    assert some
    assert all(hold.until is not None and hold.until <= at for hold in live)


@given(some=some_holds, must=st.none() | moments)
def test_a_duty_to_destroy_waits_for_the_last_hold(some: list[Hold], must: datetime | None) -> None:
    due = destruction_due(some, must_destroy_at=must)
    if due is None:
        assert must is None or latest_end(some) is None
        return
    assert must is not None
    assert due >= must
    assert not obstacles(some, at=due)


def test_holds_on_a_real_exhibit(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open()
    with database.begin() as tx:
        (exhibit,) = store.exhibits_of(tx, case_id)
        own = store.holds_of(tx, case_id)[0]

        def place(basis: str, until: datetime | None) -> Hold:
            return place_hold(
                tx,
                exhibit_id=exhibit.id,
                case_id=case_id,
                basis=basis,
                until=until,
                by="system",
                at=AT,
            )

        year = place("rule a", AT + 365 * DAY)
        assert preserve_until(tx, exhibit.id) is None  # the open case has no end
        release_hold(tx, own.id, by="system", at=AT)
        assert preserve_until(tx, exhibit.id) == AT + 365 * DAY
        assert place("rule a", AT + 365 * DAY).id == year.id  # twice is once
        longer = place("order b", AT + 500 * DAY)
        assert preserve_until(tx, exhibit.id) == AT + 500 * DAY
        first = release_hold(tx, longer.id, by="system", at=AT + DAY)
        assert release_hold(tx, longer.id, by="system", at=AT + 2 * DAY) == first
        assert preserve_until(tx, exhibit.id) == AT + 365 * DAY
        with pytest.raises(BadInput, match="basis"):
            place("", None)
        with pytest.raises(BadInput, match="time zone"):
            place("rule c", datetime(2030, 1, 1))  # noqa: DTZ001 - the fault under test
    assert desk.actions().count("hold_placed") == 3
    assert desk.actions().count("hold_released") == 2


def test_nothing_can_be_held_that_is_gone(database: Database) -> None:
    desk = Desk(database)
    case_id = desk.open()
    with database.begin() as tx:
        (exhibit,) = store.exhibits_of(tx, case_id)
        tx.execute(update(store.EXHIBITS).values(destroyed_at=AT))
        with pytest.raises(Conflict, match="cannot be held"):
            place_hold(
                tx,
                exhibit_id=exhibit.id,
                case_id=case_id,
                basis="order",
                until=None,
                by="system",
                at=AT,
            )
