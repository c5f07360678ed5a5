"""The vector test of signatures beside counting bits in plain numpy."""

from typing import Any

import numpy as np
import pytest

from tutela.index.kernels.operations import LANES, address_of, near
from tutela.primitives.compiling import kernel


@kernel("uint32(uint16[::1], int64, uint16, int64)")
def _near(marks: Any, place: int, value: Any, limit: int) -> Any:
    return near(address_of(marks), place, value, limit)


@pytest.mark.parametrize("limit", range(18))
def test_near_signatures_are_those_with_few_other_bits(limit: int) -> None:
    rng = np.random.default_rng(limit)
    for value in rng.integers(0, 1 << 16, 40).tolist():
        marks = rng.integers(0, 1 << 16, 3 * LANES, dtype=np.uint16)
        # Random signatures differ in eight bits; these in none to all sixteen.
        for place in range(len(marks)):
            turned = rng.choice(16, place % 17, replace=False)
            marks[place] = value ^ int(np.bitwise_or.reduce(1 << turned)) if place % 17 else value
        rng.shuffle(marks)
        place = int(rng.integers(0, 2 * LANES + 1))
        few = np.bitwise_count(marks[place : place + LANES] ^ np.uint16(value)) <= limit
        expected = sum(1 << lane for lane in np.flatnonzero(few).tolist())
        assert _near(marks, place, np.uint16(value), limit) == expected
