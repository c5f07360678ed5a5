import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_drawing import Rows, planted, spread, worlds
from numpy.typing import NDArray

from tutela.index.bits import hamming, pack, unpack
from tutela.index.linear import LinearIndex
from tutela.index.model import Hit
from tutela.index.ring import RingIndex, thresholds
from tutela.primitives.errors import BadInput

World = tuple[Rows, NDArray[np.int64], Rows, int]


def by_hand(hashes: Rows, ids: NDArray[np.int64], query: bytes, radius: int) -> list[Hit]:
    """The definition, in Python integers."""
    wanted = int.from_bytes(query, "big")
    hits = [
        ((int.from_bytes(row.tobytes(), "big") ^ wanted).bit_count(), int(entry))
        for row, entry in zip(hashes, ids, strict=True)
    ]
    return [Hit(entry=entry, distance_bits=d) for d, entry in sorted(hits) if d <= radius]


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_linear_search_is_the_definition(world: World) -> None:
    hashes, ids, queries, radius = world
    index = LinearIndex(hashes[:300], ids[:300])
    for query in queries[:2]:
        assert index.search(query.tobytes(), radius) == by_hand(
            hashes[:300], ids[:300], query.tobytes(), radius
        )


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_ring_equals_linear(world: World) -> None:
    hashes, ids, queries, radius = world
    ring, oracle = RingIndex(hashes, ids), LinearIndex(hashes, ids)
    expected = oracle.search_many(queries, radius)
    assert ring.search_many(queries, radius) == expected
    assert [ring.search(query.tobytes(), radius) for query in queries] == expected


@pytest.mark.parametrize("radius", range(48))
def test_thresholds_leave_no_gap(radius: int) -> None:
    limits = thresholds(radius)
    assert len(limits) == 16
    assert sum(limit + 1 for limit in limits) == radius + 1
    assert max(limits) <= 2


def test_worst_spreads_around_the_radius() -> None:
    """Two flips in each chunk but one, every rotation: the tightest case the tables must hold."""
    rng = np.random.default_rng(5)
    query = rng.integers(0, 256, 32, dtype=np.uint8)
    noise = rng.integers(0, 256, (40_000, 32), dtype=np.uint8)
    spreads = [
        tuple(np.roll((2,) * 15 + (last,), turn).tolist())
        for turn in range(16)
        for last in (0, 1, 2)  # 30, 31 and 32 bits
    ]
    spreads += [tuple(np.roll((1, 3) * 8, turn).tolist()) for turn in range(2)]  # 32
    spreads += [tuple(np.roll((1, 2, 3) * 5 + (1,), turn).tolist()) for turn in range(16)]  # 31
    spreads += [tuple(np.roll((16, 15) + (0,) * 14, turn).tolist()) for turn in range(16)]  # 31
    rows = np.array([spread(query, many, rng) for many in spreads])
    hashes = np.concatenate((noise, rows))
    ids = np.arange(len(hashes))
    hits = RingIndex(hashes, ids).search(query.tobytes(), 31)
    near = {40_000 + place for place, many in enumerate(spreads) if sum(many) <= 31}
    assert {hit.entry for hit in hits} == near
    assert {hit.distance_bits for hit in hits} == {30, 31}
    assert hits == LinearIndex(hashes, ids).search(query.tobytes(), 31)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), radius=st.integers(0, 47))
def test_uncrowded_buckets_also_equal_linear(seed: int, radius: int) -> None:
    """Many rows, so that the bucket way (not the crowded way) answers, also at radius 47."""
    rng = np.random.default_rng(seed)
    queries = rng.integers(0, 256, (5, 32), dtype=np.uint8)
    hashes = rng.integers(0, 256, (20_000, 32), dtype=np.uint8)
    for place in range(200):
        distance = int(rng.integers(max(0, radius - 3), radius + 3))
        hashes[rng.integers(len(hashes))] = planted(rng, queries[place % 5], distance)
    ids = np.arange(len(hashes))
    expected = LinearIndex(hashes, ids).search_many(queries, radius)
    assert sum(map(len, expected)) > 0
    assert RingIndex(hashes, ids).search_many(queries, radius) == expected


def test_block_sizes_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    queries = rng.integers(0, 256, (40, 32), dtype=np.uint8)
    hashes = rng.integers(0, 256, (5_000, 32), dtype=np.uint8)
    for place in range(400):
        hashes[place * 12] = planted(rng, queries[place % 40], place % 35)
    hashes[1::2] = hashes[1]  # crowded and calm queries side by side
    queries[7] = hashes[1]
    ring, oracle = RingIndex(hashes, np.arange(5_000)), LinearIndex(hashes, np.arange(5_000))
    whole = oracle.search_many(queries)
    assert all(whole)
    assert ring.search_many(queries) == whole
    monkeypatch.setattr("tutela.index.linear.BLOCK_ROWS", 64)
    monkeypatch.setattr("tutela.index.ring.QUERY_BLOCK", 3)
    monkeypatch.setattr("tutela.index.ring.CANDIDATE_BLOCK", 50)
    assert oracle.search_many(queries) == whole
    assert ring.search_many(queries) == whole


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x5A])
def test_all_rows_equal(value: int) -> None:
    hashes = np.full((3000, 32), value, np.uint8)
    index = RingIndex(hashes, np.arange(3000))
    assert index.search(bytes([value]) * 32, 0) == [
        Hit(entry=number, distance_bits=0) for number in range(3000)
    ]
    assert index.search(bytes([value ^ 0xFF]) * 32, 47) == []
    assert len(index.search(bytes([value ^ 0xFF]) * 32, 256)) == 3000


def test_nothing_in_it_finds_nothing() -> None:
    for kind in (LinearIndex, RingIndex):
        empty = kind(np.empty((0, 32), np.uint8), np.empty(0, np.int64))
        assert len(empty) == 0
        assert empty.search(bytes(32)) == []
        assert empty.search_many(np.empty((0, 32), np.uint8)) == []


def test_ties_stand_by_entry_and_negative_ids_are_ids() -> None:
    hashes = np.zeros((4, 32), np.uint8)
    hashes[1, 0] = 1
    index = RingIndex(hashes, np.array([9, 4, -2, 7]))
    assert [(hit.entry, hit.distance_bits) for hit in index.search(bytes(32))] == [
        (-2, 0),
        (7, 0),
        (9, 0),
        (4, 1),
    ]


@given(st.binary(min_size=64, max_size=64))
def test_packing_comes_back(raw: bytes) -> None:
    hashes = np.frombuffer(raw, np.uint8).reshape(2, 32)
    words = pack(hashes)
    assert (unpack(words) == hashes).all()
    one, two = (int.from_bytes(row.tobytes(), "big") for row in hashes)
    assert hamming(words[:1], words[1:])[0] == (one ^ two).bit_count()


@pytest.mark.parametrize("kind", [LinearIndex, RingIndex])
def test_wrong_shapes_are_refused(kind: type[LinearIndex] | type[RingIndex]) -> None:
    index = kind(np.zeros((2, 32), np.uint8), np.arange(2))
    for query in (b"", bytes(31), bytes(33)):
        with pytest.raises(BadInput, match="32"):
            index.search(query)
    for radius in (-1, 257):
        with pytest.raises(BadInput, match="between 0 and 256"):
            index.search(bytes(32), radius)
    with pytest.raises(BadInput, match="shape"):
        index.search_many(np.zeros((2, 31), np.uint8))
    with pytest.raises(BadInput, match="shape"):
        kind(np.zeros((2, 32), np.int64), np.arange(2))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="expected 2 whole numbers"):
        kind(np.zeros((2, 32), np.uint8), np.arange(3))


def test_memory_is_as_stated() -> None:
    rng = np.random.default_rng(0)
    index = RingIndex(rng.integers(0, 256, (50_000, 32), dtype=np.uint8), np.arange(50_000))
    assert index.bytes_per_hash == pytest.approx(136 + 16 * 65_537 * 4 / 50_000)
