"""What waits or fails in the background is told: worker, authority, platform, in one table."""

import os
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from adapters.authority_fillings import channel_to
from tutela.primitives import heartbeat
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Conflict
from tutela.reporting import restricting, store
from tutela.reporting.reports import HeldBecause, ReportState, RestrictionState
from tutela.reporting.restricting import Delivery
from tutela.reporting.waiting import FIXED_WORDS, Concern, Waiting, waiting
from tutela.wiring.checking import check_everything
from tutela.wiring.settings import load_settings
from tutela.workflows import engine
from tutela.workflows.parts import Pace
from tutela.workflows.presence import Presence
from tutela.workflows.relaying import relay
from workflows.filing_world import World

HOUR = timedelta(hours=1)
SLOW = Pace(first=HOUR, longest=HOUR)
"""The first wait lasts longer than any test."""


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database=database, home=tmp_path / "home")


class Refuses:
    """A platform whose address is wrong."""

    def disable_access(self, order: object, *, at: object) -> Delivery:
        del order, at
        return Delivery(delivered=False, again=False, why="HTTP status 404 from drawn.example")


class Away:
    """A platform that is away."""

    def disable_access(self, order: object, *, at: object) -> Delivery:
        del order, at
        return Delivery(delivered=False, again=True, why="no answer from drawn.example (Timeout)")


def found(world: World, *, late_after: timedelta = HOUR) -> dict[Concern, Waiting]:
    with world.database.begin() as tx:
        every = waiting(tx, at=world.clock.now(), late_after=late_after)
    return {each.concern: each for each in every}


def checked(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[str, str]]:
    monkeypatch.setenv("TUTELA_CONFIG", os.devnull)
    monkeypatch.setenv("TUTELA_HOME", str(world.home))
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url.replace("+psycopg", ""))
    return {each.part: (each.state, each.why) for each in check_everything(load_settings())}


def test_nothing_waits_on_a_quiet_installation(world: World) -> None:
    assert found(world) == {}


def test_a_worker_that_never_ran_and_one_that_stopped_are_told(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.decided()
    never = found(world)[Concern.WORKER]
    assert (never.count, never.since) == (4, None)
    state, why = checked(world, database_url, monkeypatch)["worker"]
    assert state == "missing"
    assert "no worker has run on this database yet: 4 jobs, reports and orders wait" in why
    clock = FixedClock(at=world.began)
    Presence(world.database, clock, late_after=HOUR).show()
    stopped = found(world)[Concern.WORKER]
    assert stopped.since == world.began
    assert "no worker has run since" in stopped.why
    clock.at = world.clock.now()
    presence = Presence(world.database, clock, late_after=HOUR)
    presence.show()
    assert Concern.WORKER not in found(world)
    assert checked(world, database_url, monkeypatch)["worker"][0] == "ok"
    before = clock.at
    clock.at += heartbeat.EVERY / 2
    presence.show()  # at its own pace
    with world.database.begin() as tx:
        seen = heartbeat.worker_seen(tx)
    assert seen is not None
    assert seen.seen_at == before


def test_a_worker_that_runs_says_so(world: World, database_url: str) -> None:
    parts = world.parts(None)
    with engine.started(database_url, parts):
        relay(parts, poll_seconds=0.05, once=True)
    with world.database.begin() as tx:
        seen = heartbeat.worker_seen(tx)
    assert seen is not None
    assert seen.running(world.clock.now())


def test_an_authority_that_is_away_is_told_with_error_count_and_next_attempt(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.accept()
    case_id = world.decided()
    with socket.socket() as taken:  # bound and not listening: every call is refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with channel_to(url, world.clock) as authority:
            parts = world.parts(authority, pace=SLOW)
            with engine.started(database_url, parts):
                relay(parts, poll_seconds=0.05, once=True)
    report = world.report(case_id)
    assert report.state is ReportState.COMPOSED
    assert report.attempts >= 1
    assert report.last_error.startswith("no answer: ")
    assert "127.0.0.1" in report.last_error
    away = found(world)[Concern.AUTHORITY]
    assert (away.count, away.case, away.error) == (1, case_id, report.last_error)
    assert case_id in checked(world, database_url, monkeypatch)["reports under way"][1]


def test_the_next_attempt_is_known_while_a_report_waits(world: World) -> None:
    world.accept()
    case_id = world.decided()
    at = world.clock.now()
    with world.database.begin() as tx:
        report = store.start(tx, case_id=case_id, channel="CyberTipline", at=at)
        store.change(tx, report.id, state=ReportState.COMPOSED)
        store.record_attempt(tx, report.id, "submit: HTTP status 503")
        store.change(tx, report.id, next_try_at=at + HOUR)
    waits = found(world)[Concern.AUTHORITY]
    assert waits.next_try_at == at + HOUR
    assert "next attempt" in waits.why
    with world.database.begin() as tx:
        store.record_attempt(tx, report.id, "")
    assert Concern.AUTHORITY not in found(world)  # the last call worked, and it is not late
    late = found(world, late_after=-HOUR)[Concern.AUTHORITY]
    assert (late.count, late.error, late.next_try_at) == (1, "", None)


def test_a_held_report_is_told_unless_it_waits_for_the_law(world: World) -> None:
    case_id = world.decided()
    with world.database.begin() as tx:
        report = store.start(tx, case_id=case_id, channel="CyberTipline", at=world.clock.now())
    assert Concern.REPORTS_HELD not in found(world)
    for because in set(HeldBecause) - {HeldBecause.LAW, HeldBecause.FACTS}:
        with world.database.begin() as tx:
            store.change(tx, report.id, held_because=because)
        assert found(world)[Concern.REPORTS_HELD].error == because.value


def failed_order(world: World, database_url: str) -> tuple[str, str]:
    case_id = world.decided()
    parts = world.parts(None, platform=Refuses())
    with engine.started(database_url, parts):
        relay(parts, poll_seconds=0.05, once=True)
    with world.database.begin() as tx:
        [order] = restricting.restrictions_of(tx, case_id)
    assert order.state is RestrictionState.FAILED
    return case_id, order.id


def test_a_refused_order_is_told_and_can_be_sent_again_as_the_same_order(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, order_id = failed_order(world, database_url)
    state, why = checked(world, database_url, monkeypatch)["failed orders"]
    assert state == "missing"
    assert "HTTP status 404 from drawn.example" in why
    assert f"oldest: {case_id}" in why
    with world.database.begin() as tx:
        [again] = restricting.send_again(tx, case_id, by="acct_x", at=world.clock.now())  # type: ignore[arg-type]
    assert again.id == order_id
    assert Concern.ORDERS_FAILED not in found(world)
    with pytest.raises(Conflict, match="has failed"), world.database.begin() as tx:
        restricting.send_again(tx, case_id, by="acct_x", at=world.clock.now())  # type: ignore[arg-type]

    class Takes:
        def __init__(self) -> None:
            self.got: list[str] = []

        def disable_access(self, order: restricting.Restriction, *, at: object) -> Delivery:
            del at
            self.got.append(order.id)
            return Delivery(delivered=True, again=False, why="")

    platform = Takes()
    world.stop = threading.Event()  # the first worker's has been set
    parts = world.parts(None, platform=platform)
    with engine.started(database_url, parts):
        relay(parts, poll_seconds=0.05, once=True)
    assert platform.got == [order_id]
    assert world.actions(case_id).count("restriction_asked_again") == 1  # type: ignore[arg-type]


def test_an_order_that_is_not_confirmed_is_told_with_its_next_attempt(
    world: World, database_url: str
) -> None:
    case_id = world.decided()
    parts = world.parts(None, platform=Away(), pace=SLOW)
    with engine.started(database_url, parts):
        relay(parts, poll_seconds=0.05, once=True)
    waits = found(world)[Concern.PLATFORM]
    assert (waits.case, waits.error) == (case_id, "no answer from drawn.example (Timeout)")
    assert waits.next_try_at is not None
    assert waits.next_try_at > world.clock.now()


def test_an_order_for_a_person_is_told(world: World, database_url: str) -> None:
    world.decided()
    parts = world.parts(None)
    with engine.started(database_url, parts):
        relay(parts, poll_seconds=0.05, once=True)
    assert found(world)[Concern.ORDERS_BY_HAND].count == 1


def test_the_fixed_words_name_no_number_case_or_host() -> None:
    assert set(FIXED_WORDS) == set(Concern)
    for words in FIXED_WORDS.values():
        assert not any(each.isdigit() for each in words)


def test_rows_of_the_version_before_are_read(world: World) -> None:
    case_id = world.decided()
    with world.database.begin() as tx:
        report = store.start(tx, case_id=case_id, channel="CyberTipline", at=world.clock.now())
        tx.execute(text("UPDATE reports SET attempts = DEFAULT, last_error = DEFAULT"))
    assert (world.report(case_id).attempts, world.report(case_id).last_error) == (0, "")
    assert report.next_try_at is None
