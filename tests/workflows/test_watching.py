"""The worker tells of the end of a basis: 180, 90 and 30 days before, once each, and then."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from counsel.detection_parts import accept
from own_lawbook import own_lawbook
from tutela.counsel.detection import Detecting
from tutela.ledger import store as ledger
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.workflows.watching import BEGAN, STOPPED, WARNED, DetectionWatch

INTERIM = "eu.detection.interim.known-hash"
BOOK = own_lawbook()


def watch(database: Database, clock: FixedClock) -> DetectionWatch:
    detecting = Detecting(
        database,
        clock,
        BOOK,
        provider={
            "provider.established_in": "IE",
            "service.targets_markets": ["IE"],
            "service.end_to_end_encrypted": "no",
            "counsel.eu_interim_conditions": True,
        },
        channel="interpersonal",
    )
    return DetectionWatch(detecting, database, clock)


def test_the_end_is_told_three_times_in_the_ledger_and_once_a_day_in_the_log(
    database: Database,
) -> None:
    """PRV-02."""
    accept(database, INTERIM)
    clock = FixedClock(at=datetime(2027, 10, 4, 12, tzinfo=UTC))
    watching = watch(database, clock)
    with capture_logs() as told:
        while clock.at < datetime(2028, 4, 7, tzinfo=UTC):
            if (clock.at.day, clock.at.hour) == (15, 0):
                watching = watch(database, clock)  # a worker that was started again
            watching.look()
            watching.look()
            clock.at += timedelta(hours=12)
    with database.begin() as tx:
        lines = [line for line in ledger.lines(tx) if line.action.startswith("detection_")]
    assert [(line.action, line.at.date().isoformat()) for line in lines] == [
        (BEGAN, "2027-10-04"),
        (WARNED, "2027-10-06"),
        (WARNED, "2028-01-04"),
        (WARNED, "2028-03-04"),
        (STOPPED, "2028-04-04"),
    ]
    assert [line.detail["days"] for line in lines[1:4]] == [180, 90, 30]
    assert INTERIM in str(lines[1].detail["bases"])
    said = [entry["event"] for entry in told]
    assert said.count("detection_is_off") == 3  # on 4, 5 and 6 April
    assert said.count("detection_ends_soon") == 181  # every day from 6 October to 3 April


def test_where_it_never_ran_the_ledger_says_nothing(database: Database) -> None:
    clock = FixedClock(at=datetime(2026, 5, 1, tzinfo=UTC))
    watching = watch(database, clock)
    with capture_logs() as told:
        watching.look()
    assert [entry["event"] for entry in told] == ["detection_is_off"]
    assert "ended after 2026-04-03" in told[0]["why"]
    with database.begin() as tx:
        assert not list(ledger.lines(tx))


def test_a_database_that_is_away_is_looked_at_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FixedClock(at=datetime(2026, 8, 2, tzinfo=UTC))
    accept(database, INTERIM)
    watching = watch(database, clock)
    with monkeypatch.context() as patched, capture_logs() as told:

        def away(_: Detecting) -> None:
            raise Unavailable("The database did not answer")

        patched.setattr(Detecting, "standing", away)
        watching.look()
    assert told[0]["event"] == "detection_watch_waits"
    watching.look()
    with database.begin() as tx:
        assert [line.action for line in ledger.lines(tx)][-1] == BEGAN
