"""The worker tidies by itself, at its own pace, and a part that is away costs nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.evidence.custody import ORPHAN_AGE
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.workflows import housekeeping
from tutela.workflows.housekeeping import STORIES_AT_ONCE, STORIES_KEPT, House
from ungated import Ungated

NOW = datetime.now(UTC)


def test_an_orphan_goes_after_its_day_and_not_before(database: Database) -> None:
    blobs = MemoryBlobsForTests()
    blobs.put("exhibits/exh_x.age", b"sealed")
    clock = FixedClock(at=NOW)
    house = House(database, blobs, clock, outward=Ungated())
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
    house = House(database, MemoryBlobsForTests(), clock, outward=Ungated())
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

    house = House(
        database,
        MemoryBlobsForTests(),
        FixedClock(at=NOW),
        outward=Ungated(),
        forget=forget,
    )
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
    house = House(database, MemoryBlobsForTests(), clock, outward=Ungated())
    house.keep()
    clock.at = NOW
    house.keep()
    house.keep()
    assert done == ["views", "orphans"] * 2


def test_a_database_that_is_away_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    house = House(away, MemoryBlobsForTests(), FixedClock(at=NOW), outward=Ungated())
    house.keep()
    monkeypatch.setattr(house, "_database", database)
    house.keep()
    assert house._views_at == NOW
    away.close()
