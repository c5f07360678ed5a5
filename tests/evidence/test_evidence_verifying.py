"""Every sealed item is read back; what is missing or damaged is noted once, and said."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cases.case_parts import IDENTITY, UNSEALER, Desk
from tutela.adapters.blobs import MemoryBlobsForTests, open_blobs
from tutela.cli import app
from tutela.cli.evidence_verify import how_many
from tutela.evidence import store, verification_store
from tutela.evidence.verifying import Fault, Verified, Verifier
from tutela.ledger.store import lines
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import BadInput, NotFound, Unavailable
from tutela.workflows.verifying_rounds import EvidenceRounds

NOW = datetime.now(UTC)
RUN = CliRunner()


def opened(desk: Desk, count: int) -> list[str]:
    """So many cases, each with one sealed item; their blob keys in the order of the exhibits."""
    for number in range(count):
        desk.open(f"known item {number}".encode(), item_reference=f"item {number}")
    with desk.database.begin() as tx:
        return [str(each.blob_key) for each in store.exhibits_kept(tx)]


def verifier(desk: Desk) -> Verifier:
    return Verifier(desk.database, desk.blobs, UNSEALER, FixedClock(at=NOW), actor="cli")


def actions(database: Database) -> list[str]:
    with database.begin() as tx:
        return [
            line.action
            for line in lines(tx)
            if line.action.startswith("exhibit_") and line.action != "exhibit_sealed"
        ]


def put(blobs: MemoryBlobsForTests, key: str, data: bytes) -> None:
    blobs.delete(key)
    blobs.put(key, data)


def test_whole_evidence_is_whole(database: Database) -> None:
    desk = Desk(database)
    opened(desk, 3)
    done = verifier(desk).go_on("command")
    assert (done.checked, done.finished, done.found) == (3, True, [])
    assert actions(database) == []


def test_each_kind_of_fault_is_told_apart_noted_once_and_settled(database: Database) -> None:
    desk = Desk(database)
    keys = opened(desk, 4)
    kept = {key: desk.blobs.get(key) for key in keys}
    desk.blobs.delete(keys[0])
    put(desk.blobs, keys[1], kept[keys[1]][:-1] + b"\0")
    put(desk.blobs, keys[2], kept[keys[3]])  # another item's blob
    for _ in range(2):  # the second round says nothing new
        done = verifier(desk).go_on("command")
        assert [each.fault for each in done.found] == [
            Fault.MISSING,
            Fault.DAMAGED,
            Fault.DAMAGED,
        ]
        assert actions(database) == ["exhibit_missing", "exhibit_damaged", "exhibit_damaged"]
    with database.begin() as tx:
        assert verification_store.how_many_faults(tx) == 3
        assert [each.fault for each in verification_store.open_faults(tx)] == [
            "missing",
            "damaged",
            "damaged",
        ]
    for key, data in kept.items():
        put(desk.blobs, key, data)
    assert verifier(desk).go_on("command").found == []
    assert actions(database)[3:] == ["exhibit_whole_again"] * 3
    with database.begin() as tx:
        assert verification_store.how_many_faults(tx) == 0


class OpensOther:
    """A key that opens everything to something else than was handed in."""

    def unseal(self, data: bytes) -> bytes:
        return b"another item" + data[:0]


def test_what_opens_to_something_else_is_found(database: Database) -> None:
    """Whoever holds store and database could put another sealed item in its place."""
    desk = Desk(database)
    opened(desk, 1)
    mine = Verifier(database, desk.blobs, OpensOther(), FixedClock(at=NOW), actor="cli")
    [found] = mine.go_on("command").found
    assert found.fault is Fault.DIFFERENT
    assert actions(database) == ["exhibit_different"]


def test_an_interrupted_round_goes_on_where_it_was(database: Database) -> None:
    desk = Desk(database)
    keys = opened(desk, 5)
    read: list[str] = []

    class Watched(MemoryBlobsForTests):
        def get(self, key: str) -> bytes:
            read.append(key)
            return desk.blobs.get(key)

    def run(*, until: int, restart: bool = False) -> Verified:
        mine = Verifier(database, Watched(), UNSEALER, FixedClock(at=NOW), actor="cli")
        return mine.go_on("command", more=lambda done: done.checked < until, restart=restart)

    assert not run(until=2).finished
    rest = run(until=99)
    assert (rest.before, rest.checked, rest.finished) == (2, 3, True)
    assert read == keys
    assert run(until=1).before == 0  # a new round
    assert run(until=99, restart=True).checked == 5


def test_a_store_that_is_away_makes_no_item_missing(database: Database) -> None:
    desk = Desk(database)
    opened(desk, 2)

    class Away(MemoryBlobsForTests):
        def get(self, key: str) -> bytes:
            raise Unavailable(key)

    with pytest.raises(Unavailable):
        Verifier(database, Away(), UNSEALER, FixedClock(at=NOW), actor="cli").go_on("command")
    assert actions(database) == []
    assert verifier(desk).go_on("command").checked == 2


def test_an_item_that_two_persons_are_destroying_is_not_missing(database: Database) -> None:
    desk = Desk(database)
    [key] = opened(desk, 1)

    class Going(MemoryBlobsForTests):
        """Its destruction is confirmed while it is being read."""

        def get(self, key: str) -> bytes:
            with database.begin() as tx:
                [exhibit] = store.exhibits_kept(tx)
                store.note_destroyed(tx, exhibit.id, at=NOW)
            raise NotFound(key)

    done = Verifier(database, Going(), UNSEALER, FixedClock(at=NOW), actor="cli").go_on("command")
    assert done.found == []
    assert desk.blobs.exists(key)


def test_the_worker_s_round_pauses_between_two(database: Database) -> None:
    desk = Desk(database)
    keys = opened(desk, 2)
    clock = FixedClock(at=NOW)
    mine = Verifier(database, desk.blobs, UNSEALER, clock, actor="system")
    rounds = EvidenceRounds(database, mine, clock, pause=timedelta(days=7))
    rounds.work()
    desk.blobs.delete(keys[0])
    clock.at += timedelta(days=6)
    rounds.work()
    assert actions(database) == []
    clock.at += timedelta(days=1)
    rounds.work()
    assert actions(database) == ["exhibit_missing"]


@pytest.fixture
def home(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """An installation whose commands find three sealed items, sealed to its own key."""
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.delenv("TUTELA_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "keys" / "evidence.agekey"
    key.parent.mkdir(mode=0o700)
    key.touch(mode=0o600)
    key.write_text(str(IDENTITY))
    desk = Desk(database, blobs=open_blobs(None, home=tmp_path))
    opened(desk, 3)
    return desk


def test_the_command_says_what_is_wrong_and_check_says_it_afterwards(home: Desk) -> None:
    done = RUN.invoke(app, ["evidence", "verify"])
    assert done.exit_code == 0, done.output
    assert "Whole: 3 checked" in done.stdout
    with home.database.begin() as tx:
        first = store.exhibits_kept(tx)[0]
    home.blobs.delete(str(first.blob_key))
    told = RUN.invoke(app, ["evidence", "verify", "--json"])
    assert told.exit_code == 1
    answer = json.loads(told.stdout)
    assert answer["found"] == [
        {"exhibit": first.id, "case": first.case_id, "fault": "missing"},
    ]
    assert (answer["exhibits"], answer["checked"], answer["finished"]) == (3, 3, True)
    checked = RUN.invoke(app, ["check", "--json"]).stdout.splitlines()
    [part] = [one for one in map(json.loads, checked) if one["part"] == "evidence"]
    assert part["state"] == "missing"
    sampled = RUN.invoke(app, ["evidence", "verify", "--sample", "2", "--json"])
    assert json.loads(sampled.stdout)["checked"] == 2


@pytest.mark.parametrize(
    ("sample", "total", "number"),
    [("5", 100, 5), ("500", 100, 100), ("5%", 100, 5), ("1%", 7, 1), ("100%", 7, 7), ("3", 0, 0)],
)
def test_a_sample_is_a_number_or_a_share(sample: str, total: int, number: int) -> None:
    assert how_many(sample, total=total) == number


@pytest.mark.parametrize("sample", ["0", "-1", "1.5", "101%", "%", "many", "٣", "0%"])
def test_no_other_sample_is_taken(sample: str) -> None:
    with pytest.raises(BadInput, match="--sample"):
        how_many(sample, total=100)
