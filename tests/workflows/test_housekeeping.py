"""The worker tidies by itself, at its own pace, and a part that is away costs nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.evidence.custody import ORPHAN_AGE
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.workflows import housekeeping
from tutela.workflows.housekeeping import House

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
