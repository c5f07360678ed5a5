"""Groups of waiting pictures are what a plain walk over all near pairs finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutela.index.bits import hamming, pack
from tutela.primitives.ids import CaseId
from tutela.review.grouping import Group, Groups, Joined, Pictures

Drawn = tuple[list[int], list[int]]
"""Positions on a line (their distance is the distance of the hashes) and radii."""


def pictures(drawn: Drawn, *, first: int = 0) -> Pictures:
    places, radii = drawn
    rows = b"".join(((1 << place) - 1).to_bytes(32) for place in places)
    return Pictures(
        cases=[CaseId(f"case-{first + number:06}") for number in range(len(places))],
        words=pack(np.frombuffer(rows, np.uint8).reshape(-1, 32)),
        radii=np.array(radii, np.int64),
    )


def by_hand(waiting: Pictures, asked: Pictures, number: int) -> list[Joined]:
    """Walk from one picture, a step at a time, looking at every pair."""
    found: list[Joined] = []
    level = [(asked.words[number : number + 1], int(asked.radii[number]))]
    seen = {asked.cases[number]}
    steps = 0
    while level:
        steps += 1
        here, level = level, []
        reached = set()
        for words, radius in here:
            bits = hamming(waiting.words, words)
            for row in np.flatnonzero(bits <= np.minimum(radius, waiting.radii)).tolist():
                if waiting.cases[row] not in seen:
                    seen.add(waiting.cases[row])
                    reached.add(row)
        far = hamming(waiting.words, asked.words[number : number + 1])
        found += sorted(
            (
                Joined(case=waiting.cases[r], distance_bits=int(far[r]), steps=steps)
                for r in reached
            ),
            key=lambda one: (one.distance_bits, one.case),
        )
        level = [(waiting.words[r : r + 1], int(waiting.radii[r])) for r in reached]
    return found


@st.composite
def drawn(draw: st.DrawFn, most: int = 90) -> Drawn:
    places = draw(st.lists(st.integers(0, 255), min_size=1, max_size=most))
    radius = st.sampled_from([0, 1, 2, 5, 31])
    return places, draw(st.lists(radius, min_size=len(places), max_size=len(places)))


@settings(deadline=None, max_examples=60)
@given(drawn(), drawn(most=4), st.integers(1, 8))
def test_groups_are_those_of_a_plain_walk(waits: Drawn, strange: Drawn, most: int) -> None:
    waiting, strangers = pictures(waits), pictures(strange, first=500)
    groups = Groups(waiting)
    for asked in (waiting, strangers):
        for number, group in enumerate(groups.around(asked, most=most)):
            expected = by_hand(waiting, asked, number)
            assert group == Group(nearest=tuple(expected[:most]), total=len(expected))


@pytest.mark.parametrize("spread", [1, 40])
def test_a_crowd_and_its_surroundings_are_one_group(spread: int) -> None:
    rng = np.random.default_rng(spread)
    last = 99 + spread
    crowd = [100, last, *rng.integers(100, last + 1, 1000).tolist()]
    places = [69, *crowd, last + 31, last + 62]  # a step before the crowd, two behind it
    waiting = pictures((places, [31] * len(places)))
    some = pictures((places[:3], [31] * 3))
    found = Groups(waiting).around(some, most=5)
    assert {group.total for group in found} == {len(places) - 1}
    assert {len(group.nearest) for group in found} == {5}


def test_nobody_waits() -> None:
    nobody, one = pictures(([], [])), pictures(([7], [31]))
    assert Groups(nobody).around(one, most=5) == [Group(nearest=(), total=0)]
    assert Groups(one).around(one, most=5) == [Group(nearest=(), total=0)]
    assert Groups(one).around(nobody, most=5) == []
