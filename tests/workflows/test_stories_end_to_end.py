"""The worker's stories on the real engine: a decided case becomes a receipt, an order, a hold."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import uvicorn
from sqlalchemy import create_engine, text

from tutela.adapters.sandbox.cybertip import loopback_socket
from tutela.adapters.sandbox.platform import PlatformSandbox
from tutela.adapters.webhook import Webhook
from tutela.cases.model import Outcome, State
from tutela.evidence import store as evidence
from tutela.primitives.errors import Conflict, Misconfigured
from tutela.reporting.exclusivity import Place, alone
from tutela.reporting.reports import HeldBecause, ReportState, RestrictionState
from tutela.reporting.restricting import restrictions_of
from tutela.wiring.settings import load_settings
from tutela.wiring.worker import run_worker
from tutela.workflows import engine
from tutela.workflows.parts import Pace, Parts
from tutela.workflows.relaying import Relayed, relay
from workflows.filing_world import PRESERVE_RULE, QUICK, SECRET, World
from workflows.test_worker_killed import settings_for


@contextmanager
def platform(world: World) -> Iterator[str]:
    """A platform that takes signed orders on loopback."""
    sandbox = PlatformSandbox(secret=SECRET, clock=world.clock)
    listening = loopback_socket("127.0.0.1", 0)
    config = uvicorn.Config(
        sandbox.app(), loop="asyncio", ws="none", lifespan="off", log_config=None
    )
    serving = uvicorn.Server(config)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/orders"
    finally:
        serving.should_exit = True
        thread.join(timeout=10)
        listening.close()


def work(parts: Parts, url: str) -> Relayed:
    """What `tutela worker --once` does with these parts."""
    parts.desk.stop.clear()
    with engine.started(url, parts):
        return relay(parts, poll_seconds=0.05, once=True)


def test_a_decided_case_is_reported_restricted_preserved_and_closed(
    world: World, database_url: str
) -> None:
    case_id = world.decided(item_reference="item-1")
    world.accept()
    with world.sandbox() as (sandbox, authority), platform(world) as address:
        webhook = Webhook(address, SECRET, outward=world.outward)
        done = work(world.parts(authority, platform=webhook), database_url)
        webhook.close()
    assert done.waiting == 0
    assert world.report(case_id).state is ReportState.FINISHED
    assert [each.state for each in sandbox.reports.all()] == ["finished"]
    case = world.case(case_id)
    assert (case.state, set(case.reached)) == (State.CLOSED, set(Outcome))
    told = world.actions(case_id)
    for once in ("report_composed", "report_opened", "report_finished", "case_closed"):
        assert told.count(once) == 1, once
    assert world.ledger_holds()


def test_a_worker_at_work_sends_what_counsel_releases(world: World, database_url: str) -> None:
    case_id = world.decided()
    with world.sandbox() as (sandbox, authority):
        parts = world.parts(authority)
        with engine.started(database_url, parts):
            thread = threading.Thread(target=relay, args=(parts,), kwargs={"poll_seconds": 0.05})
            thread.start()
            _until(lambda: [each.held_because for each in world.reports(case_id)])
            assert world.report(case_id).held_because is HeldBecause.LAW
            assert sandbox.reports.all() == []
            world.accept()
            _until(lambda: world.report(case_id).state is ReportState.FINISHED)
            parts.end()
            thread.join(timeout=10)
    assert world.actions(case_id).count("report_held") == 1


def _until(true: Any) -> None:
    waited = threading.Event()
    for _ in range(1200):
        if true():
            return
        waited.wait(0.05)
    raise AssertionError("it did not come true in a minute")


def test_an_authority_that_stays_away_is_waited_for_and_then_shown(
    world: World, database_url: str
) -> None:
    case_id = world.decided()
    world.accept()
    pace = Pace(
        first=timedelta(milliseconds=10),
        longest=timedelta(milliseconds=20),
        horizon=timedelta(milliseconds=200),
    )
    with world.sandbox("submit:500:*") as (_, authority):
        work(world.parts(authority, pace=pace), database_url)
    held = world.report(case_id)
    assert held.held_because is HeldBecause.UNREACHABLE
    with world.sandbox() as (_, authority):  # the next start tries again
        work(world.parts(authority), database_url)
    assert world.report(case_id).state is ReportState.FINISHED


def test_once_does_not_wait_for_what_is_away(world: World, database_url: str) -> None:
    case_id = world.decided()
    world.accept()
    slow = replace(QUICK, first=timedelta(hours=1), longest=timedelta(hours=1))
    with world.sandbox("submit:500:*") as (_, authority):
        done = work(world.parts(authority, pace=slow), database_url)
    assert done.waiting == 1
    assert world.report(case_id).state is ReportState.COMPOSED  # not lost, it goes on later


def test_a_fault_of_the_program_holds_the_report_and_the_next_start_goes_on(
    world: World, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case_id = world.decided()
    world.accept()

    def broken(*_: object) -> bool:
        raise RuntimeError("words that must not be logged")

    with world.sandbox() as (_, authority):
        work(world.parts(authority, viewed_entirely=broken), database_url)
        assert world.report(case_id).held_because is HeldBecause.PROGRAM
        work(world.parts(authority), database_url)
    assert world.report(case_id).state is ReportState.FINISHED
    captured = capsys.readouterr()
    logged = captured.out + captured.err
    assert "story_failed" in logged
    assert "words that must not be logged" not in logged


def test_a_case_that_the_law_cannot_be_asked_about_is_shown_and_keeps_back_no_other(
    world: World, database_url: str
) -> None:
    """A new lawbook may no longer know a fact that a reviewer once stated."""
    odd, other = world.decided(facts={"decision.of_another_book": True}), world.decided(b"other")
    with world.sandbox() as (_, authority):
        work(world.parts(authority), database_url)
        held = world.report(odd)
        assert held.held_because is HeldBecause.PROGRAM
        assert "decision.of_another_book" in held.why
        assert world.report(other).held_because is HeldBecause.LAW
        owner = create_engine(database_url)
        with owner.begin() as tx:  # as if it had been held before the book was changed
            tx.execute(text("UPDATE reports SET held_because = 'law', why = 'not accepted'"))
            tx.execute(
                text("UPDATE holds SET basis = :rule WHERE case_id = :odd"),
                {"rule": PRESERVE_RULE, "odd": odd},
            )
        owner.dispose()
        world.accept()
        work(world.parts(authority), database_url)
    assert world.report(other).state is ReportState.FINISHED
    held = world.report(odd)
    assert (held.held_because, held.state) == (HeldBecause.PROGRAM, ReportState.HELD)
    with world.database.begin() as tx:
        assert [each.released_at for each in evidence.holds_of(tx, odd)] == [None]


def test_a_start_after_stderr_was_redirected_and_closed_works(
    world: World, database_url: str
) -> None:
    with redirect_stderr(StringIO()) as gone:
        work(world.parts(None), database_url)
    gone.close()
    work(world.parts(None), database_url)
    assert not any(
        isinstance(each, logging.StreamHandler) for each in logging.getLogger("dbos").handlers
    )


def test_no_host_is_contacted_but_the_configured_ones(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.decided(item_reference="item-1")
    world.accept()
    asked: set[tuple[str, int]] = set()
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def connecting(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            asked.add((address[0], address[1]))
        connect(self, address)

    def resolving(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        asked.add((host if isinstance(host, str) else host.decode(), int(port or 0)))
        return resolve(host, port, *rest, **named)

    monkeypatch.setattr(socket.socket, "connect", connecting)
    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    with world.sandbox() as (sandbox, _), platform(world) as address:
        settings = load_settings(
            **_fields(settings_for(world, database_url, sandbox.url)),
            platform_webhook_url=address,
            platform_webhook_secret=SECRET.reveal(),
        )
        run_worker(settings, once=True)
        ports = {int(url.split(":")[2].split("/")[0]) for url in (sandbox.url, address)}
    assert {host for host, _ in asked} == {"127.0.0.1"}
    assert ports <= {port for _, port in asked} <= ports | {0}
    assert settings.outbound_hosts == {"127.0.0.1"}
    assert [each.state for each in sandbox.reports.all()] == ["finished"]


def _fields(environment: dict[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix("TUTELA_").lower(): value
        for name, value in environment.items()
        if name != "TUTELA_CONFIG"
    }


def test_a_second_worker_on_the_same_database_is_refused(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutela.wiring.worker._TAKE_OVER_SECONDS", 0.1)
    settings = load_settings(**_fields(settings_for(world, database_url, "http://127.0.0.1:9")))
    with alone(world.database, "worker") as mine:
        assert mine
        with pytest.raises(Conflict, match="Another worker"):
            run_worker(settings, once=True)


def test_a_worker_whose_lock_was_lost_takes_it_again_before_another_may(
    world: World, database_url: str
) -> None:
    """The database was started again, or ended a connection that was idle for days."""
    fields = _fields(settings_for(world, database_url, "http://127.0.0.1:9"))
    stop = threading.Event()
    worker = threading.Thread(
        target=run_worker, args=(load_settings(**fields),), kwargs={"stop": stop}
    )
    worker.start()
    try:
        _until(lambda: _holders(world))
        [before] = _holders(world)
        _ended(database_url, before)
        _until(lambda: _holders(world) not in ([], [before]))
        with alone(world.database, "worker") as mine:
            assert not mine
    finally:
        stop.set()
        worker.join(timeout=60)
    assert not worker.is_alive()
    assert _holders(world) == []


def test_a_worker_that_another_took_over_from_ends(world: World, database_url: str) -> None:
    first, second = Place(world.database, "worker"), Place(world.database, "worker")
    assert first.take()
    [before] = _holders(world)
    _ended(database_url, before)
    assert second.take()
    assert not first.take()
    first.leave()
    assert second.take(), "still its own"
    second.leave()
    with world.sandbox() as (_, authority):
        parts = world.parts(authority)
        with engine.started(database_url, parts), pytest.raises(Conflict, match="Another worker"):
            relay(parts, poll_seconds=0.05, stay_alone=_taken_over)


def _taken_over() -> None:
    raise Conflict("Another worker runs on this database")


def _holders(world: World) -> list[int]:
    """The server processes that hold an advisory lock of a session in this database."""
    return [
        row.pid
        for row in world.rows(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) AND (classid, objid) "
            "= (SELECT (k >> 32 & 4294967295)::bigint::oid, (k & 4294967295)::bigint::oid "
            "FROM hashtextextended('worker', 7355611) AS k)"
        )
    ]


def _ended(database_url: str, pid: int) -> None:
    owner = create_engine(database_url)
    with owner.begin() as tx:
        tx.execute(text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})
    owner.dispose()


def test_without_authority_and_platform_everything_waits_and_says_why(
    world: World, database_url: str
) -> None:
    case_id = world.decided(item_reference="item-1")
    world.accept()
    work(world.parts(None), database_url)
    assert world.report(case_id).held_because is HeldBecause.UNCONFIGURED
    with world.database.begin() as tx:
        [order] = restrictions_of(tx, case_id)
    assert order.state is RestrictionState.MANUAL
    assert set(world.case(case_id).reached) == {Outcome.PRESERVED}
    before = len(world.rows("SELECT 1 FROM follow_ups"))
    work(world.parts(None), database_url)  # a further start asks for the report only
    assert len(world.rows("SELECT 1 FROM follow_ups")) == before + 1
    assert world.actions(case_id).count("report_held") == 1


def test_the_engine_stores_json_and_identifiers_only(world: World, database_url: str) -> None:
    world.decided()
    world.accept()
    with world.sandbox() as (_, authority):
        work(world.parts(authority), database_url)
    owner = type(world.database)(database_url)
    with owner.begin() as tx:
        tx.exec_driver_sql("RESET ROLE")
        formats = tx.exec_driver_sql(
            "SELECT DISTINCT serialization FROM dbos.workflow_status"
        ).all()
        outputs = tx.exec_driver_sql("SELECT output FROM dbos.operation_outputs").all()
    owner.close()
    assert [row[0] for row in formats] == ["portable_json"]
    assert outputs
    assert all(len(row[0] or "") < 100 for row in outputs)


def test_only_what_ended_long_ago_is_forgotten(world: World, database_url: str) -> None:
    """The engine itself never drops anything: its tables would grow with every case for ever."""
    case_id = world.decided()
    world.accept()
    slow = replace(QUICK, first=timedelta(hours=1), longest=timedelta(hours=1))
    with world.sandbox("submit:500:*") as (_, authority):  # the report's story goes on waiting
        parts = world.parts(authority, pace=slow)
        work(parts, database_url)
        parts.desk.stop.clear()
        with engine.started(database_url, parts):
            now = world.clock.now()
            assert engine.forget(now - timedelta(hours=1), most=100) == 0
            assert engine.forget(now + timedelta(hours=1), most=1) == 1
            assert engine.forget(now + timedelta(hours=1), most=100) == 2
            assert engine.forget(now + timedelta(hours=1), most=100) == 0
            assert engine.at_work() == {("report", case_id)}
    owner = create_engine(database_url)
    with owner.begin() as tx:
        stories = tx.execute(text("SELECT workflow_uuid FROM dbos.workflow_status")).all()
        steps = tx.execute(text("SELECT DISTINCT workflow_uuid FROM dbos.operation_outputs")).all()
    owner.dispose()
    assert len(stories) == 1
    assert steps == stories
    with world.sandbox() as (_, authority):
        work(world.parts(authority), database_url)
    assert world.report(case_id).state is ReportState.FINISHED


def test_the_engine_refuses_to_run_as_a_cloud_service(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBOS__CLOUD", "true")
    with pytest.raises(Misconfigured, match="cloud"):
        work(world.parts(None), database_url)
