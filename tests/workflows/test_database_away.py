"""The database goes away in the middle of a call and comes back: the worker goes on."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tutela.adapters.postgres import embedded, migrate
from tutela.primitives.clock import iso
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.primitives.events import FollowUp
from tutela.primitives.ids import FollowUpId
from tutela.reporting.reports import ReportState
from tutela.workflows import engine
from tutela.workflows import parts as parts_in_use
from tutela.workflows.parts import using, wait
from tutela.workflows.relaying import Relayed, relay
from workflows.filing_world import World
from workflows.killing_proxy import Armed, Workers, gone, proxy_to
from workflows.test_worker_killed import settings_for

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def stop_at_once(data: Path) -> None:
    """The server dies like a machine that loses power (PostgreSQL's immediate shutdown)."""
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    until = time.monotonic() + 10
    while (data / "postmaster.pid").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not (data / "postmaster.pid").exists()


def back(data: Path) -> bool:
    """Whoever holds an embedded server starts it again: here, this process (`embedded`)."""
    file = data / "postmaster.pid"
    return file.exists() and file.read_text().rstrip().endswith("ready")


@pytest.mark.timeout(400)
def test_an_answer_that_came_while_the_database_was_away_is_not_lost(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    data = tmp_path / "postgres"
    with embedded(data) as url:
        migrate(url)
        database = Database(url)
        world = World(database=database, home=tmp_path / "home")
        case_id = world.decided()
        world.accept()
        armed = Armed(call="upload", phase="before", instead=lambda: stop_at_once(data))
        with world.sandbox() as (sandbox, _), proxy_to(sandbox.url, armed) as address:
            workers = Workers(settings_for(world, url, address))
            try:
                pid = workers.start(once=True)
                until = time.monotonic() + 30
                while not armed.hits and time.monotonic() < until:
                    time.sleep(0.05)
                assert armed.hits == [("upload", "before")]
                until = time.monotonic() + 60
                while not back(data) and time.monotonic() < until:
                    time.sleep(0.1)
                assert gone(pid, within=60), "the worker did not come to its end"
            finally:
                workers.close()
            [report_there] = sandbox.reports.all()
        report = world.report(case_id)
        assert report.state is ReportState.FINISHED, report.why
        assert report.abandoned_ids == ()
        assert report_there.state == "finished"
        assert [each.call for each in world.calls(case_id) if each.answers is None] == [
            "xsd",
            "submit",
            "upload",
            "fileinfo",
            "finish",
        ]
        assert world.ledger_holds()
        database.close()


def _away(*_: object, **__: object) -> object:
    raise OperationalError("SELECT", {}, Exception("gone"))


def test_a_worker_asked_to_end_while_the_database_is_away_ends_in_order(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setattr(engine.DBOS, "list_workflows", _away)
    parts = world.parts(None)
    parts.end()
    assert relay(parts, poll_seconds=0.05) == Relayed()


def test_a_clock_that_was_set_back_makes_no_wait_longer(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    stored = iso(world.clock.now() + timedelta(days=3650))  # by a clock that was wrong
    monkeypatch.setattr(parts_in_use, "durably", lambda _name, _do: stored)
    parts, slept = world.parts(None), list[float]()
    monkeypatch.setattr(parts, "sleep", slept.append)
    with using(parts):
        wait(timedelta(minutes=15))
    assert slept == [15 * 60]


def test_the_engines_own_calls_say_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a worker would end when the database goes between two of its questions."""
    monkeypatch.setattr(engine.DBOS, "list_workflows", _away)
    monkeypatch.setattr(engine.DBOS, "start_workflow", _away)
    kind = next(iter(engine.STORIES))
    job = FollowUp(id=FollowUpId.new(), kind=kind, subject="case_x", created_at=AT)
    for asked in (engine.unfinished, engine.at_work, lambda: engine.begin(job)):
        with pytest.raises(Unavailable):
            asked()
