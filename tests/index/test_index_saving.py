"""A saved searcher: what was saved is what opens, whenever the machine stops."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tutela.index import manifest
from tutela.index.bits import Words
from tutela.index.model import BadSegment
from tutela.index.searcher import Searcher
from tutela.primitives.errors import Unavailable

State = dict[int, bytes]
NOBODY = 65534


def row(number: int) -> bytes:
    """A hash of its own for each number."""
    return np.random.default_rng(number).bytes(32)


def words_of(numbers: range) -> Words:
    return np.random.default_rng(numbers.start).integers(
        0, 2**64, (len(numbers), 4), dtype=np.uint64
    )


def content(searcher: Searcher) -> State:
    entries, words = searcher.rows()
    return {entry: one.tobytes() for entry, one in zip(entries.tolist(), words, strict=True)}


def grown() -> Searcher:
    """Two segments, tombstones and a delta."""
    searcher = Searcher(delta_limit=20)
    for first in (0, 1000):
        numbers = range(first, first + 700 // (1 + first // 100))
        searcher.add_rows(np.array(numbers), words_of(numbers))
    searcher.remove(range(0, 900, 3))
    searcher.add((number, row(number)) for number in range(3000, 3015))
    return searcher


def opens_as(folder: Path, expected: State, change: int) -> Searcher:
    opened = Searcher.open(folder, delta_limit=20)
    assert content(opened) == expected
    assert opened.change == change
    for number in list(expected)[:3]:
        assert number in [hit.entry for hit in opened.search(expected[number], 0)]
    return opened


def test_what_was_saved_opens_and_goes_on(tmp_path: Path) -> None:
    searcher, folder = grown(), tmp_path / "list"
    state = content(searcher)
    saved = searcher.save(folder, change=41)
    assert (saved.generation, saved.change, saved.entries) == (1, 41, len(state))
    assert searcher.change == 41
    assert saved.delta is not None
    assert any(one.alive for one in saved.segments)
    other = opens_as(folder, state, 41)
    assert content(searcher) == state
    for one in (searcher, other):
        one.add([(1, row(77)), (5000, row(5))])
        one.remove([2, 3000])
        assert [hit.entry for hit in one.search(row(77), 0)] == [1]
        assert one.search(row(3000), 0) == []
    opens_as(folder, state, 41)
    other.save(folder, change=42)
    opens_as(folder, content(searcher), 42)
    assert {path.name for path in folder.iterdir()} == {
        manifest.NAME,
        *manifest.files_of(manifest.read(folder) or saved),
    }


def test_an_empty_searcher_can_be_saved(tmp_path: Path) -> None:
    Searcher().save(tmp_path / "list", change=3)
    opens_as(tmp_path / "list", {}, 3)


def test_rights_are_for_the_owner_only(tmp_path: Path) -> None:
    grown().save(tmp_path / "list", change=1)
    assert (tmp_path / "list").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "list").iterdir()} == {0o600}


def test_an_unchanged_segment_is_not_written_again(tmp_path: Path) -> None:
    searcher = Searcher(delta_limit=10)
    searcher.add_rows(np.arange(500), words_of(range(500)))
    searcher.save(tmp_path, change=1)
    (first,) = (path for path in tmp_path.iterdir() if path.suffix == ".segment")
    facts = first.stat()
    searcher.add([(1, row(1))])
    searcher.save(tmp_path, change=2)
    assert first.stat().st_mtime_ns == facts.st_mtime_ns
    opened = opens_as(tmp_path, content(searcher), 2)
    older = opened
    searcher.add([(2, row(2))])
    searcher.save(tmp_path, change=3)
    opened = Searcher.open(tmp_path, like=older)
    assert content(opened) == content(searcher)
    assert opened._snapshot.segments[0].ring is older._snapshot.segments[0].ring


def test_a_reader_never_copies_a_file_into_its_memory(tmp_path: Path) -> None:
    """What processes share stays shared: only saving merges a segment that stands in a file."""
    searcher = Searcher(delta_limit=10)
    searcher.add_rows(np.arange(100), words_of(range(100)))
    searcher.save(tmp_path, change=1)
    reader = Searcher.open(tmp_path, delta_limit=10)
    for first in range(1000, 1400, 10):
        reader.add([(number, row(number)) for number in range(first, first + 10)])
    reader.remove(range(90))
    assert [len(one) for one in reader._snapshot.segments if one.file] == [100]
    state = content(reader)
    reader.save(tmp_path, change=2)
    opens_as(tmp_path, state, 2)
    kept = reader._snapshot.segments
    assert all(one.file for one in kept)
    assert sum(map(len, kept)) == sum(one.living for one in kept) == 410


def test_saving_into_another_folder_or_an_emptied_one(tmp_path: Path) -> None:
    searcher = grown()
    state = content(searcher)
    for folder in (tmp_path / "one", tmp_path / "two"):
        searcher.save(folder, change=1)
        opens_as(folder, state, 1)
    for path in (tmp_path / "two").iterdir():
        path.unlink()
    with pytest.raises(BadSegment, match="no manifest"):
        Searcher.open(tmp_path / "two")
    searcher.save(tmp_path / "two", change=2)
    opens_as(tmp_path / "two", state, 2)


def test_others_files_stay(tmp_path: Path) -> None:
    names = ["notes.txt", "writer.lock", "00000001-0.segment.bak", "x.segment"]
    for name in names:
        (tmp_path / name).write_text("somebody's")
    (tmp_path / "00000007-3.segment.part").write_text("a broken-off save's")
    (tmp_path / "00000009-0.delta").write_text("a broken-off save's")
    searcher = grown()
    assert searcher.save(tmp_path, change=1).generation == 10
    left = {path.name for path in tmp_path.iterdir()}
    assert left >= set(names)
    assert "00000007-3.segment.part" not in left
    assert "00000009-0.delta" not in left


@pytest.mark.parametrize("suffix", ["json", "segment", "alive", "delta"])
def test_any_altered_or_missing_file_refuses_the_folder(tmp_path: Path, suffix: str) -> None:
    searcher = grown()
    state = content(searcher)
    searcher.save(tmp_path, change=1)
    path = next(path for path in sorted(tmp_path.iterdir()) if path.name.endswith(suffix))
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    places = rng.integers(0, len(whole), 200 if suffix == "json" else 10).tolist()
    for place in places:
        torn = bytearray(whole)
        torn[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(torn)
        with pytest.raises(BadSegment):
            Searcher.open(tmp_path)
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadSegment):
            Searcher.open(tmp_path)
    path.unlink()
    with pytest.raises(BadSegment):
        Searcher.open(tmp_path)
    searcher.save(tmp_path, change=2)
    opens_as(tmp_path, state, 2)


def test_a_file_of_an_older_state_is_not_the_file(tmp_path: Path) -> None:
    """A whole file under the right name, but of another moment."""
    searcher = grown()
    searcher.save(tmp_path, change=1)
    alive = next(path for path in tmp_path.iterdir() if path.suffix == ".alive")
    older = alive.read_bytes()
    searcher.remove([1, 4])
    searcher.save(tmp_path, change=2)
    alive = next(path for path in sorted(tmp_path.iterdir()) if path.suffix == ".alive")
    alive.write_bytes(older)
    with pytest.raises(BadSegment, match="not the file that the manifest names"):
        Searcher.open(tmp_path)


def test_a_manifest_names_only_files_of_an_index(tmp_path: Path) -> None:
    searcher = grown()
    saved = searcher.save(tmp_path, change=1)
    outside = manifest.Manifest(
        generation=2,
        change=1,
        entries=0,
        segments=(),
        delta=manifest.Named(file="../00000001-0.delta", digest=(saved.delta or _none()).digest),
    )
    manifest.publish(tmp_path, outside)
    with pytest.raises(BadSegment, match="not of an index"):
        Searcher.open(tmp_path)


def _none() -> manifest.Named:
    raise AssertionError


def test_a_reader_that_meets_a_newer_state_reads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher = grown()
    searcher.save(tmp_path, change=1)
    real = manifest.read
    reads = 0

    def overtaken(folder: Path) -> manifest.Manifest | None:
        nonlocal reads
        found = real(folder)
        reads += 1
        if reads == 1:
            searcher.add([(1, row(1)), (2, row(2))])
            searcher.save(tmp_path, change=2)
        return found

    monkeypatch.setattr("tutela.index.searcher.manifest.read", overtaken)
    assert Searcher.open(tmp_path).change == 2
    assert reads > 1


class Stopped(BaseException):
    """The machine stops here: nothing after this moment happens, no clean-up either."""


CALLS = ("os.open", "os.write", "os.fsync", "Path.replace", "Path.unlink", "os.fdopen")


def _failing_at(
    monkeypatch: pytest.MonkeyPatch, moment: int, error: Callable[[], BaseException]
) -> "itertools.count[int]":
    """Every call to the system counts; from that moment on, all fail. Returns the counter."""
    count = itertools.count()

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(count) >= moment:
                raise error()
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        target = f"tutela.index.frozen.{name}" if name.startswith("os") else f"pathlib.{name}"
        owner: Any = os if name.startswith("os") else Path
        attribute = name.split(".")[1]
        monkeypatch.setattr(target, wrapped(getattr(owner, attribute)))
    return count


@pytest.fixture
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many saves whose flushing is not the question."""
    monkeypatch.setattr("tutela.index.frozen.os.fsync", lambda _descriptor: None)


@pytest.mark.usefixtures("_quick_disk")
@pytest.mark.parametrize("kind", ["stop", "disk"])
def test_a_stop_at_any_moment_leaves_a_whole_state(tmp_path: Path, kind: str) -> None:
    """Break off the save at every single call; the state before or the new one opens."""

    def error() -> BaseException:
        return Stopped() if kind == "stop" else OSError(errno.EIO, os.strerror(errno.EIO))

    finished = False
    seen = set()
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        searcher = grown()
        searcher.save(folder, change=1)
        before = content(searcher)
        searcher.add_rows(np.arange(4000, 4100), words_of(range(4000, 4100)))
        searcher.remove(range(1, 200, 3))
        searcher.add([(5, row(5))])
        after = content(searcher)
        with pytest.MonkeyPatch.context() as patch:
            count = _failing_at(patch, moment, error)
            try:
                searcher.save(folder, change=2)
                finished = next(count) <= moment
            except (Stopped, Unavailable):
                pass
        opened = Searcher.open(folder)
        assert (opened.change, content(opened)) in [(1, before), (2, after)]
        seen.add(opened.change)
        # The searcher that could not save, and one that starts anew, both go on.
        assert content(searcher) == after
        searcher.add([(6, row(6))])
        searcher.save(folder, change=3)
        opens_as(folder, after | {6: row(6)}, 3)
        if finished:
            break
    assert moment > 15
    assert seen == {1, 2}


CHILD = """
import sys
from pathlib import Path
import numpy as np
from tutela.index.searcher import Searcher
folder = Path(sys.argv[1])
try:
    searcher = Searcher.open(folder, delta_limit=300)
except Exception:
    searcher = Searcher(delta_limit=300)
change = searcher.change
while True:
    change += 1
    rng = np.random.default_rng(change)
    ids = np.unique(rng.integers(0, 3000, int(rng.choice([5, 30, 400]))))
    words = np.repeat((ids + change * 10_000).astype(np.uint64)[:, None], 4, axis=1)
    searcher.add_rows(ids, words)
    searcher.remove(rng.integers(0, 3000, 20).tolist())
    print(change, flush=True)
    searcher.save(folder, change=change)
    print(-change, flush=True)
"""


def _model(change: int) -> State:
    """What the child has after that many changes."""
    state: State = {}
    for number in range(1, change + 1):
        rng = np.random.default_rng(number)
        ids = np.unique(rng.integers(0, 3000, int(rng.choice([5, 30, 400]))))
        for entry in ids.tolist():
            state[entry] = np.full(4, entry + number * 10_000, np.uint64).tobytes()
        for entry in rng.integers(0, 3000, 20).tolist():
            state.pop(entry, None)
    return dict(sorted(state.items()))


def test_a_killed_process_leaves_its_last_state(tmp_path: Path) -> None:
    chance = np.random.default_rng()
    folder = tmp_path / "list"
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(float(chance.uniform(0, 0.6)))
        os.kill(child.pid, signal.SIGKILL)
        said = [int(line) for line in child.stdout.read().split()]
        child.wait()
        child.stdout.close()
        saved = manifest.read(folder)
        promised = max((-number for number in said if number < 0), default=0)
        if saved is None:
            assert promised == 0
            continue
        assert saved.change >= promised
        assert content(Searcher.open(folder)) == _model(saved.change)
    assert manifest.read(folder) is not None


def test_a_reader_of_another_process_shares_and_keeps_its_own_delta(tmp_path: Path) -> None:
    searcher = grown()
    searcher.save(tmp_path, change=5)
    script = (
        "import sys; from pathlib import Path; from tutela.index.searcher import Searcher\n"
        "reader = Searcher.open(Path(sys.argv[1]))\n"
        "reader.add([(9999, bytes(32))]); reader.remove([1])\n"
        "print(len(reader), reader.change, [hit.entry for hit in reader.search(bytes(32), 0)])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    assert said.split(maxsplit=2) == [str(len(searcher)), "5", "[9999]\n"]
    opens_as(tmp_path, content(searcher), 5)


def test_a_folder_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening writes nothing; saving says why it cannot, and searching goes on."""
    searcher = grown()
    searcher.save(tmp_path, change=1)
    state = content(searcher)

    def read_only(*args: Any) -> int:
        if args[1] & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(*args)

    real = os.open
    monkeypatch.setattr("tutela.index.frozen.os.open", read_only)
    reader = opens_as(tmp_path, state, 1)
    reader.add([(8000, row(8000))])
    with pytest.raises(Unavailable, match="Read-only file system"):
        reader.save(tmp_path, change=2)
    assert [hit.entry for hit in reader.search(row(8000), 0)] == [8000]
    opens_as(tmp_path, state, 1)


@contextmanager
def without_the_rights_of_root(folder: Path) -> Iterator[None]:
    """Root may write everywhere, so it takes another user's rights for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(folder, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_the_right_to_write() -> None:
    searcher = grown()
    searcher.search(row(1), 0)  # kernels are compiled on first use, into a folder of root's
    state = content(searcher)
    with (
        tempfile.TemporaryDirectory(prefix="tutela-rights-") as name,
        without_the_rights_of_root(Path(name)),
    ):
        folder = Path(name)
        searcher.save(folder, change=1)
        folder.chmod(0o500)
        opens_as(folder, state, 1)
        searcher.add([(1, row(1))])
        with pytest.raises(Unavailable):
            searcher.save(folder, change=2)
        folder.chmod(0o700)


def test_saves_that_fail_leave_nothing_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher = grown()
    searcher.save(tmp_path, change=1)
    before, state = set(tmp_path.iterdir()), content(searcher)
    searcher.remove([1])  # tombstones are written first, what has come last
    write, written = os.write, 0
    for room in range(0, 12_000, 2_000):

        def full(descriptor: int, rest: memoryview) -> int:
            nonlocal written
            written += len(rest)
            if written > room:  # noqa: B023 - called in this turn only
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(descriptor, rest)

        written = 0
        with monkeypatch.context() as disk:
            disk.setattr("tutela.index.frozen.os.write", full)
            with pytest.raises(Unavailable, match="No space left"):
                searcher.save(tmp_path, change=2)
        held = {one.file.path for one in searcher._snapshot.segments if one.file}
        assert set(tmp_path.iterdir()) <= before | held
    opens_as(tmp_path, state, 1)
    searcher.save(tmp_path, change=2)
    opens_as(tmp_path, content(searcher), 2)


def test_saving_while_others_write(tmp_path: Path) -> None:
    """Each saved state is a state that was; the last one holds everything."""
    searcher = Searcher(delta_limit=30)
    done = threading.Event()

    def write() -> None:
        for number in range(300):
            # Two entries of one batch: never one without the other.
            searcher.add([(number, row(number)), (10_000 + number, row(number))])
            if number % 3 == 0:
                searcher.remove([number, 10_000 + number])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    change = 0
    while not done.is_set():
        change += 1
        searcher.save(tmp_path, change=change)
        state = content(Searcher.open(tmp_path))
        low = {entry for entry in state if entry < 10_000}
        assert {entry - 10_000 for entry in state if entry >= 10_000} == low
        newest = max(low, default=-1)
        assert low - {newest} == {one for one in range(newest) if one % 3}
    writer.join()
    searcher.save(tmp_path, change=change + 1)
    opens_as(tmp_path, content(searcher), change + 1)
    assert len(content(searcher)) == 400
