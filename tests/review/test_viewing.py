import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

import pytest
from console_parts import Office, actions, details
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from tutela.accounts.model import Actor, Role
from tutela.adapters.media.jail import Jail
from tutela.cases.claiming import claim
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict, NotFound, Refused
from tutela.primitives.ids import CaseId, ExhibitId
from tutela.review import store, viewing
from tutela.review.model import Rendition, Viewing, ViewReason


@pytest.fixture
def office(database: Database, clock: FixedClock) -> Office:
    return Office(database=database, media=cast("Jail", None), clock=clock)


@pytest.fixture
def person(office: Office) -> Actor:
    return office.person("person-a")


def opened(office: Office, case: CaseId, exhibit: ExhibitId, by: Actor) -> Viewing:
    with office.database.begin() as tx:
        return viewing.open_view(
            tx,
            case_id=case,
            exhibit_id=exhibit,
            by=by,
            reason=ViewReason.AGE_UNCLEAR,
            at=office.clock.now(),
        )


def claimed(office: Office, by: Actor) -> tuple[CaseId, ExhibitId]:
    case, exhibit = office.case()
    with office.database.begin() as tx:
        claim(tx, case, by, office.clock.now())
    return case, exhibit


def test_a_view_is_reasoned_timed_and_on_the_ledger(office: Office, person: Actor) -> None:
    case, exhibit = claimed(office, person)
    view = opened(office, case, exhibit, person)
    office.clock.at += timedelta(seconds=42)
    with office.database.begin() as tx:
        closed = viewing.close_view(tx, view.id, by=person, at=office.clock.now())
        again = viewing.close_view(
            tx, view.id, by=person, at=office.clock.now() + timedelta(minutes=1)
        )
        exposure = viewing.exposure_today(tx, person, office.clock.now())
    assert closed == again
    assert (exposure.views, exposure.seconds) == (1, 42)
    (begun,) = details(office.database, "exhibit_view_opened")
    (ended,) = details(office.database, "exhibit_view_closed")
    assert begun == {"exhibit": exhibit, "viewing": view.id, "reason": "age_unclear"}
    assert ended["seconds"] == 42


def test_a_view_needs_the_role_and_the_claim(office: Office, person: Actor) -> None:
    case, exhibit = office.case()
    with pytest.raises(Conflict, match="not claimed by you"):
        opened(office, case, exhibit, person)
    with pytest.raises(Refused):
        opened(office, case, exhibit, office.person("person-c", Role.COUNSEL))
    assert "exhibit_view_opened" not in actions(office.database)


def test_opening_and_closing_views_at_once_wait_for_each_other(
    office: Office, person: Actor
) -> None:
    """Whoever opens closes what ran out and an own earlier view; that one is being closed."""
    forgotten = opened(office, *claimed(office, second := office.person("person-b")), second)
    office.clock.at += timedelta(seconds=10)
    own = opened(office, *claimed(office, person), person)
    office.clock.at += viewing.LONGEST_VIEW - timedelta(seconds=5)
    case, exhibit = claimed(office, person)
    with ThreadPoolExecutor(1) as other:
        with office.database.begin() as tx:
            assert store.viewing(tx, own.id, for_update=True).closed_at is None
            asked = other.submit(opened, office, case, exhibit, person)
            until_somebody_waits(tx)
            viewing.close_view(tx, own.id, by=person, at=office.clock.now())
        latest = asked.result(60)
    with office.database.begin() as tx:
        assert [
            store.viewing(tx, each.id).closed_at is None for each in (forgotten, own, latest)
        ] == [
            False,
            False,
            True,
        ]
    assert sorted(line["how"] for line in details(office.database, "exhibit_view_closed")) == [
        "closed",
        "expired",
    ]


def until_somebody_waits(tx: Connection) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = time.monotonic() + 60
    while not tx.execute(waiting).scalar_one() and time.monotonic() < until:
        time.sleep(0.01)


def test_a_view_asked_for_twice_at_once_is_one_view(office: Office, person: Actor) -> None:
    """A form sent twice: the second waits for the first and closes its view."""
    case, exhibit = claimed(office, person)
    with ThreadPoolExecutor(1) as other:
        with office.database.begin() as tx:
            first = viewing.open_view(
                tx,
                case_id=case,
                exhibit_id=exhibit,
                by=person,
                reason=ViewReason.AGE_UNCLEAR,
                at=office.clock.now(),
            )
            asked = other.submit(opened, office, case, exhibit, person)
            until_somebody_waits(tx)
        second = asked.result(60)
    with office.database.begin() as tx:
        assert viewing.still_open(tx, second.id, by=person, at=office.clock.now()) == second
        with pytest.raises(Conflict, match="closed"):
            viewing.still_open(tx, first.id, by=person, at=office.clock.now())


def test_nothing_is_opened_where_no_picture_is(office: Office, person: Actor) -> None:
    hashes_only, exhibit = office.case(hashes_only=True)
    _, elsewhere = office.case()
    with office.database.begin() as tx:
        claim(tx, hashes_only, person, office.clock.now())
    with pytest.raises(Conflict, match="no picture"):
        opened(office, hashes_only, exhibit, person)
    with pytest.raises(NotFound):
        opened(office, hashes_only, elsewhere, person)


def test_one_thing_at_a_time(office: Office, person: Actor) -> None:
    first = opened(office, *claimed(office, person), person)
    office.clock.at += timedelta(seconds=5)
    second = opened(office, *claimed(office, person), person)
    with office.database.begin() as tx:
        with pytest.raises(Conflict, match="closed"):
            viewing.still_open(tx, first.id, by=person, at=office.clock.now())
        assert viewing.still_open(tx, second.id, by=person, at=office.clock.now()) == second
    (ended,) = details(office.database, "exhibit_view_closed")
    assert (ended["how"], ended["seconds"]) == ("next_view", 5)


def test_somebody_elses_view_is_not_there(office: Office, person: Actor) -> None:
    view = opened(office, *claimed(office, person), person)
    other = office.person("person-b")
    with office.database.begin() as tx:
        with pytest.raises(NotFound):
            viewing.still_open(tx, view.id, by=other, at=office.clock.now())
        with pytest.raises(Refused):
            viewing.close_view(tx, view.id, by=other, at=office.clock.now())


def test_a_forgotten_view_ends_by_itself(office: Office, person: Actor) -> None:
    view = opened(office, *claimed(office, person), person)
    office.clock.at += timedelta(hours=3)
    with office.database.begin() as tx:
        with pytest.raises(Conflict):
            viewing.still_open(tx, view.id, by=person, at=office.clock.now())
        (ended,) = viewing.close_expired(tx, at=office.clock.now())
        assert viewing.close_expired(tx, at=office.clock.now()) == []
    assert ended.closed_at == view.opened_at + viewing.LONGEST_VIEW
    (line,) = details(office.database, "exhibit_view_closed")
    assert (line["how"], line["seconds"]) == ("expired", 300)


def test_seen_entirely_means_that_all_of_it_left_for_a_person(
    office: Office, person: Actor
) -> None:
    case, exhibit = claimed(office, person)
    with office.database.begin() as tx:
        viewing.note_rendition(
            tx,
            case_id=case,
            exhibit_id=exhibit,
            by=person,
            rendition=Rendition.BLUR,
            at=office.clock.now(),
        )
        assert not viewing.viewed_entirely(tx, exhibit)
    view = opened(office, case, exhibit, person)
    with office.database.begin() as tx:
        assert not viewing.viewed_entirely(tx, exhibit)  # opened, never sent
        viewing.note_shown(tx, view.id, by=person, at=office.clock.now(), entire=False)
        assert not viewing.viewed_entirely(tx, exhibit)  # one frame of several
    view = opened(office, case, exhibit, person)
    with office.database.begin() as tx:
        viewing.note_shown(tx, view.id, by=person, at=office.clock.now(), entire=True)
        assert viewing.viewed_entirely(tx, exhibit)


def test_a_rendition_is_on_the_ledger_and_needs_the_role(office: Office, person: Actor) -> None:
    case, exhibit = office.case()
    for by, fails in ((office.person("person-c", Role.COUNSEL), True), (person, False)):
        with office.database.begin() as tx:
            if fails:
                with pytest.raises(Refused):
                    viewing.note_rendition(
                        tx,
                        case_id=case,
                        exhibit_id=exhibit,
                        by=by,
                        rendition=Rendition.GREY,
                        at=office.clock.now(),
                    )
            else:
                viewing.note_rendition(
                    tx,
                    case_id=case,
                    exhibit_id=exhibit,
                    by=by,
                    rendition=Rendition.GREY,
                    at=office.clock.now(),
                )
    (line,) = details(office.database, "exhibit_rendition_shown")
    assert line == {"exhibit": exhibit, "rendition": "grey"}


def test_exposure_starts_anew_at_midnight(office: Office, person: Actor) -> None:
    opened(office, *claimed(office, person), person)
    office.clock.at += timedelta(days=1)
    with office.database.begin() as tx:
        assert viewing.exposure_today(tx, person, office.clock.now()).views == 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM viewings",
        "DELETE FROM rendition_log",
        "UPDATE rendition_log SET rendition = 'blur'",
        "UPDATE viewings SET reason = 'second_opinion'",
        "UPDATE viewings SET opened_at = now()",
    ],
)
def test_the_program_has_no_right_to_change_what_was_seen(office: Office, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), office.database.begin() as tx:
        tx.execute(text(statement))
