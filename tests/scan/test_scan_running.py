"""Scanning: order, resuming after a break, faults of one file and of everything."""

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.hashing.digests import digests
from tutela.hashing.model import Hashed
from tutela.indicators.model import Finding, MatchResult
from tutela.intake.model import Admission
from tutela.primitives.errors import BadInput, Unavailable
from tutela.scan.journal import Journal
from tutela.scan.model import Scanned, Tally
from tutela.scan.planning import UNREADABLE, Plan
from tutela.scan.running import run


def negative(path: Path) -> Admission:
    with path.open("rb") as stream:
        hashed = Hashed(digests=digests(stream), pdq=None, pipeline="test/1")
    return Admission(result=MatchResult(finding=Finding.NO_KNOWN_MATCH, matches=()), hashed=hashed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "uploads"
    (root / "deep" / "er").mkdir(parents=True)
    for name in ("b.bin", "a.bin", "deep/c.bin", "deep/er/d.bin"):
        (root / name).write_bytes(name.encode())
    (root / "link.bin").symlink_to(root / "a.bin")
    return root


def test_a_plan_is_sorted_and_follows_no_link(folder: Path) -> None:
    (folder / "deep" / "up").symlink_to(folder)
    plan = Plan(folder)
    assert [p.relative_to(folder).as_posix() for p in plan] == [
        "a.bin",
        "b.bin",
        "deep/c.bin",
        "deep/er/d.bin",
    ]
    assert plan.skipped == {"link": 2}
    assert plan.count() == 4
    assert plan.skipped == {"link": 2}
    assert list(Plan(folder / "b.bin")) == [folder / "b.bin"]


def test_a_plan_holds_one_folder_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, opened = os.scandir, []

    def scandir(path: Path) -> object:
        opened.append(Path(path).name)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    files = iter(Plan(folder))
    assert (next(files).name, next(files).name) == ("a.bin", "b.bin")
    assert opened == ["uploads"]
    assert [file.name for file in files] == ["c.bin", "d.bin"]
    assert opened == ["uploads", "deep", "er"]


def test_what_is_no_file_is_counted(folder: Path) -> None:
    os.mkfifo(folder / "deep" / "pipe")
    plan = Plan(folder)
    assert len(list(plan)) == 4
    assert plan.skipped == {"link": 1, "not a file": 1}


def test_a_missing_folder_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to scan"):
        Plan(tmp_path / "absent")


def test_results_come_in_the_plans_order(folder: Path) -> None:
    plan = Plan(folder)
    assert [s.path for s in run(plan, negative, threads=3)] == list(plan)


def test_one_bad_file_does_not_stop_the_rest(folder: Path) -> None:
    def admit(path: Path) -> Admission:
        if path.name == "b.bin":
            raise BadInput("The file is refused", why="test")
        return negative(path)

    tally = Tally()
    for scanned in run(Plan(folder), admit, threads=2):
        tally.count(scanned)
    assert tally.as_json() | {"resumed": 0} == {
        "files": 4,
        "matched": 0,
        "no_known_match": 3,
        "cannot_be_matched": 0,
        "errors": 1,
        "cases": 0,
        "resumed": 0,
    }


def test_when_the_database_is_away_the_scan_stops_and_resumes_without_loss(
    folder: Path, tmp_path: Path
) -> None:
    seen: list[str] = []
    away = True

    def admit(path: Path) -> Admission:
        if away and path.name == "c.bin":
            raise Unavailable("The database did not answer")
        seen.append(path.name)
        return negative(path)

    plan = Plan(folder)
    with Journal(tmp_path / "j") as journal, pytest.raises(Unavailable):
        list(run(plan, admit, threads=1, journal=journal))
    away = False
    with Journal(tmp_path / "j") as journal:
        assert len(journal) == 2
        results = list(run(plan, admit, threads=1, journal=journal))
        assert journal.passed == 2
        journal.remove()
    assert [s.path.name for s in results] == ["c.bin", "d.bin"]
    assert not (tmp_path / "j").exists()
    assert set(seen) == {"a.bin", "b.bin", "c.bin", "d.bin"}


def left(journal: Journal, files: Iterable[Path]) -> list[str]:
    return [file.name for file, _ in journal.unfinished(files)]


def finish(journal: Journal, files: Iterable[Path]) -> None:
    for _, mark in journal.unfinished(files):
        journal.finish(mark)


def test_a_changed_file_is_looked_at_again(folder: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        finish(journal, [folder / "a.bin"])
    with Journal(tmp_path / "j") as journal:
        assert left(journal, Plan(folder)) == ["b.bin", "c.bin", "d.bin"]
        (folder / "a.bin").write_bytes(b"another content")
        assert left(journal, Plan(folder)) == ["a.bin", "b.bin", "c.bin", "d.bin"]


def test_a_file_that_changes_while_it_is_read_is_looked_at_again(
    folder: Path, tmp_path: Path
) -> None:
    def admit(path: Path) -> Admission:
        admission = negative(path)
        if path.name == "a.bin":
            path.write_bytes(b"another content")
        return admission

    with Journal(tmp_path / "j") as journal:
        assert len(list(run(Plan(folder), admit, threads=2, journal=journal))) == 4
    with Journal(tmp_path / "j") as journal:
        assert left(journal, Plan(folder)) == ["a.bin"]


def test_the_journal_names_no_file(folder: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        finish(journal, Plan(folder))
    content = (tmp_path / "j").read_bytes()
    assert b"bin" not in content
    assert (tmp_path / "j").stat().st_mode & 0o077 == 0


@given(cut=st.integers(min_value=0, max_value=80))
def test_a_torn_journal_loses_at_most_its_torn_mark(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    base = tmp_path_factory.mktemp("torn")
    files = [base / f"{n}.bin" for n in range(3)]
    for file in files:
        file.write_bytes(file.name.encode())
    with Journal(base / "j") as journal:
        finish(journal, files)
    whole = (base / "j").read_bytes()
    (base / "j").write_bytes(whole[: min(cut, len(whole))])
    with Journal(base / "j") as journal:
        survivors = max(0, (min(cut, len(whole)) - 32) // 16)
        assert len(journal) == (survivors if cut >= 32 else 0)
        finish(journal, files)
    with Journal(base / "j") as journal:
        assert left(journal, files) == []


def test_a_line_without_a_match_never_says_safe(tmp_path: Path) -> None:
    line = Scanned(path=tmp_path / "x", finding=Finding.NO_KNOWN_MATCH).as_json()
    assert line["finding"] == "no_known_match"
    assert "safe" not in str(line).lower()


def test_names_that_are_no_text_are_scanned_resumed_and_spelled_out(tmp_path: Path) -> None:
    """A name made of odd bytes must not stop a scan: anybody can upload one."""
    root = tmp_path / "uploads"
    root.mkdir()
    odd = Path(os.fsdecode(os.fsencode(root) + b"/bad\xff\nname.bin"))
    odd.write_bytes(b"neutral")
    with Journal(tmp_path / "journal") as journal:
        scanned = list(run(Plan(root), negative, threads=1, journal=journal))
    with Journal(tmp_path / "journal") as journal:
        assert list(run(Plan(root), negative, threads=1, journal=journal)) == []
    row = json.loads(json.dumps(scanned[0].as_json(), ensure_ascii=False).encode("utf-8"))
    assert row["path"] == f"{root}/bad\\udcff\nname.bin"


def test_a_folder_that_may_not_be_read_is_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "er":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    plan = Plan(folder)
    assert [file.name for file in plan] == ["a.bin", "b.bin", "c.bin"]
    assert plan.skipped == {"link": 1, UNREADABLE: 1}


def test_a_scan_that_is_broken_off_ends_what_it_is_at(folder: Path) -> None:
    stopped = threading.Event()

    def admit(path: Path) -> Admission:
        if path.name != "a.bin":
            assert stopped.wait(60), "nobody ended it"
        return negative(path)

    results = run(Plan(folder), admit, threads=2, stop=stopped.set)
    assert next(results).path.name == "a.bin"
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert stopped.is_set()
