"""Few rows, looked at 512 at a time: always what the linear look says."""

import numpy as np
import pytest
from hypothesis import given, settings
from index_drawing import Rows, planted, worlds
from numpy.typing import NDArray

from tutela.index import linear
from tutela.index.bits import Found, pack
from tutela.index.prefix import PrefixIndex
from tutela.primitives.errors import BadInput

World = tuple[Rows, NDArray[np.int64], Rows, int]


def pairs(found: Found) -> list[tuple[int, int, int]]:
    assert [column.dtype for column in found] == [np.int64, np.int64, np.uint16]
    return sorted(zip(*(column.tolist() for column in found), strict=True))


@settings(max_examples=150, deadline=None)
@given(world=worlds())
def test_prefix_equals_linear(world: World) -> None:
    hashes, _, queries, radius = world
    words, asked = pack(hashes), pack(queries)
    index = PrefixIndex(words)
    expected = pairs(linear.rows_within(words, asked, radius))
    assert len(index) == len(words)
    assert pairs(index.rows_within(asked, radius)) == expected
    alive = np.random.default_rng(len(hashes)).random(len(hashes)) < 0.6
    bits = np.packbits(alive, bitorder="little")
    assert pairs(index.rows_within(asked, radius, alive=bits)) == [
        pair for pair in expected if alive[pair[1]]
    ]


@pytest.mark.parametrize("size", [1, 63, 64, 65, 511, 512, 513, 1025])
@pytest.mark.parametrize("radius", [0, 31, 32, 47, 64, 90, 127, 128, 200, 255, 256])
def test_every_distance_around_the_radius(size: int, radius: int) -> None:
    rng = np.random.default_rng(size + radius)
    query = rng.integers(0, 256, 32, dtype=np.uint8)
    rows = [
        planted(rng, query, int(np.clip(radius + rng.integers(-3, 4), 0, 256))) for _ in range(size)
    ]
    words, asked = pack(np.array(rows)), pack(query.reshape(1, 32))
    expected = pairs(linear.rows_within(words, asked, radius))
    assert pairs(PrefixIndex(words).rows_within(asked, radius)) == expected


def test_more_pairs_than_there_was_room_for() -> None:
    words = np.zeros((3_000, 4), np.uint64)
    found = PrefixIndex(words).rows_within(words[:3], 0)
    assert pairs(found) == [(query, row, 0) for query in range(3) for row in range(3_000)]


def test_a_senseless_radius_is_refused() -> None:
    with pytest.raises(BadInput, match="between 0 and 256"):
        PrefixIndex(np.zeros((1, 4), np.uint64)).rows_within(np.zeros((1, 4), np.uint64), 257)
