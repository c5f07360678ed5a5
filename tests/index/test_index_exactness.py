import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_drawing import Rows, planted, spread, worlds
from numpy.typing import NDArray

from tutela.index import linear
from tutela.index.bits import Found, Words, hamming, pack, unpack
from tutela.index.kernels.mixing import mixed
from tutela.index.linear import LinearIndex
from tutela.index.model import Hit
from tutela.index.plan import (
    LAYOUTS,
    USUAL,
    VERY_LARGE,
    Layout,
    layout_for,
    plan,
    thresholds,
)
from tutela.index.ring import MAX_RING_RADIUS, RingIndex
from tutela.primitives.errors import BadInput

World = tuple[Rows, NDArray[np.int64], Rows, int]
Pairs = list[tuple[int, int, int]]
SOME_LAYOUTS = (LAYOUTS[0], LAYOUTS[4], LAYOUTS[8], USUAL, VERY_LARGE)
ORDER = [151, 0, 39, 238, 239, 210, 249, 150]


def by_hand(hashes: Rows, ids: NDArray[np.int64], query: bytes, radius: int) -> list[Hit]:
    """The definition, in Python integers."""
    wanted = int.from_bytes(query, "big")
    hits = [
        ((int.from_bytes(row.tobytes(), "big") ^ wanted).bit_count(), int(entry))
        for row, entry in zip(hashes, ids, strict=True)
    ]
    return [Hit(entry=entry, distance_bits=d) for d, entry in sorted(hits) if d <= radius]


def pairs(found: Found) -> Pairs:
    """What was found, in one order."""
    query, row, distance = found
    assert (query.dtype, row.dtype, distance.dtype) == (np.int64, np.int64, np.uint16)
    return sorted(zip(query.tolist(), row.tolist(), distance.tolist(), strict=True))


def truth(words: Words, queries: Words, radius: int, alive: NDArray[np.bool_] | None) -> Pairs:
    found = pairs(linear.rows_within(words, queries, radius))
    return [pair for pair in found if alive is None or alive[pair[1]]]


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
@given(world=worlds(), layout=st.sampled_from(SOME_LAYOUTS), some=st.booleans())
def test_ring_equals_linear(world: World, layout: Layout, some: bool) -> None:  # noqa: FBT001
    hashes, _, queries, radius = world
    words, asked = pack(hashes), pack(queries)
    alive = np.random.default_rng(len(hashes)).random(len(hashes)) < 0.7 if some else None
    bits = None if alive is None else np.packbits(alive, bitorder="little")
    ring = RingIndex.build(words, layout=layout)
    expected = truth(words, asked, radius, alive)
    assert pairs(ring.rows_within(asked, radius, alive=bits)) == expected
    singly = [
        (number, row, distance)
        for number in range(len(asked))
        for _, row, distance in pairs(
            ring.rows_within(asked[number : number + 1], radius, alive=bits)
        )
    ]
    assert singly == expected


def gathered(blocks: Iterator[Found]) -> Pairs:
    return sorted(itertools.chain.from_iterable(pairs(block) for block in blocks))


@settings(max_examples=40, deadline=None)
@given(world=worlds(), layout=st.sampled_from(SOME_LAYOUTS))
def test_joins_equal_looking_at_every_pair(world: World, layout: Layout) -> None:
    hashes, _, queries, radius = world
    words, asked = pack(hashes[:600]), pack(np.concatenate((queries, hashes[300:500])))
    ring = RingIndex.build(words, layout=layout)
    assert gathered(ring.join(asked, radius)) == truth(words, asked, radius, None)
    every = truth(words, words, radius, None)
    assert gathered(ring.pairs_within(radius)) == [pair for pair in every if pair[0] < pair[1]]


@pytest.mark.parametrize("layout", SOME_LAYOUTS)
@pytest.mark.parametrize("rows", [1000, 1 << 20, 1 << 30])
def test_thresholds_leave_no_gap(layout: Layout, rows: int) -> None:
    for radius in range(64):
        limits = thresholds(layout, radius, rows)
        assert len(limits) == layout.tables
        assert sum(limit + 1 for limit in limits) == radius + 1
    if layout == USUAL:
        assert set(thresholds(layout, 31, rows)) == {1}


def test_layouts_cut_all_bits() -> None:
    assert sum(USUAL.widths) == sum(VERY_LARGE.widths) == 256
    assert sorted(set(VERY_LARGE.widths)) == [18, 19, 21]
    assert thresholds(VERY_LARGE, 31, 100_000_000) == (2,) * 6 + (1,) * 7
    with pytest.raises(ValueError, match="256 bits"):
        Layout(widths=(16,) * 15, keys=(16,) * 15)
    with pytest.raises(ValueError, match="256 bits"):
        Layout(widths=(16,) * 16, keys=(17,) * 16)


@pytest.mark.parametrize("layout", SOME_LAYOUTS)
def test_worst_spreads_around_the_radius(layout: Layout) -> None:
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
    words = pack(np.concatenate((noise, rows)))
    asked = pack(query.reshape(1, 32))
    hits = pairs(RingIndex.build(words, layout=layout).rows_within(asked, 31))
    near = {40_000 + place for place, many in enumerate(spreads) if sum(many) <= 31}
    assert {row for _, row, _ in hits} == near
    assert {distance for _, _, distance in hits} == {30, 31}
    assert hits == truth(words, asked, 31, None)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    radius=st.integers(0, MAX_RING_RADIUS),
    layout=st.sampled_from(SOME_LAYOUTS),
)
def test_uncrowded_buckets_also_equal_linear(seed: int, radius: int, layout: Layout) -> None:
    """Many rows, so that the bucket way (not the crowded way) answers, also at radius 47."""
    rng = np.random.default_rng(seed)
    queries = rng.integers(0, 256, (5, 32), dtype=np.uint8)
    hashes = rng.integers(0, 256, (20_000, 32), dtype=np.uint8)
    for place in range(200):
        distance = int(rng.integers(max(0, radius - 3), radius + 3))
        hashes[rng.integers(len(hashes))] = planted(rng, queries[place % 5], distance)
    words, asked = pack(hashes), pack(queries)
    expected = truth(words, asked, radius, None)
    assert expected
    assert pairs(RingIndex.build(words, layout=layout).rows_within(asked, radius)) == expected


def test_neither_blocks_of_rows_nor_room_change_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    queries = rng.integers(0, 256, (40, 32), dtype=np.uint8)
    hashes = rng.integers(0, 256, (5_000, 32), dtype=np.uint8)
    for place in range(400):
        hashes[place * 12] = planted(rng, queries[place % 40], place % 35)
    hashes[1::2] = hashes[1]  # crowded and calm queries side by side
    queries[7] = hashes[1]
    words, asked = pack(hashes), pack(queries)
    ring = RingIndex.build(words)
    whole = truth(words, asked, 31, None)
    assert {number for number, _, _ in whole} == set(range(40))
    assert pairs(ring.rows_within(asked, 31)) == whole
    monkeypatch.setattr("tutela.index.linear.BLOCK_ROWS", 64)
    for room in (0, 1, 50):
        monkeypatch.setattr("tutela.index.ring.ROOM", room)
        assert truth(words, asked, 31, None) == whole
        assert pairs(ring.rows_within(asked, 31)) == whole


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x5A])
def test_all_rows_equal(value: int) -> None:
    words = pack(np.full((3000, 32), value, np.uint8))
    same, other = pack(np.array([[value] * 32, [value ^ 0xFF] * 32], np.uint8)).reshape(2, 1, 4)
    index = RingIndex.build(words)
    assert pairs(index.rows_within(same, 0)) == [(0, row, 0) for row in range(3000)]
    assert pairs(index.rows_within(other, 47)) == []
    assert len(pairs(index.rows_within(other, 256))) == 3000


def test_nothing_in_it_finds_nothing() -> None:
    nothing = np.empty((0, 4), np.uint64)
    for index in (RingIndex.build(nothing), RingIndex.build(nothing, layout=VERY_LARGE)):
        assert len(index) == 0
        assert pairs(index.rows_within(np.zeros((2, 4), np.uint64), 31)) == []
        assert pairs(index.rows_within(nothing, 31)) == []
    assert LinearIndex(np.empty((0, 32), np.uint8), np.empty(0, np.int64)).search(bytes(32)) == []


@given(st.binary(min_size=64, max_size=64))
def test_packing_comes_back(raw: bytes) -> None:
    hashes = np.frombuffer(raw, np.uint8).reshape(2, 32)
    words = pack(hashes)
    assert (unpack(words) == hashes).all()
    one, two = (int.from_bytes(row.tobytes(), "big") for row in hashes)
    assert hamming(words[:1], words[1:])[0] == (one ^ two).bit_count()


def test_wrong_shapes_are_refused() -> None:
    index = LinearIndex(np.zeros((2, 32), np.uint8), np.arange(2))
    for query in (b"", bytes(31), bytes(33)):
        with pytest.raises(BadInput, match="32"):
            index.search(query)
    ring = RingIndex.build(np.zeros((2, 4), np.uint64))
    for radius in (-1, 257):
        with pytest.raises(BadInput, match="between 0 and 256"):
            index.search(bytes(32), radius)
        with pytest.raises(BadInput, match="between 0 and 256"):
            ring.rows_within(np.zeros((1, 4), np.uint64), radius)
    with pytest.raises(BadInput, match="shape"):
        index.search_many(np.zeros((2, 31), np.uint8))
    for rows in (np.zeros((2, 3), np.uint64), np.zeros((2, 4), np.int64), np.zeros(4, np.uint64)):
        with pytest.raises(BadInput, match="shape"):
            RingIndex.build(rows)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="expected 2 whole numbers"):
        LinearIndex(np.zeros((2, 32), np.uint8), np.arange(3))


def test_probes_are_as_many_as_designed() -> None:
    assert plan(USUAL, 31, 20).flips.shape == (2, 16 * 17)
    assert plan(VERY_LARGE, 31, 27).flips.shape == (2, 6 * 232 + 4 * 20 + 3 * 19)


def test_memory_is_as_stated() -> None:
    rng = np.random.default_rng(0)
    for size in (100, 5_000, 50_000):
        words = rng.integers(0, 1 << 64, (size, 4), dtype=np.uint64)
        held = RingIndex.build(words).nbytes
        assert 128 * size < held < 139 * size + 5_000
    assert USUAL.offset_places[-1] * 4 < 4_300_000
    assert VERY_LARGE.offset_places[-1] * 4 < 62_000_000


def test_buckets_are_neither_empty_nor_long() -> None:
    for rows in (1_000, 30_000, 390_000, 1_500_000):
        layout = layout_for(rows)
        assert 6 <= rows / (1 << layout.keys[0]) < 24
    assert layout_for(0) == layout_for(1)
    assert layout_for(10_000_000) == USUAL
    assert layout_for(100_000_000) == VERY_LARGE


def test_arrays_make_the_same_index_also_when_mapped(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    queries = rng.integers(0, 1 << 64, (30, 4), dtype=np.uint64)
    words = np.concatenate((queries, rng.integers(0, 1 << 64, (3_000, 4), dtype=np.uint64)))
    built = RingIndex.build(words)
    mapped = {}
    for name, array in built.arrays().items():
        np.save(tmp_path / name, array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    again = RingIndex.of(mapped)
    assert pairs(again.rows_within(queries, 31)) == pairs(built.rows_within(queries, 31))
    assert again.nbytes == built.nbytes
    for name, array in built.arrays().items():
        for wrong in (array[:-1], array.astype(np.int16), array.repeat(2, axis=0)):
            with pytest.raises(BadInput, match="not the arrays"):
                RingIndex.of({**mapped, name: wrong})
        with pytest.raises(BadInput, match="not the arrays"):
            RingIndex.of({key: value for key, value in mapped.items() if key != name})


def test_wrong_numbers_in_arrays_are_not_followed_out_of_them() -> None:
    rng = np.random.default_rng(8)
    words = rng.integers(0, 1 << 64, (2_000, 4), dtype=np.uint64)
    whole = RingIndex.build(words).arrays()
    for name in ("offsets", "rows"):
        wild = rng.integers(0, 1 << 32, whole[name].shape, dtype=np.uint32)
        _, row, _ = RingIndex.of({**whole, name: wild}).rows_within(words, 31)
        assert row.size == 0 or row.max() < 2_000


def test_bits_of_the_living_must_fit() -> None:
    ring = RingIndex.build(np.zeros((9, 4), np.uint64))
    query = np.zeros((1, 4), np.uint64)
    with pytest.raises(BadInput, match="do not fit"):
        ring.rows_within(query, 0, alive=np.zeros(1, np.uint8))
    assert len(ring.rows_within(query, 0, alive=np.array([255, 1], np.uint8))[0]) == 9


def test_the_fixed_mixing_moves_bits_and_keeps_distances() -> None:
    """It is part of the format of files: this is what it must do, and do the same for ever."""
    single = np.zeros((256, 4), np.uint64)
    for bit in range(256):
        single[bit, bit // 64] = np.uint64(1) << np.uint64(bit % 64)
    moved = np.array([mixed(*row) for row in single], np.uint64)
    places = [int("".join(f"{word:064b}" for word in row[::-1].tolist()), 2) for row in moved]
    assert sorted(places) == [1 << bit for bit in range(256)]
    order = [place.bit_length() - 1 for place in places]
    assert order[:8] == ORDER
    together = sum(a // 16 == b // 16 for a, b in itertools.pairwise(order))
    assert together < 40  # of 255; all but 15 without mixing
