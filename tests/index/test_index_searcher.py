import shutil
import tempfile
import threading
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from index_drawing import flip

from tutela.index.bits import Found, Numbers, Words, pack
from tutela.index.linear import LinearIndex
from tutela.index.model import Hit, SetAside
from tutela.index.searcher import Searcher
from tutela.index.segment import Segment
from tutela.primitives.errors import BadInput


def row(number: int) -> bytes:
    """A hash of its own for each number."""
    return np.random.default_rng(number).bytes(32)


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def listed(parts: Iterator[Found]) -> list[tuple[int, int, int]]:
    """All pairs of several finds, in order; a pair that comes twice stands twice."""
    return sorted(
        pair for part in parts for pair in zip(*(column.tolist() for column in part), strict=True)
    )


class ChangingIndex(RuleBasedStateMachine):
    """Add, replace, remove, search, save, open: what a dictionary and a linear look would say."""

    def __init__(self) -> None:
        super().__init__()
        self.searcher = Searcher(delta_limit=8)
        self.kept: dict[int, bytes] = {}
        self.refused: dict[int, str] = {}
        self.folder = Path(tempfile.mkdtemp())
        # Many saves, whose flushing is tested elsewhere.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("tutela.index.frozen.os.fsync", lambda _descriptor: None)
        self.saved: dict[int, bytes] | None = None
        self.change = 0

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)

    @initialize(seed=st.integers(0, 2**32 - 1))
    def seed(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.centre = self.rng.integers(0, 256, 32, dtype=np.uint8)

    @rule(ids=st.lists(st.integers(-5, 60), max_size=30))
    def add(self, ids: list[int]) -> None:
        batch = []
        for number in ids:
            bits = self.rng.choice(256, int(self.rng.integers(0, 40)), replace=False)
            batch.append((number, flip(self.centre, bits).tobytes()))
        assert self.searcher.add(iter(batch)) == []
        self.kept.update(batch)
        for number in ids:
            self.refused.pop(number, None)

    @rule(ids=st.lists(st.integers(-5, 60), max_size=40))
    def add_rows(self, ids: list[int]) -> None:
        rows = np.stack([self.centre, *(flip(self.centre, self.rng.choice(256, 9)) for _ in ids)])[
            1:
        ]
        self.searcher.add_rows(np.array(ids, np.int64), pack(rows))
        for number, one in zip(ids, rows, strict=True):
            self.kept[number] = one.tobytes()
            self.refused.pop(number, None)
        rows[:] = 0  # the caller's array is the caller's again

    @rule()
    def save(self) -> None:
        self.change += 1
        saved = self.searcher.save(self.folder, change=self.change)
        assert (saved.change, saved.entries) == (self.change, len(self.kept))
        self.saved = dict(self.kept)

    @precondition(lambda self: self.saved is not None)
    @rule(like=st.booleans())
    def go_on_from_what_was_saved(self, *, like: bool) -> None:
        opened = Searcher.open(self.folder, delta_limit=8, like=self.searcher if like else None)
        self.searcher = opened
        self.kept = dict(self.saved or {})
        self.refused = {}
        assert self.searcher.change == self.change

    @rule(radius=st.integers(0, 60), others=st.sets(st.integers(0, 60), max_size=12))
    def pair_up(self, radius: int, others: set[int]) -> None:
        assert listed(self.searcher.pairs_within(radius)) == sorted(
            (one, other, distance)
            for one, other in combinations(sorted(self.kept), 2)
            if (distance := apart(self.kept[one], self.kept[other])) <= radius
        )
        second = Searcher(delta_limit=4)
        rows = {number: self.kept.get(number, row(number)) for number in sorted(others)}
        second.add(list(rows.items())[:7])
        second.add(list(rows.items())[7:])
        expected = sorted(
            (one, other, distance)
            for one, hashed in self.kept.items()
            for other, theirs in rows.items()
            if (distance := apart(hashed, theirs)) <= radius
        )
        assert listed(self.searcher.join(second, radius)) == expected
        turned = [(other, one, distance) for one, other, distance in expected]
        assert listed(second.join(self.searcher, radius)) == sorted(turned)

    @rule(radius=st.integers(0, 30))
    def gather(self, radius: int) -> None:
        groups = [group.tolist() for group in self.searcher.clusters(radius)]
        members = [number for group in groups for number in group]
        assert groups == sorted(map(sorted, groups))
        assert len(members) == len(set(members))
        group_of = {number: place for place, group in enumerate(groups) for number in group}
        pairs = listed(self.searcher.pairs_within(radius))
        assert set(group_of) == {number for pair in pairs for number in pair[:2]}
        assert all(group_of[one] == group_of[other] for one, other, _ in pairs)

    @rule(ids=st.sets(st.integers(-5, 70), max_size=30))
    def remove(self, ids: set[int]) -> None:
        here = ids & self.kept.keys()
        assert self.searcher.remove(ids) == len(here)
        for number in ids:
            self.kept.pop(number, None)
            self.refused.pop(number, None)

    @rule(number=st.integers(-5, 60), raw=st.binary(max_size=40).filter(lambda b: len(b) != 32))
    def add_malformed(self, number: int, raw: bytes) -> None:
        refused = self.searcher.add([(number, raw)])
        assert [one.entry for one in refused] == [number]
        self.refused[number] = refused[0].why

    @rule(radius=st.integers(0, 60), bits=st.sets(st.integers(0, 255), max_size=8))
    def search(self, radius: int, bits: set[int]) -> None:
        query = flip(self.centre, np.array(sorted(bits), np.int64))
        ids = np.array(list(self.kept), np.int64)
        hashes = np.frombuffer(b"".join(self.kept.values()), np.uint8).reshape(-1, 32)
        expected = LinearIndex(hashes, ids).search(query.tobytes(), radius)
        assert self.searcher.search(query.tobytes(), radius) == expected
        two = np.stack((query, query))
        assert self.searcher.search_many(two, radius) == [expected, expected]

    @invariant()
    def counts(self) -> None:
        assert len(self.searcher) == len(self.kept)
        assert {one.entry: one.why for one in self.searcher.set_aside} == self.refused


TestChangingIndex = ChangingIndex.TestCase
TestChangingIndex.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)


def test_malformed_rows_never_stop_the_others() -> None:
    searcher = Searcher()
    bad: list[object] = [
        (1, bytes(31)),
        (2, b"\n" * 33),
        (3, "0" * 32),
        (4, None),
        (True, bytes(32)),
        ("5", bytes(32)),
        (1 << 63, bytes(32)),
        None,
        (6,),
    ]
    refused = searcher.add([*bad, (7, row(7))])  # type: ignore[list-item]
    assert [one.entry for one in refused] == [1, 2, 3, 4, None, None, None, None, None]
    assert refused[0] == SetAside(entry=1, why="row 1: the hash has 31 bytes, not 32")
    assert refused[2].why == "row 3: the hash is str, not bytes"
    assert refused[6].why == "row 7: the id does not fit 64 bits"
    assert searcher.search(row(7)) == [Hit(entry=7, distance_bits=0)]
    assert len(searcher) == 1


def test_a_row_set_aside_is_forgotten_when_it_comes_right_or_is_withdrawn() -> None:
    searcher = Searcher()
    searcher.add([(1, b""), (2, b"short")])
    assert [one.entry for one in searcher.set_aside] == [1, 2]
    searcher.add([(1, row(1))])
    assert [one.entry for one in searcher.set_aside] == [2]
    assert searcher.remove([2]) == 0
    assert searcher.set_aside == ()


def test_what_stood_under_a_malformed_id_stays() -> None:
    searcher = Searcher()
    searcher.add([(1, row(1))])
    searcher.add([(1, b"broken")])
    assert searcher.search(row(1), 0) == [Hit(entry=1, distance_bits=0)]


def test_the_last_of_two_rows_with_one_id_counts() -> None:
    for limit in (1, 100):
        searcher = Searcher(delta_limit=limit)
        searcher.add([(1, row(1)), (2, row(2)), (1, row(3))])
        assert searcher.search(row(1), 0) == []
        assert searcher.search(row(3), 0) == [Hit(entry=1, distance_bits=0)]
        assert len(searcher) == 2


def test_a_source_that_fails_half_way_changes_nothing() -> None:
    def failing() -> Iterator[tuple[int, bytes]]:
        yield 1, row(1)
        raise OSError("the source went away")

    searcher = Searcher()
    with pytest.raises(OSError, match="went away"):
        searcher.add(failing())
    assert len(searcher) == 0


def test_segments_stay_few_and_dead_rows_are_given_back() -> None:
    searcher = Searcher(delta_limit=10)
    for first in range(0, 2000, 10):
        searcher.add([(number, row(number)) for number in range(first, first + 10)])
    sizes = [segment.living for segment in searcher._snapshot.segments]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) <= 9
    full = searcher.bytes_per_hash
    assert full > 130
    assert searcher.remove(range(1900)) == 1900
    assert len(searcher) == 100
    for segment in searcher._snapshot.segments:
        assert segment.living * 2 >= len(segment.ring)
    assert searcher.search(row(1950), 0) == [Hit(entry=1950, distance_bits=0)]
    assert searcher.search(row(1850), 0) == []
    searcher.remove(range(2000))
    assert searcher._snapshot.segments == ()


def test_wrong_queries_are_refused_even_when_empty() -> None:
    searcher = Searcher()
    with pytest.raises(BadInput, match="32"):
        searcher.search(b"short")
    with pytest.raises(BadInput, match="between 0 and 256"):
        searcher.search(bytes(32), 300)
    with pytest.raises(BadInput, match="between 0 and 256"):
        searcher.search_many(np.zeros((1, 32), np.uint8), -1)


def test_readers_see_whole_batches_and_never_stop() -> None:
    """Entries move in pairs: a reader sees both at the old place or both at the new."""
    searcher = Searcher(delta_limit=64)
    stay = [(number, row(number)) for number in range(1000, 1500)]
    searcher.add(stay)
    places = [row(1), row(2)]
    searcher.add([(1, places[0]), (2, places[0])])
    stop = threading.Event()
    wrong: list[object] = []
    looks = 0

    def read() -> None:
        nonlocal looks
        queries = np.frombuffer(b"".join([*places, stay[7][1]]), np.uint8).reshape(3, 32)
        while not stop.is_set():
            old, new, fixed = (
                [hit.entry for hit in hits] for hits in searcher.search_many(queries, 0)
            )
            if sorted([old, new]) != [[], [1, 2]] or fixed != [1007]:
                wrong.append((old, new, fixed))
            looks += 1

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(60):  # some thirty merges; each waits for the readers
        place = places[(turn + 1) % 2]
        searcher.add(
            [(1, place), (2, place), *((2000 + turn * 7 + n, row(n)) for n in range(3, 10))]
        )
        searcher.remove(range(2000 + turn * 7 + 3, 2000 + turn * 7 + 6))
        searcher.add(stay[:20])
    stop.set()
    for reader in readers:
        reader.join(timeout=60)
    assert wrong == []
    assert looks > 0


def test_a_merge_does_not_hold_up_a_reader() -> None:
    """While a writer holds its turn, a search answers from the snapshot."""
    searcher = Searcher()
    searcher.add([(1, row(1))])
    answers: list[list[Hit]] = []
    with searcher._writing:
        reader = threading.Thread(target=lambda: answers.append(searcher.search(row(1), 0)))
        reader.start()
        reader.join(timeout=60)
    assert answers == [[Hit(entry=1, distance_bits=0)]]


class _Writer:
    """Changes its own range of entries; keeps the state after each act, and when each was done."""

    def __init__(self, searcher: Searcher, first: int) -> None:
        self.searcher = searcher
        self.first = first
        self.known = [row(first + number) for number in range(40)]
        self.states: list[dict[int, bytes]] = [{}]
        self.begun = 0
        self.done = 0
        self.looks = 0
        self.wrong: list[tuple[int, int]] = []

    def write(self, acts: int = 120) -> None:
        """Add, replace and remove, in small and large batches."""
        rng = np.random.default_rng(self.first)
        for act in range(acts):
            ids = self.first + np.unique(rng.integers(0, 600, int(rng.choice([1, 5, 30, 200]))))
            state = dict(self.states[-1])
            removing = rng.random() < 0.3
            for number in ids.tolist():
                if removing:
                    state.pop(number, None)
                else:
                    state[number] = self.known[(number + act) % 40]
            self.states.append(state)
            self.begun += 1
            if removing:
                self.searcher.remove(ids.tolist())
            else:
                rows = b"".join(state[number] for number in ids.tolist())
                self.searcher.add_rows(ids, np.frombuffer(rows, np.uint64).reshape(-1, 4))
            self.done += 1

    def read(self, over: threading.Event) -> None:
        """Ask for all hashes of the range, and compare with what was while it was asked."""
        queries = np.frombuffer(b"".join(self.known), np.uint64).reshape(-1, 4)
        while not over.is_set():
            low = self.done
            query, entry, _ = self.searcher.found_many(queries, 0)
            seen = [
                (one, self.known[place])
                for place, one in zip(query.tolist(), entry.tolist(), strict=True)
            ]
            self.compare(seen, low)

    def compare(self, seen: list[tuple[int, bytes]], low: int) -> None:
        high = self.begun
        self.looks += 1
        if len(seen) != len(dict(seen)) or dict(seen) not in self.states[low : high + 1]:
            self.wrong.append((low, high))


def test_each_answer_is_a_state_that_was(tmp_path: Path) -> None:
    """Two writers, two readers and one that saves: linearisable.

    An answer must be the state of a writer's entries at one moment between the beginning and
    the end of the call, whatever freezes, merges or is saved meanwhile; so must a saved state.
    """
    searcher = Searcher(delta_limit=40)
    writers = [_Writer(searcher, first) for first in (0, 10_000)]
    over = threading.Event()
    saves = 0

    def save() -> None:
        nonlocal saves
        while not over.is_set():
            lows = [writer.done for writer in writers]
            searcher.save(tmp_path, change=saves)
            entries, words = Searcher.open(tmp_path).rows()
            rows = list(zip(entries.tolist(), map(bytes, words), strict=True))
            for writer, low in zip(writers, lows, strict=True):
                writer.compare([one for one in rows if 0 <= one[0] - writer.first < 600], low)
            saves += 1

    writing = [threading.Thread(target=writer.write) for writer in writers]
    others = [threading.Thread(target=writer.read, args=(over,)) for writer in writers]
    others.append(threading.Thread(target=save))
    for thread in (*others, *writing):
        thread.start()
    for thread in writing:
        thread.join(timeout=120)
    over.set()
    for thread in others:
        thread.join(timeout=60)
    assert [writer.wrong for writer in writers] == [[], []]
    assert [writer.done for writer in writers] == [120, 120]
    assert saves > 0
    assert min(writer.looks for writer in writers) > saves
    entries, words = searcher.rows()
    assert dict(zip(entries.tolist(), map(bytes, words), strict=True)) == {
        **writers[0].states[-1],
        **writers[1].states[-1],
    }


def test_a_merge_lets_writers_and_readers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one writer freezes, another changes the very rows: nothing is lost or comes back."""
    searcher = Searcher(delta_limit=3)
    searcher.add([(number, row(number)) for number in (1, 2, 3)])
    freezing, go_on = threading.Event(), threading.Event()
    real = Segment.build.__func__

    def slow(kind: type[Segment], entries: Numbers, words: Words) -> Segment:
        freezing.set()
        assert go_on.wait(timeout=30)
        return real(kind, entries, words)

    monkeypatch.setattr(Segment, "build", classmethod(slow))
    first = threading.Thread(target=lambda: searcher.add([(4, row(4))]))
    first.start()
    assert freezing.wait(timeout=30)
    assert [hit.entry for hit in searcher.search(row(4), 0)] == [4]
    assert searcher.remove([1]) == 1
    searcher.add([(2, row(22)), (5, row(5))])
    assert searcher.search(row(1), 0) == searcher.search(row(2), 0) == []
    go_on.set()
    first.join(timeout=30)
    here = {2: row(22), 3: row(3), 4: row(4), 5: row(5)}
    for _ in range(2):
        for number, hashed in here.items():
            assert [hit.entry for hit in searcher.search(hashed, 0)] == [number]
        assert searcher.search(row(1), 0) == searcher.search(row(2), 0) == []
        assert len(searcher) == 4
        searcher.remove([9])
    assert [len(segment) for segment in searcher._snapshot.segments] == [4]


def test_many_rows_cost_what_is_stated() -> None:
    """At most 130 bytes a hash and 5 MB, also with entries that stand three apart."""
    rows = 200_000
    rng = np.random.default_rng(6)
    words = rng.integers(0, 2**64, (rows, 4), dtype=np.uint64)
    for ids in (np.arange(rows), np.cumsum(rng.integers(1, 4, rows))):
        searcher = Searcher()
        searcher.add_rows(ids, words)
        searcher.remove(ids[::1000].tolist())
        assert searcher.nbytes <= 130 * rows + 5_000_000
        assert len(searcher) == rows - 200
        query, entry, distance = searcher.found_many(words[1:2000:1000] ^ np.uint64(1), 31)
        assert sorted(zip(query.tolist(), entry.tolist(), distance.tolist(), strict=True)) == [
            (0, ids[1], 4),
            (1, ids[1001], 4),
        ]


def test_wrong_rows_are_refused() -> None:
    searcher = Searcher()
    with pytest.raises(BadInput, match="shape"):
        searcher.add_rows(np.arange(2), np.zeros((2, 5), np.uint64))
    with pytest.raises(BadInput, match="shape"):
        searcher.add_rows(np.arange(2), np.zeros((2, 4), np.int64))
    with pytest.raises(BadInput, match="expected 2 whole numbers"):
        searcher.add_rows(np.arange(3), np.zeros((2, 4), np.uint64))
    with pytest.raises(BadInput, match="shape"):
        searcher.found_many(np.zeros((2, 3), np.uint64))
    assert len(searcher) == 0


def test_the_callers_array_stays_the_callers() -> None:
    searcher = Searcher(delta_limit=10)
    words = np.random.default_rng(8).integers(0, 2**64, (100, 4), dtype=np.uint64)
    asked = words.copy()
    searcher.add_rows(np.arange(100), words)
    words[:] = 0
    assert (np.sort(searcher.found_many(asked, 0)[1]) == np.arange(100)).all()
