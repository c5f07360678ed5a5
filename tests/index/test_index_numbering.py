import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tutela.index.numbering import Numbering
from tutela.primitives.errors import BadInput

LEAST, GREATEST = -(2**63), 2**63 - 1


@st.composite
def entries(draw: st.DrawFn) -> NDArray[np.int64]:
    """Ascending entries: stretches, small gaps, wide gaps, the ends of 64 bits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0, 1, 2, 63, 64, 65, 700, 3000]))
    gap = draw(st.sampled_from([1, 2, 5, 300, 70_000, 2**33]))
    gaps = rng.integers(1, gap + 1, size)
    if draw(st.booleans()):
        gaps[rng.random(size) < 0.97] = 1
    found = np.cumsum(gaps, dtype=np.int64) + draw(st.integers(-(2**40), 2**40))
    ends = draw(st.lists(st.sampled_from([LEAST, LEAST + 1, 0, GREATEST - 1, GREATEST])))
    return np.unique(np.concatenate((found, np.array(ends, np.int64))))


@settings(max_examples=150, deadline=None)
@given(entries(), st.integers(0, 2**32 - 1))
def test_both_ways(numbers: NDArray[np.int64], seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = Numbering.of_sorted(numbers)
    for numbering in (made, Numbering.of(made.arrays(), len(numbers))):
        assert len(numbering) == len(numbers)
        assert (numbering.entries() == numbers).all()
        rows = rng.permutation(len(numbers))[:500]
        assert (numbering.entries_at(rows) == numbers[rows]).all()
        asked = np.concatenate(
            (
                numbers[rows],
                numbers[numbers < GREATEST] + 1,
                numbers[numbers > LEAST] - 1,
                np.array([LEAST, 0, GREATEST]),
                rng.integers(LEAST, GREATEST, 50, dtype=np.int64),
            )
        )
        place = {number: row for row, number in enumerate(numbers.tolist())}
        assert numbering.rows_of(asked).tolist() == [place.get(one, -1) for one in asked.tolist()]


@pytest.mark.parametrize(
    ("gap", "most"), [(1, 0.01), (3, 1.13), (7, 2.13), (900, 2.13), (2**40, 8.13)]
)
def test_room_by_density(gap: int, most: float) -> None:
    """Consecutive entries cost nothing; entries with a gap between them a byte or few."""
    rng = np.random.default_rng(1)
    numbers = np.cumsum(rng.integers(1, gap + 1, 50_000))
    numbering = Numbering.of_sorted(numbers)
    assert numbering.nbytes <= most * len(numbers)
    assert (numbering.entries() == numbers).all()


def test_what_does_not_fit_is_refused() -> None:
    for wrong in ([1, 1], [2, 1]):
        with pytest.raises(BadInput, match="not in order"):
            Numbering.of_sorted(np.array(wrong))
    good = Numbering.of_sorted(np.array([1, 5, 7])).arrays()
    for rows in (0, 2, 4):
        with pytest.raises(BadInput, match="do not fit"):
            Numbering.of(good, rows)
    with pytest.raises(BadInput, match="do not fit"):
        Numbering.of({**good, "entry": good["entry"].astype(np.int32)}, 3)
