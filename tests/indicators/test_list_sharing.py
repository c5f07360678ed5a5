"""Saved indexes: shared by the processes of a machine, and trusted only when they are whole."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from indicator_drawing import AT, Import, flipped, hashed, md5, pdq
from sqlalchemy import text

from tutela.indicators import keeping, listing, store
from tutela.indicators.following import following
from tutela.indicators.matching import Matcher
from tutela.indicators.model import Finding, SignalKind
from tutela.primitives.database import Database
from tutela.primitives.errors import Misconfigured, Unavailable
from tutela.primitives.ids import ListId

FEW = 40
OTHER_PROCESS = """
import sys
from pathlib import Path
from indicator_drawing import hashed
from tutela.indicators import keeping
from tutela.indicators.following import following
from tutela.indicators.matching import Matcher
from tutela.primitives.database import Database

keeping.MANY_CHANGES = 40
database = Database(sys.argv[1])
matcher = Matcher(database, Path(sys.argv[2]))
matcher.refresh()
with following(database, matcher.refresh):
    print("ready", flush=True)
    for line in sys.stdin:
        result = matcher.match(hashed(pdq_hex=line.strip()))
        print(len(result.matches), flush=True)
"""


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MANY_CHANGES", FEW)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def of(numbers: range) -> str:
    return "kind,value\n" + "".join(f"pdq,{pdq(number)}\n" for number in numbers)


def meets(matcher: Matcher, number: int) -> bool:
    return matcher.match(hashed(pdq_hex=flipped(pdq(number), 5))).finding is Finding.MATCHED


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("list_*/0*"))


def until(true: Callable[[], bool], *, seconds: float = 5) -> float:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began


def test_many_entries_are_saved_once_and_opened_without_reading_the_database_again(
    database: Database, import_text: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_text(of(range(100)))
    first = Matcher(database, folder)
    assert first.refresh() == 100
    assert len(files_of(folder)) == 1
    second = Matcher(database, folder)
    assert second.refresh() == 0
    assert second.state() == first.state()
    assert (second.state().entries, second.state().is_current) == (100, True)
    assert all(meets(second, number) for number in (0, 50, 99))
    import_text(of(range(100, 105)))
    assert [first.refresh(), second.refresh()] == [5, 5]
    assert meets(second, 104)
    assert len(files_of(folder)) == 1  # five more are not worth a save
    monkeypatch.setattr(keeping, "MANY_CHANGES", 4)
    import_text(of(range(105, 110)))
    assert first.refresh() == 5
    third = Matcher(database, folder)
    assert third.refresh() == 0
    assert meets(third, 109)
    for matcher in (first, second, third):
        matcher.close()


def test_a_save_that_is_newer_than_the_question_is_opened_at_the_next_look(
    database: Database, import_text: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_text(of(range(100)))
    first, second = Matcher(database, folder), Matcher(database, folder)
    first.refresh()
    second.refresh()
    import_text(of(range(100, 102)))
    ask = second._kept._last_changes

    def asked_too_early() -> dict[ListId, int]:
        changes = ask()
        import_text(of(range(200, 300)))
        first.refresh()  # and saves
        return changes

    with monkeypatch.context() as early:
        early.setattr(second._kept, "_last_changes", asked_too_early)
        second.refresh()
    second.refresh()
    assert second.state().is_current
    assert meets(second, 299)
    for matcher in (first, second):
        matcher.close()


def test_a_saved_index_is_opened_though_the_database_went_away_meanwhile(
    database: Database, import_text: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_text(of(range(100)))
    first, second = Matcher(database, folder), Matcher(database, folder)
    first.refresh()
    second.refresh()
    import_text(of(range(200, 300)))
    first.refresh()
    import_text(of(range(300, 302)))  # which the saved index lacks

    def away(*_: object) -> int:
        raise Unavailable("The database did not answer")

    with monkeypatch.context() as broken:
        broken.setattr(second._kept, "_take_in", away)
        with pytest.raises(Unavailable):
            second.refresh()
    second.refresh()
    assert second.state().is_current
    for matcher in (first, second):
        matcher.close()


def test_a_full_disk_leaves_no_litter_and_keeps_nobody_from_what_is_saved(
    database: Database, import_text: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    import_text(of(range(100)))
    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        with pytest.raises(Misconfigured, match="No space left"):
            Matcher(database, folder)
    assert list(folder.iterdir()) == []
    first = Matcher(database, folder)
    first.refresh()
    monkeypatch.setattr(Path, "write_text", full)
    second = Matcher(database, folder)
    assert second.refresh() == 0
    assert meets(second, 99)
    for matcher in (first, second):
        matcher.close()


def test_few_entries_are_not_worth_a_file(
    database: Database, import_text: Import, folder: Path
) -> None:
    import_text(of(range(FEW // 2)))
    matcher = Matcher(database, folder)
    assert matcher.refresh() == FEW // 2
    assert meets(matcher, 3)
    assert not list(folder.glob("list_*"))


@pytest.mark.parametrize("harm", ["cut", "turned", "removed", "manifest"])
def test_a_folder_that_is_not_whole_is_told_and_built_from_the_database(
    database: Database, import_text: Import, folder: Path, harm: str
) -> None:
    import_text(of(range(100)))
    first = Matcher(database, folder)
    first.refresh()
    first.close()
    (path,) = files_of(folder)
    content = bytearray(path.read_bytes())
    match harm:
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "turned":
            content[-40] ^= 1
            path.write_bytes(content)
        case "removed":
            path.unlink()
        case "manifest":
            (path.parent / "manifest.json").write_text("{}")
    matcher = Matcher(database, folder)
    with structlog.testing.capture_logs() as lines:
        assert matcher.refresh() == 100
    (told,) = [line["event"] for line in lines]
    assert told == "saved_index_refused" or harm == "manifest"
    assert all(meets(matcher, number) for number in range(100))
    again = Matcher(database, folder)
    with structlog.testing.capture_logs() as lines:
        assert again.refresh() == 0
    assert lines == []
    assert meets(again, 7)


def test_the_index_of_a_database_that_was_put_back_is_not_used(
    database: Database, import_text: Import, folder: Path
) -> None:
    """What was imported after the older copy may have the numbers that the index has seen."""
    import_text(of(range(100)))
    matcher = Matcher(database, folder)
    matcher.refresh()
    matcher.close()
    with database.begin() as tx:  # as an older copy would name it
        tx.execute(text("UPDATE list_indexes SET save_id = 'an older one'"))
    later = Matcher(database, folder)
    with structlog.testing.capture_logs() as lines:
        assert later.refresh() == 100
    assert [line["event"] for line in lines] == ["saved_index_not_of_this_database"]
    assert meets(later, 5)


def test_an_index_that_is_ahead_of_the_database_is_read_again(
    database: Database, database_url: str, import_text: Import
) -> None:
    import_text(of(range(10)))
    matcher = Matcher(database)
    matcher.refresh()
    owner = Database(database_url)
    with owner.engine.begin() as tx:
        tx.execute(text("RESET ROLE"))
        tx.execute(text("ALTER TABLE list_entries DISABLE TRIGGER USER"))
        tx.execute(text("DELETE FROM list_entries WHERE change > 5"))
    owner.close()
    assert matcher.refresh() == 5
    assert matcher.state().entries == 5
    assert matcher.state().is_current


def test_a_list_of_digests_only_is_remembered_as_read(
    database: Database, import_text: Import, folder: Path
) -> None:
    import_text("kind,value\n" + "".join(f"md5,{md5(number)}\n" for number in range(100)))
    first = Matcher(database, folder)
    first.refresh()
    assert len(list(folder.glob("list_*/manifest.json"))) == 1
    second = Matcher(database, folder)
    second.refresh()
    assert second.state().is_current
    assert second.match(hashed(number=7)).finding is Finding.MATCHED


def test_only_one_saves_and_the_next_takes_its_place(
    database: Database, import_text: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_text(of(range(100)))
    first, second = Matcher(database, folder), Matcher(database, folder)
    first.refresh()
    second.refresh()
    monkeypatch.setattr(keeping, "MANY_CHANGES", 4)
    import_text(of(range(100, 110)))
    before = files_of(folder)
    second.refresh()  # these are left to the first, which saves
    assert files_of(folder) == before
    assert not second.state().is_current
    first.close()
    assert second.refresh() == 10
    assert second.state().is_current
    assert meets(second, 109)


def test_a_full_disk_costs_the_save_and_nothing_else(
    database: Database, import_text: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_text(of(range(100)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    matcher = Matcher(database, folder)
    with structlog.testing.capture_logs() as lines:
        assert matcher.refresh() == 100
    assert [line["event"] for line in lines] == ["index_not_saved"]
    assert meets(matcher, 50)


@pytest.fixture
def other(database_url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A second process that follows the lists and answers how many entries a hash meets."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, database_url, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str], number: int) -> bool:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pdq(number) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline()) > 0


def test_a_change_reaches_two_processes_within_two_seconds(
    database: Database, import_text: Import, folder: Path, other: subprocess.Popen[str]
) -> None:
    list_id = import_text(of(range(100))).list_id
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    matcher = Matcher(database, folder)
    matcher.refresh()
    with following(database, matcher.refresh):
        assert until(lambda: ask(other, 99)) < 2
        for number in (100, 101, 102):
            import_text(of(range(number, number + 1)))
            assert until(lambda n=number: ask(other, n) and meets(matcher, n)) < 2  # type: ignore[misc]
        with database.begin() as tx:
            listing.withdraw(
                tx,
                list_id=list_id,
                by="b",
                at=AT,
                kind=SignalKind.PDQ,
                value=bytes.fromhex(pdq(101)),
            )
        assert not ask(other, 101)
        assert not meets(matcher, 101)
        os.kill(other.pid, signal.SIGKILL)  # whoever had the office of saving, it is free now
        import_text(of(range(200, 300)))
        until(lambda: meets(matcher, 299))
    matcher.close()


def test_a_notice_wakes_the_follower_and_a_lost_connection_does_not_end_it(
    database: Database, import_text: Import
) -> None:
    import_text(of(range(3)))
    calls: list[float] = []
    called = threading.Event()

    def refresh() -> None:
        calls.append(time.monotonic())
        called.set()

    with following(database, refresh, poll_seconds=30):
        assert called.wait(5)
        until(lambda: listeners(database) == 1)
        for act in (
            "UPDATE list_entries SET quality = 90",
            "UPDATE hash_lists SET threshold_bits = 20",
        ):
            called.clear()
            with database.begin() as tx:
                tx.execute(text(act))
            assert called.wait(2)
    with following(database, refresh, poll_seconds=0.2):
        until(lambda: listeners(database) == 1)
        with database.engine.connect() as admin:
            admin.execute(text("RESET ROLE"))
            admin.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            )
        before = len(calls)
        until(lambda: len(calls) > before + 1)
        until(lambda: listeners(database) == 1)


def listeners(database: Database) -> int:
    with database.engine.connect() as admin:
        admin.execute(text("RESET ROLE"))
        return int(
            admin.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            ).scalar_one()
        )


def test_a_refresh_that_breaks_does_not_end_the_following(database: Database) -> None:
    calls: list[int] = []

    def refresh() -> None:
        calls.append(1)
        raise ZeroDivisionError

    with (
        structlog.testing.capture_logs() as lines,
        following(database, refresh, poll_seconds=0.05),
    ):
        until(lambda: len(calls) > 2)
    assert {line["event"] for line in lines} == {"index_refresh_failed"}


def test_the_name_of_a_save_is_in_the_database(
    database: Database, import_text: Import, folder: Path
) -> None:
    list_id = import_text(of(range(100))).list_id
    Matcher(database, folder).refresh()
    (row,) = database.read(store.INDEXES.select())
    assert row[1] == list_id
    assert row[0] == (folder / "identity").read_text()
