import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from index_drawing import flip

from tutela.index.linear import LinearIndex
from tutela.index.model import Hit, SetAside
from tutela.index.searcher import Searcher
from tutela.primitives.errors import BadInput


def row(number: int) -> bytes:
    """A hash of its own for each number."""
    return np.random.default_rng(number).bytes(32)


class ChangingIndex(RuleBasedStateMachine):
    """Add, replace, remove, search: always what a dictionary and a linear look would say."""

    def __init__(self) -> None:
        super().__init__()
        self.searcher = Searcher(delta_limit=8)
        self.kept: dict[int, bytes] = {}
        self.refused: dict[int, str] = {}

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
TestChangingIndex.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


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
    assert full > 136
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
    for turn in range(150):
        place = places[(turn + 1) % 2]
        searcher.add(
            [(1, place), (2, place), *((2000 + turn * 7 + n, row(n)) for n in range(3, 10))]
        )
        searcher.remove(range(2000 + turn * 7 + 3, 2000 + turn * 7 + 6))
        searcher.add(stay[:20])
    stop.set()
    for reader in readers:
        reader.join(timeout=10)
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
        reader.join(timeout=10)
    assert answers == [[Hit(entry=1, distance_bits=0)]]
