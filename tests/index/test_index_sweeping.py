"""Many queries taken table by table find what looking at each row finds, in bounded blocks."""

from collections.abc import Iterator

import numpy as np
import pytest
from index_drawing import planted
from numpy.typing import NDArray

from tutela.index import linear, sweeping
from tutela.index.bits import Found, Words, pack
from tutela.index.kernels.layout import WAITING
from tutela.index.plan import LAYOUTS, USUAL, VERY_LARGE, Layout
from tutela.index.ring import RingIndex

Pairs = NDArray[np.int64]
"""One number a pair (query, row, distance), in ascending order: there are hundreds of thousands."""


def pairs(found: Found) -> Pairs:
    query, row, distance = found
    return np.sort((query << 40) | (row << 16) | distance)


def query_and_row(found: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return found >> 40, (found >> 16) & 0xFFFFFF


def gathered(blocks: Iterator[Found], most: int) -> Pairs:
    parts = list(blocks)
    assert all(0 < len(query) <= most for query, _, _ in parts)
    return pairs(linear.together(parts))


def rows_around(kind: str) -> Words:
    rng = np.random.default_rng(12)
    hashes = rng.integers(0, 256, (700, 32), dtype=np.uint8)
    if kind == "all equal":
        hashes[:] = hashes[0]
    elif kind == "doubled":
        hashes[100:] = hashes[rng.integers(0, 100, 600)]
    else:
        flips = rng.integers(10, 18, 700) if kind == "near the radius" else np.arange(700) % 40
        hashes = np.array([planted(rng, hashes[0], int(many)) for many in flips])
    return pack(hashes)


@pytest.mark.parametrize("layout", [LAYOUTS[4], USUAL, VERY_LARGE])
@pytest.mark.parametrize("kind", ["all equal", "doubled", "near the radius", "one centre"])
@pytest.mark.parametrize("share", [8, 0.01])
def test_sweeps_equal_looking_in_blocks_of_few_pairs(
    kind: str, layout: Layout, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With crowded queries (a share of 1/8 of the rows) and without any that is given up."""
    monkeypatch.setattr("tutela.index.ring.MANY_QUERIES", 1)
    monkeypatch.setattr("tutela.index.ring.LINEAR_SHARE", share)
    monkeypatch.setattr(sweeping, "PAIRS", WAITING)
    monkeypatch.setattr(sweeping, "MOST_QUERIES", 300)
    words = rows_around(kind)
    ring = RingIndex.build(words, layout=layout)
    for radius in (31, 60):
        every = pairs(linear.rows_within(words, words, radius))
        assert len(every) > WAITING
        query, row = query_and_row(every)
        assert np.array_equal(gathered(ring.join(words, radius), WAITING), every)
        once = every[query < row]
        assert np.array_equal(gathered(ring.pairs_within(radius), WAITING), once)
        alive: NDArray[np.bool_] = np.arange(len(words)) % 3 > 0
        bits = np.packbits(alive, bitorder="little")
        left = every[alive[row]]
        assert np.array_equal(pairs(ring.rows_within(words, radius, alive=bits)), left)


@pytest.mark.parametrize("layout", [LAYOUTS[4], USUAL, VERY_LARGE])
def test_rows_mixed_in_blocks_give_the_same_tables(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As very many rows are, and as several threads do it."""
    words = pack(np.random.default_rng(5).integers(0, 256, (2_500, 32), dtype=np.uint8))
    whole = RingIndex.build(words, layout=layout).arrays()
    monkeypatch.setattr("tutela.index.columns._TOGETHER", 400)
    threads = RingIndex.build(words, layout=layout).arrays()
    monkeypatch.setattr("tutela.index.ring.VERY_LARGE_ROWS", 1_000)
    monkeypatch.setattr("tutela.index.ring._MIXED_BLOCK", 300)
    blocks = RingIndex.build(words, layout=layout).arrays()
    for name, array in whole.items():
        assert np.array_equal(array, threads[name]), name
        assert np.array_equal(array, blocks[name]), name
