"""While the noted head is not in the ledger nothing leaves; the file outside only goes forwards."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from accounts.people import SECRET, account
from tutela.accounts.keys import create_key
from tutela.accounts.model import Role
from tutela.adapters.blobs import MemoryBlobsForTests
from tutela.cli import app
from tutela.evidence.custody import ORPHAN_AGE
from tutela.ledger import outward, store
from tutela.ledger.model import Anchor
from tutela.ledger.noted_head import NotedHead
from tutela.ledger.outward import OutwardGate, OutwardWaits, Reason
from tutela.primitives.clock import FixedClock
from tutela.primitives.database import Database
from tutela.primitives.errors import Unavailable
from tutela.workflows.housekeeping import House

NOW = datetime.now(UTC)
RUN = CliRunner()


@pytest.fixture
def noted(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an installation whose commands work on the test's database."""
    monkeypatch.setenv("TUTELA_DATABASE_URL", database_url)
    monkeypatch.setenv("TUTELA_HOME", str(tmp_path))
    monkeypatch.delenv("TUTELA_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ledger-anchor.json"


def gate(database: Database, noted: Path, *, at: datetime = NOW) -> OutwardGate:
    return OutwardGate(database, NotedHead(noted), FixedClock(at=at))


def write(database: Database, count: int, *, action: str = "case_opened") -> None:
    with database.begin() as tx:
        for _ in range(count):
            store.append(
                tx, at=NOW, actor="system", action=action, subject="case_1", detail={"n": 1}
            )


def tampered(database_url: str, sql: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as tx:
        tx.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ledger_only_grows")
        tx.exec_driver_sql(sql)
    engine.dispose()


def head(database: Database) -> int:
    with database.begin() as tx:
        found = store.head(tx)
    return found.seq if found else 0


def test_each_act_notes_the_head_before_it_leaves(database: Database, noted: Path) -> None:
    write(database, 3)
    mine = gate(database, noted)
    mine.clear()
    assert json.loads(noted.read_text())["seq"] == 3  # the file first, then the line about it
    write(database, 2)
    mine.clear()
    assert json.loads(noted.read_text())["seq"] == head(database) == 6


def test_a_first_start_is_no_loss_with_and_without_lines(database: Database, noted: Path) -> None:
    gate(database, noted).clear()  # an empty ledger: nothing to note, nothing can have left
    assert not noted.exists()
    write(database, 2)
    gate(database, noted).clear()
    assert noted.exists()


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        ("DELETE FROM ledger WHERE seq > 2", Reason.SHORT),
        ("DELETE FROM ledger", Reason.SHORT),
        (None, Reason.LOST),
        ("", Reason.UNREADABLE),
    ],
)
def test_each_way_to_lose_the_noted_head_holds_every_act(
    database: Database, database_url: str, noted: Path, break_it: str | None, reason: Reason
) -> None:
    write(database, 5)
    mine = gate(database, noted)
    mine.clear()
    mine.look()
    if break_it is None:
        noted.unlink()
    elif not break_it:
        noted.write_text("")
    else:
        tampered(database_url, break_it)
    for each in (mine, gate(database, noted)):  # the running process, and one that starts now
        with pytest.raises(OutwardWaits):
            each.clear()
        assert each.standing(strict=True).reason is reason


def test_a_copy_that_went_on_is_found_by_the_digest(
    database: Database, database_url: str, noted: Path
) -> None:
    write(database, 5)
    gate(database, noted).clear()
    tampered(database_url, "DELETE FROM ledger WHERE seq > 2")
    write(database, 9, action="case_claimed")
    with pytest.raises(OutwardWaits):
        gate(database, noted).clear()
    assert gate(database, noted).standing().reason is Reason.REWRITTEN
    assert json.loads(noted.read_text())["seq"] == 5  # the trace is not written over


@pytest.mark.parametrize(
    "said",
    ["{", "[]", '{"seq": 0, "digest": "00"}', '{"seq": true, "digest": "' + "0" * 64 + '"}', "\0"],
)
def test_a_file_that_says_nothing_is_never_taken_for_none(
    database: Database, noted: Path, said: str
) -> None:
    write(database, 2)
    noted.write_text(said)
    with pytest.raises(OutwardWaits):
        gate(database, noted).clear()
    assert noted.read_text() == said


def test_a_file_of_an_older_version_and_one_with_a_byte_order_mark_are_read(
    database: Database, noted: Path
) -> None:
    write(database, 2)
    with database.begin() as tx:
        found = store.head(tx)
    assert found
    text = json.dumps({"seq": found.seq, "digest": found.digest})
    noted.write_bytes(b"\xef\xbb\xbf" + text.encode())
    gate(database, noted).clear()
    assert gate(database, noted).standing().open


def test_a_head_that_cannot_be_noted_holds_the_act(database: Database, tmp_path: Path) -> None:
    write(database, 1)
    (tmp_path / "head.lock").mkdir()
    with pytest.raises(Unavailable, match="cannot be noted"):
        gate(database, tmp_path / "head.json").clear()


def test_the_file_only_goes_forwards_whoever_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "head.json"
    files = [NotedHead(path) for _ in range(4)]

    def note(file: NotedHead, first: int) -> None:
        for seq in range(first, first + 40):
            file.advance(Anchor(seq=seq, digest=f"{seq:064x}"), at=NOW)
            found = file.read()
            assert found is not None
            assert found.anchor.seq >= seq

    threads = [
        threading.Thread(target=note, args=(file, 1 + 10 * place))
        for place, file in enumerate(files)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = NotedHead(path).read()
    assert last is not None
    assert last.anchor.seq == 70
    assert sorted(each.name for each in tmp_path.iterdir()) == ["head.json", "head.lock"]


def test_the_ledger_is_told_once_when_acts_wait_and_once_when_they_go_on(
    database: Database, noted: Path, tmp_path: Path
) -> None:
    write(database, 2)
    mine = gate(database, noted)
    mine.look()
    noted.rename(tmp_path / "aside")
    for _ in range(3):
        assert not mine.look().open
    elsewhere = gate(database, tmp_path / "other" / "head.json")  # a face on another machine
    assert not elsewhere.standing().open
    (tmp_path / "aside").rename(noted)
    for _ in range(3):
        assert mine.look().open
    assert elsewhere.standing().open
    with database.begin() as tx:
        told = [line.action for line in store.lines(tx, subject=outward.SUBJECT)]
    assert told == [outward.HEAD_NOTED, outward.WAITS, outward.GO_ON]


def test_no_evidence_is_swept_where_the_database_was_put_back(
    database: Database, database_url: str, noted: Path
) -> None:
    """What was admitted after the copy is named by no row any more: it is no orphan, ever."""
    blobs = MemoryBlobsForTests()
    write(database, 3)
    blobs.put("exhibits/exh_x.age", b"admitted after the copy")
    after = datetime.now(UTC) + timedelta(seconds=1)
    gate(database, noted, at=after).clear()
    tampered(database_url, "DELETE FROM ledger WHERE seq > 1")
    write(database, 7, action="case_claimed")
    later = FixedClock(at=NOW + 2 * ORPHAN_AGE)
    House(database, blobs, later, outward=gate(database, noted)).keep()
    assert blobs.exists("exhibits/exh_x.age")
    gate(database, noted).reconcile(by="cli", at=later.at)
    House(database, blobs, later, outward=gate(database, noted)).keep()
    assert blobs.exists("exhibits/exh_x.age")  # it is evidence of the time that was lost


def test_reconcile_says_what_it_means_asks_and_notes_the_new_head(
    database: Database, database_url: str, noted: Path
) -> None:
    write(database, 5)
    gate(database, noted).clear()
    assert "Nothing to reconcile" in RUN.invoke(app, ["ledger", "reconcile"]).stdout
    tampered(database_url, "DELETE FROM ledger WHERE seq > 2")
    told = RUN.invoke(app, ["ledger", "verify"])
    assert told.exit_code == 1
    assert "BROKEN at line 3" in told.stdout
    assert "tutela ledger reconcile" in told.stdout
    checked = RUN.invoke(app, ["check", "--json"])
    [part] = [
        one for one in map(json.loads, checked.stdout.splitlines()) if one["part"] == "outward acts"
    ]
    assert part["state"] == "missing"
    assert "tutela ledger reconcile" in part["why"]
    refused = RUN.invoke(app, ["ledger", "reconcile"], input="n\n")
    assert refused.exit_code != 0
    assert "Reports may have been filed" in refused.stdout
    with pytest.raises(OutwardWaits):
        gate(database, noted).clear()
    done = RUN.invoke(app, ["ledger", "reconcile", "--yes", "--json"])
    assert done.exit_code == 0, done.output
    told_json = json.loads(done.stdout)
    assert (told_json["noted"]["seq"], told_json["found"]["seq"]) == (5, 2)
    assert json.loads(noted.read_text())["digest"] == told_json["head"]["digest"]
    gate(database, noted).clear()
    assert RUN.invoke(app, ["ledger", "verify"]).exit_code == 0
    with database.begin() as tx:
        line = store.last_line(tx, outward.RECONCILED)
    assert line is not None
    assert line.actor == f"cli:uid-{os.getuid()}"
    assert line.detail["noted"] == told_json["noted"]


def test_an_operator_signs_in_to_reconcile_as_soon_as_there_is_one(
    database: Database, noted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, 3, action=outward.HEAD_NOTED)  # and the file is gone
    account(database, "person-a", Role.OPERATOR)
    account(database, "person-b", Role.REVIEWER)

    def tried(*words: str) -> None:
        result = RUN.invoke(app, ["ledger", "reconcile", "--yes", *words], input=f"{SECRET}\n")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception

    for words, why in (
        ((), "with --by and your sign-in name"),
        (("--by", "person-b"), "may not"),
    ):
        with pytest.raises(Exception, match=why):
            tried(*words)
        assert not gate(database, noted).standing(strict=True).open
    with database.begin() as tx:
        _, key = create_key(tx, name="program", roles={Role.OPERATOR}, by="tests", at=NOW)
    monkeypatch.setenv("TUTELA_TOKEN", key.reveal())
    with pytest.raises(Exception, match="with --by and your sign-in name"):
        tried()  # a program's key answers for nothing here
    assert not gate(database, noted).standing(strict=True).open
    tried("--by", "person-a")
    assert gate(database, noted).standing(strict=True).open
