"""The worker tidies by itself, at its own pace, and a part that is away costs nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.cli import app
from tutela.evidence.custody import ORPHAN_AGE
from tutela.ledger import store as ledger
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.workflows import housekeeping
from tutela.workflows.housekeeping import STORIES_AT_ONCE, STORIES_KEPT, House

NOW = datetime.now(UTC)


def test_an_orphan_goes_after_its_day_and_not_before(database: Database) -> None:
    blobs = MemoryBlobsForTests()
    blobs.put("exhibits/exh_x.age", b"sealed")
    clock = FixedClock(at=NOW)
    house = House(database, blobs, clock)
    house.keep()
    assert blobs.exists("exhibits/exh_x.age")
    clock.at = NOW + 2 * ORPHAN_AGE
    house.keep()
    assert not blobs.exists("exhibits/exh_x.age")


def test_each_task_keeps_its_own_pace(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def close_expired(*_: object, **__: object) -> list[object]:
        done.append("views")
        return []

    def sweep_orphans(*_: object, **__: object) -> int:
        done.append("orphans")
        return 0

    monkeypatch.setattr(housekeeping, "close_expired", close_expired)
    monkeypatch.setattr(housekeeping, "sweep_orphans", sweep_orphans)
    clock = FixedClock(at=NOW)
    house = House(database, MemoryBlobsForTests(), clock)
    for _ in range(120):  # two hours of asking once a minute, and each minute twice
        house.keep()
        house.keep()
        clock.at += timedelta(minutes=1)
    assert done.count("views") == 120
    assert done.count("orphans") == 2


def test_more_than_can_be_forgotten_at_once_is_forgotten_soon(database: Database) -> None:
    asked: list[datetime] = []

    def forget(before: datetime) -> int:
        asked.append(before)
        return STORIES_AT_ONCE if len(asked) < 3 else 7

    house = House(database, MemoryBlobsForTests(), FixedClock(at=NOW), forget=forget)
    for _ in range(5):
        house.keep()
    assert asked == [NOW - STORIES_KEPT] * 3


def test_a_clock_that_was_set_back_stops_no_task(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(housekeeping, "close_expired", lambda *_, **__: done.append("views") or [])
    monkeypatch.setattr(housekeeping, "sweep_orphans", lambda *_, **__: done.append("orphans") or 0)
    clock = FixedClock(at=NOW + timedelta(days=3650))
    house = House(database, MemoryBlobsForTests(), clock)
    house.keep()
    clock.at = NOW
    house.keep()
    house.keep()
    assert done == ["views", "orphans"] * 2


def test_a_database_that_is_away_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    house = House(away, MemoryBlobsForTests(), FixedClock(at=NOW))
    house.keep()
    monkeypatch.setattr(house, "_database", database)
    house.keep()
    assert house._views_at == NOW
    away.close()


def write(database: Database, count: int) -> None:
    with database.begin() as tx:
        for _ in range(count):
            ledger.append(
                tx,
                at=datetime.now(UTC),
                actor="system",
                action="case_opened",
                subject="case_1",
                detail={},
            )


def tampered(database_url: str, sql: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_only_grows")
        tx.exec_driver_sql(sql)
    engine.dispose()


def test_a_tail_that_the_owner_cuts_off_is_found_by_the_noted_head(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.delenv("TUTELA_CONFIG", raising=False)
    noted = tmp_path / "ledger-anchor.json"
    clock = FixedClock(at=NOW)
    house = House(database, MemoryBlobsForTests(), clock, anchor=noted)
    write(database, 3)
    house.keep()
    write(database, 2)
    clock.at += timedelta(minutes=1)
    house.keep()
    assert json.loads(noted.read_text())["seq"] == 5
    verified = CliRunner().invoke(app, ["ledger", "verify"])
    assert "anchored at line 5" in verified.stdout
    tampered(database_url, "DELETE FROM ledger WHERE seq > 3")
    found = CliRunner().invoke(app, ["ledger", "verify"])
    assert found.exit_code == 1
    assert "BROKEN at line 4: the ledger ends at line 3, but line 5 was anchored" in found.stdout
    write(database, 4)  # the worker goes on, also after a restart, and the trace is not lost
    for each in (house, House(database, MemoryBlobsForTests(), clock, anchor=noted)):
        clock.at += timedelta(minutes=1)
        each.keep()
    assert json.loads(noted.read_text())["seq"] == 5
    found = CliRunner().invoke(app, ["ledger", "verify", "--json"])
    assert json.loads(found.stdout)["why"] == "line 5 is not the one that was anchored"


def test_no_evidence_is_swept_where_the_database_was_put_back_from_a_backup(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """What was admitted after the backup is named by no row any more: it is no orphan."""
    noted, blobs = tmp_path / "ledger-anchor.json", MemoryBlobsForTests()
    write(database, 3)
    House(database, blobs, FixedClock(at=NOW), anchor=noted).keep()
    blobs.put("exhibits/exh_x.age", b"admitted after the backup")
    tampered(database_url, "DELETE FROM ledger WHERE seq > 1")
    write(database, 7)
    later = FixedClock(at=NOW + 2 * ORPHAN_AGE)
    House(database, blobs, later, anchor=noted).keep()
    assert blobs.exists("exhibits/exh_x.age")
    noted.unlink()  # somebody has looked, and says so
    House(database, blobs, later, anchor=noted).keep()
    assert not blobs.exists("exhibits/exh_x.age")


def test_a_ledger_that_was_emptied_is_told_and_stays_to_be_found(
    database: Database, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = tmp_path / "ledger-anchor.json"
    write(database, 3)
    House(database, MemoryBlobsForTests(), FixedClock(at=NOW), anchor=noted).keep()
    tampered(database_url, "DELETE FROM ledger")
    House(database, MemoryBlobsForTests(), FixedClock(at=NOW), anchor=noted).keep()
    captured = capsys.readouterr()
    assert "ledger_is_not_the_noted_one" in captured.out + captured.err
    assert json.loads(noted.read_text())["seq"] == 3


def test_a_head_that_cannot_be_noted_stops_nothing(database: Database, tmp_path: Path) -> None:
    write(database, 1)
    House(
        database, MemoryBlobsForTests(), FixedClock(at=NOW), anchor=tmp_path / "no" / "where.json"
    ).keep()
    assert not (tmp_path / "no").exists()
