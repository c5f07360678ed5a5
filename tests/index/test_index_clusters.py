from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.index.bits import Found
from tutela.index.clusters import clusters
from tutela.primitives.errors import BadInput

Pairs = list[tuple[int, int]]


def found(pairs: Pairs) -> Found:
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1], np.zeros(len(both), np.uint16)


def by_hand(pairs: Pairs, rows: int) -> list[list[int]]:
    """Spread the least row of each group until nothing changes."""
    least = list(range(rows))
    changed = True
    while changed:
        changed = False
        for one, other in pairs:
            low = min(least[one], least[other])
            changed |= least[one] != low or least[other] != low
            least[one] = least[other] = low
    groups = ([row for row in range(rows) if least[row] == root] for root in range(rows))
    return [group for group in groups if len(group) > 1]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Pairs, int]:
    rows = draw(st.integers(1, 40))
    row = st.integers(0, rows - 1)
    return draw(st.lists(st.tuples(row, row), max_size=60)), rows


@settings(deadline=None)
@given(graphs(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_groups_are_the_connected_ones_whatever_the_order(
    graph: tuple[Pairs, int], chance: Random, parts: int
) -> None:
    pairs, rows = graph
    expected = by_hand(pairs, rows)
    assert [group.tolist() for group in clusters([found(pairs)], rows)] == expected
    mixed = [pair if chance.random() < 0.5 else pair[::-1] for pair in pairs]
    chance.shuffle(mixed)

    def streamed() -> Iterator[Found]:
        for part in range(parts):
            yield found(mixed[part::parts])

    assert [group.tolist() for group in clusters(streamed(), rows)] == expected


def test_a_long_chain_is_one_group() -> None:
    rows = 100_000
    chain = np.arange(rows - 1)[::-1]
    (group,) = clusters([(chain, chain + 1, np.zeros(rows - 1, np.uint16))], rows)
    assert (group == np.arange(rows)).all()


def test_nothing_and_strangers() -> None:
    assert clusters([], 0) == []
    assert clusters([], 3) == []
    assert clusters([found([(1, 1)])], 3) == []
    for strange in ((0, 3), (-1, 0)):
        with pytest.raises(BadInput, match="not there"):
            clusters([found([strange])], 3)
