"""Alignment finds the line on which two videos run along, whatever else meets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutela.index.alignment import SPEEDS, TOLERANCE_SECONDS, aligned


@given(
    speed=st.sampled_from(SPEEDS),
    start=st.integers(0, 60),
    length=st.integers(12, 60),
    bank_start=st.integers(0, 200),
    noise=st.integers(0, 60),
    seed=st.integers(0, 1 << 16),
)
def test_a_stretch_is_found_among_noise(  # noqa: PLR0917 - hypothesis gives them by name
    speed: float, start: int, length: int, bank_start: int, noise: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    upload = np.arange(130.0)
    query = upload[start : start + length]
    bank = np.round(bank_start + speed * (query - start))
    query = np.concatenate((query, chance.choice(upload, noise)))
    bank = np.concatenate((bank, np.round(chance.uniform(0, 300, noise))))
    found = aligned(query, bank, all_query_s=upload)
    assert found is not None
    # Noise may lie on the line beyond the ends, within the longest gap.
    assert found.query_start_s <= start + 3
    assert found.query_end_s >= start + length - 4
    middle = start + length // 2
    at_middle = found.bank_start_s + found.speed * (middle - found.query_start_s)
    assert at_middle == pytest.approx(bank_start + speed * (middle - start), abs=2.5)


def test_a_still_scene_has_no_more_votes_than_frames() -> None:
    still_query, still_bank = np.meshgrid(np.arange(8.0), np.arange(8.0))
    moving = np.arange(20.0, 40.0)
    query = np.concatenate((still_query.ravel(), moving))
    bank = np.concatenate((still_bank.ravel(), moving + 100))
    found = aligned(query, bank, all_query_s=np.arange(60.0))
    assert found is not None
    assert (found.query_start_s, found.query_end_s) == (20, 39)
    assert (found.bank_start_s, found.bank_end_s) == (120, 139)
    assert (found.frames, found.frames_possible, found.score) == (20, 20, 1.0)


def test_a_long_gap_ends_the_stretch_and_a_short_one_does_not() -> None:
    upload = np.arange(60.0)
    query = np.r_[0:10, 13:20, 40:50].astype(np.float64)
    found = aligned(query, query, all_query_s=upload)
    assert found is not None
    assert (found.query_start_s, found.query_end_s) == (0, 19)
    assert found.score == pytest.approx(17 / 20)


def test_one_pair_is_a_point_and_none_is_nothing() -> None:
    one = aligned(np.array([3.0]), np.array([70.0]), all_query_s=np.arange(9.0))
    assert one is not None
    assert (one.query_start_s, one.bank_start_s, one.seconds) == (3, 70, 0)
    assert aligned(np.array([]), np.array([]), all_query_s=np.arange(9.0)) is None


def test_time_never_runs_backwards() -> None:
    query = np.arange(30.0)
    bank = query + np.where(np.arange(30) % 2, TOLERANCE_SECONDS, -TOLERANCE_SECONDS) * 0.9
    found = aligned(query, bank, all_query_s=query)
    assert found is not None
    assert found.bank_end_s >= found.bank_start_s
